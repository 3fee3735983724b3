"""The sixth tab: what the batch size does to the network in the controls, from many runs."""

from functools import partial
from statistics import mode
from time import monotonic
from types import MappingProxyType

from explorer.app.layout import box, set_hidden
from explorer.app.panels.recorded_study import load_points
from explorer.app.view_state import ViewState
from explorer.app.views import Views
from explorer.datasets import load_mnist
from explorer.figures.palette import Theme
from explorer.figures.studies import (
    StudyMeasure,
    StudyPoint,
    study_figure,
    study_layout,
    study_points,
    study_style,
    study_traces,
    study_words,
)
from explorer.training import TrainingConfig
from explorer.training.studies import (
    BATCH_SIZES,
    SAME_STEP,
    StudyError,
    StudyResult,
    batch_size_grid,
    batch_size_rates,
    effort,
)
from explorer.training.study_runner import StudyDelivery, StudyRunner
from explorer.widgets.caption import Caption
from explorer.widgets.dropdown import Segmented
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.rendered import Display
from explorer.widgets.study_progress import StudyProgress
from explorer.wording import duration, in_line

__all__ = ["StudyPanel", "study_configs"]

_ORDER = "The largest batches come first, because they take the least time; the answer follows at the end."
_RECORDED = "Recorded beforehand, with the exercise's settings, 10 epochs and 3 seeds."
_MEASURES: MappingProxyType[StudyMeasure, str] = MappingProxyType(
    {
        "accuracy": "test accuracy at the end: mean over the seeds, and a band from the lowest to the highest",
        "time": "time of an epoch: a step on few images costs nearly as much as one on many",
        "updates": "updates of the weights in the whole run: the larger the batch, the fewer",
    }
)


class StudyPanel:
    """A study of batch sizes: started by its button, drawn as its runs end.

    On MNIST it opens with a recorded one, of the exercise's network.
    """

    def __init__(self, views: Views) -> None:
        dataset, theme, on_loop = views.dataset, views.theme, views.on_loop
        self._dataset, self._runner = dataset, StudyRunner()
        views.on_close(self._runner.stop)
        self._config = TrainingConfig()
        self._deliver = on_loop(self._on_delivery)
        self._recorded = load_points() if dataset is load_mnist() else ()
        self._configs: tuple[TrainingConfig, ...] = ()
        self._results: list[StudyResult] = []
        self._number = self._in_line = 0
        self._started = 0.0
        self.epochs = Segmented("Epochs of each run", {"1": "1 epoch", "3": "3 epochs", "10": "10 epochs"})
        self.seeds = Segmented("Seeds", {"1": "1 seed", "3": "3 seeds"})
        self.epochs.value = self.seeds.value = "3"
        for choice in (self.epochs, self.seeds):
            choice.observe(on_loop(lambda _: self._show_plan()), "value")
        self.progress = Display(StudyProgress())
        self.progress.on_press(on_loop(self._on_press))
        self.question, self.words = Caption(_question(self._config)), Caption()
        self.figures = {measure: _figure(measure, theme) for measure in _MEASURES}
        figures = [
            box("explorer-study-figure explorer-words", self.figures[what], Caption(words))
            for what, words in _MEASURES.items()
        ]
        # Hidden until there is something to see.
        self._drawings = box("explorer-study-figures explorer-hidden", *figures)
        self.view = box(
            "explorer-panel explorer-column",
            box("explorer-words explorer-prominent", self.question),
            box("explorer-tools", self.epochs, self.seeds, self.progress),
            box("explorer-words explorer-prominent", self.words),
            self._drawings,
        )
        if self._recorded:
            self._show_results()
            self.words.text = f"{_RECORDED} {study_words(self._recorded)}"
            self.figures["accuracy"].summary = self.words.text

    @property
    def points(self) -> tuple[StudyPoint, ...]:
        """The runs that ended, as points; before the first study those of the recorded one."""
        if not self._configs:
            return self._recorded
        return study_points(self._results, len(self._dataset.train_labels))

    def show(self, state: ViewState) -> None:
        """Keep the settings for the next study, and follow the theme."""
        self._config = state.config
        self._show_plan()
        for figure in self.figures.values():
            figure.set_theme(state.theme)

    def _on_press(self, press: str) -> None:
        if press != self.progress.shown.press:
            return
        if self.progress.shown.running:
            self._runner.stop()
            self._show_progress(running=False, end="stopped")
        else:
            self._start()

    def _plan(self) -> tuple[TrainingConfig, ...]:
        return study_configs(
            self._config,
            n_images=len(self._dataset.train_labels),
            epochs=int(self.epochs.value),
            n_seeds=int(self.seeds.value),
        )

    def _show_plan(self) -> None:
        """Say what the next study asks, and before the first how large it will be."""
        self.question.text = _question(self._config)
        if not self._configs:
            text = f"{len(self._plan())} runs, in all cores of this machine"
            self.progress.show(StudyProgress(text))

    def _start(self) -> None:
        self._configs = self._plan()
        self._results, self._in_line = [], 0
        self._started = monotonic()
        self._show_results()
        try:
            self._number = self._runner.start(self._configs, self._dataset, self._deliver)
        except StudyError as error:
            self._show_progress(running=False, end=str(error))
            return
        self._show_progress(running=True)

    def _on_delivery(self, delivery: StudyDelivery) -> None:
        if delivery.number != self._number or not self.progress.shown.running:
            return
        if delivery.is_end:
            self._show_progress(running=False, end=delivery.error or "done")
            return
        if delivery.in_line is not None:
            self._in_line = delivery.in_line
        if delivery.result is not None:
            self._results.append(delivery.result)
            self._show_results()
        self._show_progress(running=True)

    def _show_results(self) -> None:
        points, sizes = self.points, [config.batch_size for config in self._configs]
        for measure, figure in self.figures.items():
            layout = study_layout(points, measure=measure, batch_sizes=sizes)
            figure.show(study_traces(points, measure=measure), layout)
        if points:
            set_hidden(self._drawings, False)

    def _show_progress(self, *, running: bool, end: str = "") -> None:
        n_images = len(self._dataset.train_labels)
        whole = sum(effort(config, n_images) for config in self._configs)
        done = sum(effort(result.config, n_images) for result in self._results) / whole
        errors = [result.error for result in self._results if result.error]
        parts = [f"{len(self._results)} of {len(self._configs)} runs"]
        if running and self._in_line:
            parts.append(in_line(self._in_line))
        elif running and done > 0:
            left = (monotonic() - self._started) * (1 - done) / done
            parts.append(f"{duration(left)} left")
        parts += [f"{len(errors)} failed: {mode(errors)}"] if errors else []
        parts += [end] if end else []
        text = " · ".join(parts)
        self.progress.show(StudyProgress(text, done, running))
        self.words.text = _ORDER if running else study_words(self.points)
        self.figures["accuracy"].summary = text if running else self.words.text or text


def study_configs(
    config: TrainingConfig, *, n_images: int, epochs: int, n_seeds: int
) -> tuple[TrainingConfig, ...]:
    """Return the runs of a study of batch sizes, in an order that soon shows the whole curve.

    Parameters
    ----------
    config : TrainingConfig
        The settings that stay; the learning rates are those of `batch_size_rates`.
    n_images : int
        Training images of the data set; no batch is larger.
    """
    n_used = min(config.n_train or n_images, n_images)
    runs = batch_size_grid(
        config.replace(epochs=epochs),
        batch_sizes=sorted({min(size, n_used) for size in BATCH_SIZES}),
        seeds=range(config.seed, config.seed + n_seeds),
    )
    return tuple(sorted(runs, key=lambda run: (run.seed, -run.batch_size)))


def _question(config: TrainingConfig) -> str:
    rates = " and by ".join(f"{name} at {rate:g}" for name, rate in batch_size_rates(config).items())
    return (
        "What does the batch size do? One run for each batch size and seed, with the gradient by "
        f"{rates}: learning rates that take the same step on {SAME_STEP} images. All else is as in the controls."
    )


def _figure(measure: StudyMeasure, theme: Theme) -> LiveFigure:
    empty = study_figure((), measure=measure, theme=theme)
    style = partial(study_style, measure=measure)
    return LiveFigure(empty, fills=True, theme=theme, style=style, name=f"Batch size and {measure}")
