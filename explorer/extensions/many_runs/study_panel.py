"""The Study tab: the effect of a setting on the current network, from many runs that a form asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from heapq import nsmallest
from pathlib import Path
from statistics import mode
from threading import Thread
from time import monotonic
from types import MappingProxyType
from typing import Any

from explorer.app.layout import box, close_all
from explorer.app.views import Views, ViewState
from explorer.datasets import Dataset, load_mnist
from explorer.extensions.many_runs.study_parts import StudyEntry, StudyProgress
from explorer.extensions.many_runs.study_runner import StudyEvent, StudyRunner
from explorer.figures import studies
from explorer.figures.curves import curves_data, curves_figure
from explorer.figures.palette import Theme
from explorer.training import FIELDS, ConfigError, History, TrainingConfig
from explorer.training.config import fields_of
from explorer.training.fields import Choice, Field, LayerSizes, Whole
from explorer.training.studies import Trial, grid, read_journal
from explorer.training.studies.configs import Cost, measured_cost, parse_values
from explorer.training.studies.summary import StudyLevel, levels, settings_text, study_words
from explorer.widgets.assets import look_of
from explorer.widgets.controls import Dropdown
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Caption, Display, Rendered, button_element
from explorer.wording import counted, duration, grouped, percent, queue_text, with_noun

RECORDED = Path(__file__).with_name("recorded_study.jsonl")
"""The study that the tab opens with on MNIST: the exercise's network, trained in advance."""

OnLoop = Callable[[Callable[..., object]], Callable[..., None]]  # runs it on the app's event loop

BATCH_SIZES = (1, 8, 32, 128, 512, 2048, 8192, 60_000)  # to compare
_OFFERED: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "hidden_sizes": ((8,), (32,), (128,)),
        "batch_size": BATCH_SIZES,
        "epochs": (1, 3, 10),
        "n_train": (1000, 10_000, None),
        "warmup": (0, 1, 3),
        "l2": (0.0, 0.00001, 0.0001, 0.001),
        "l1": (0.0, 0.00001, 0.0001),
        "dropout": (0.0, 0.2, 0.5),
        "input_dropout": (0.0, 0.1, 0.2),
        "max_norm": (0.0, 1.0, 3.0),
        "shift": (0.0, 1.0, 2.0),
        "rotation": (0.0, 10.0, 20.0),
        "scale": (0.0, 0.1, 0.2),
        "elastic": (0.0, 0.7, 1.4),
        "patience": (0, 3, 10),
    }
)
NO_AXES = frozenset({"seed", "n_validation", "changes"})
"""Settings that no study compares: each seed is a repetition, and runs evaluated on other images, or changed at
steps of their own, are not comparable."""
_MOST_TRIALS = 2000
_SEEDS = Whole(name="seeds", label="Seeds", key="", help="", low=1, high=1000)
_VALUES_HINT = "Values such as 8, 32, 128 or a range such as 0.001..1 ×4."
_SECONDS_BETWEEN = 0.2  # between two drawings
_ORDER = "The comparison appears once all runs have ended."
_RECORDED_WORDS = (
    "A recorded example (the exercise, 10 epochs, 3 seeds); the form above starts a study of your own. By sum, a "
    "large batch overshoots: each step adds up all its gradients. By mean, it takes too few steps."
)
_EARLIER = "Your last study. The form above has changed since, and describes the next one."
_HINT = "Click on a point or a dot to choose another run."
_MOST_OFFERED = 100  # runs, in the list of those to look at
_REFUSED = "The study can't start yet: see what is expected above."


def offered_values(setting: Field, config: TrainingConfig, n_images: int) -> str:
    """Suggest values of a setting for a study, as text."""
    if setting.name == "learning_rate":
        low, high = (setting.clamp(f"{config.learning_rate * factor:.3g}") for factor in (0.1, 10))
        return f"{setting.format(low)}..{setting.format(high)} ×5"
    values = setting.choices if isinstance(setting, Choice) else _OFFERED[setting.name]
    fitting = [value for value in values if not isinstance(value, int) or value < n_images]
    if setting.name == "batch_size":  # the last is all the images that a run uses
        n_used = min(config.n_train or n_images, n_images)
        fitting = sorted({min(size, n_used) for size in BATCH_SIZES})
    return ", ".join(as_text(setting, value) for value in fitting)


def as_text(setting: Field, value: Any) -> str:
    """Return the text that `parse_values` converts back to one value."""
    return setting.text(value) if isinstance(setting, LayerSizes) else setting.format(value)


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """The runs of a study, and the settings on its figures' axes."""

    settings: tuple[str, ...] = ("batch_size",)
    """The settings that vary, except the seed: one, or two in a recorded study."""
    configs: tuple[TrainingConfig, ...] = field(default=(), repr=False)


class StudyForm:
    """The controls that ask for a study; `on_change` is called after each change."""

    def __init__(
        self, dataset: Dataset, config: TrainingConfig, on_loop: OnLoop, on_change: Callable[[], object]
    ) -> None:
        self.config, self._n_images = config, len(dataset.train_labels)
        self._fields = fields_of(self._n_images, dataset.n_classes, dataset.n_inputs)
        names = {n: with_noun(f.label, dataset.noun) for n, f in self._fields.items() if n not in NO_AXES}
        self.axis = Dropdown("What varies", names, value="batch_size")
        self.values = StudyEntry(label="Values", hint=_VALUES_HINT, text=self._offered(config))
        self.epochs, self.seeds = StudyEntry(label="Epochs", text="3"), StudyEntry(label="Seeds", text="3")
        self.words = Caption("One run for each value and seed. All other settings come from the controls.")
        self.view = box("explorer-column explorer-close", self.axis, self.values)

        def offer(_change: object) -> None:
            self.values.text = self._offered(self.config)
            on_change()

        self.axis.observe(on_loop(offer), "value")
        for entry in (self.values, self.epochs, self.seeds):
            entry.observe(on_loop(lambda _: on_change()), "text")

    def follow(self, config: TrainingConfig) -> bool:
        """Use these settings for all else; return whether they are new. Values that the user typed stay."""
        before, self.config = self.config, config
        if self.values.text == self._offered(before):
            self.values.text = self._offered(config)
        return config != before

    def read(self) -> StudyPlan:
        """Return the plan; if a control is invalid, show its error and return a plan without runs."""
        name = self.axis.value
        set_hidden(self.epochs, name == "epochs")
        values = _read(self.values, partial(parse_values, self._fields[name]))
        seeds, epochs = _read(self.seeds, _SEEDS.parse), _read(self.epochs, FIELDS["epochs"].parse)
        if None in (values, seeds, epochs):
            return StudyPlan()
        config = self.config if name == "epochs" else self.config.replace(epochs=epochs)
        if len(values) * seeds > _MOST_TRIALS:
            self.seeds.error = f"Too many runs: expected at most {grouped(_MOST_TRIALS)} runs."
            return StudyPlan()
        configs = grid(config, **{name: values}, seed=range(seeds))
        # The whole curve is to appear early.
        return StudyPlan((name,), tuple(sorted(configs, key=lambda run: (run.seed, -run.batch_size))))

    def _offered(self, config: TrainingConfig) -> str:
        return offered_values(self._fields[self.axis.value], config, self._n_images)


def _read(entry: StudyEntry, parse: Callable[[str], Any]) -> Any:
    """Return the parsed text, or None after showing an error if it is invalid."""
    try:
        value, entry.error = parse(entry.text.strip()), ""
    except ConfigError as error:
        entry.error = f"“{str(error.value)[:40]}” can't be used: expected {error.expected}."
        return None
    return value


class StudyPanel:
    """A study of one setting; a trial can be opened as a run."""

    def __init__(self, views: Views) -> None:
        look_of(Path(__file__).parent)
        self._views, self._dataset = views, views.dataset
        self._runner = StudyRunner(self._on_loop(self._on_event))
        views.on_close(self._close)
        self.plan = self._study = StudyPlan()
        self._trials: dict[TrainingConfig, Trial] = {}
        self.missing: tuple[TrainingConfig, ...] = ()
        """Runs of the plan that have not been made yet."""
        self._cost: Cost | None = None
        self._end = ""
        self._is_due = self._is_closed = self._is_asked = False
        self._number = self._queue_position = 0
        self._started = self._done = 0.0
        self.form = form = StudyForm(self._dataset, views.session.config, self._on_loop, self._replan)
        self.progress = Display(StudyProgress())
        self.progress.on_press(self._on_loop(self._on_press))
        self.drawing = StudyDrawing(views)
        self.view = box(
            "explorer-panel explorer-column",
            box("", form.words),
            form.view,
            box("explorer-tools explorer-study-start", form.epochs, form.seeds, self.progress),
            self.drawing.view,
        )
        self._recorded: tuple[Trial, ...] = ()
        if self._dataset is load_mnist():
            self._recorded = read_journal(RECORDED).trials
            configs = tuple(trial.config for trial in self._recorded)
            self._study = StudyPlan(("batch_size", "reduction"), configs)
            self._draw()
        self._replan()

    def _close(self) -> None:
        self._is_closed = True
        self._runner.stop()

    def _on_loop(self, handler: Callable[..., object]) -> Callable[..., None]:
        """Return a callback that runs a handler on the loop, and does nothing after this data set is closed."""
        return self._views.on_loop(lambda *given: None if self._is_closed else handler(*given))

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The trials that are shown; before the first study, the recorded ones."""
        return tuple(self._trials.values()) or self._recorded

    def show(self, state: ViewState) -> None:
        """Follow the settings and the theme."""
        if self.form.follow(state.config):
            self._replan()
        self.drawing.set_theme(state.theme)
        if self.drawing.trials != self.trials:  # they arrived while the tab was hidden
            self._draw()

    def _replan(self) -> None:
        if self.progress.shown.running:
            return
        plan = self.form.read()
        if plan != self.plan or not plan.configs:
            self.plan, self._end = plan, ""
            self._estimate()

    def _estimate(self) -> None:
        kept = {config for config, trial in self._trials.items() if trial.is_settled}
        self.missing = missing = tuple(config for config in self.plan.configs if config not in kept)
        self._cost, self._is_asked = None, False
        self._show_plan()
        if missing:
            deliver = self._on_loop(partial(self._on_cost, missing))
            Thread(target=self._measure, args=(missing, deliver), daemon=True).start()

    def _measure(self, configs: tuple[TrainingConfig, ...], deliver: Callable[..., object]) -> None:
        """Measure the cost in a thread; on the loop, `deliver` it, or None and what went wrong."""
        try:
            deliver(measured_cost(configs, self._dataset))
        except Exception as failure:  # noqa: BLE001  # reported to the user, whatever it is
            deliver(None, f"The cost can't be estimated: {failure}.")

    def _on_cost(self, configs: tuple[TrainingConfig, ...], cost: Cost | None, error: str = "") -> None:
        if configs is self.missing and not self.progress.shown.running:
            self._cost = cost
            self._show_plan(error)
            if cost is not None and self._is_asked:
                self._on_press(self.progress.shown.press)

    def _show_plan(self, text: str = "", press: str = "") -> None:
        """Show a text, or the plan with its cost; until that is known, the study can't start."""
        n_runs, cost = len(self.plan.configs), "" if self._cost is None else str(self._cost)
        n_done = n_runs - len(self.missing)
        parts = [cost or counted(n_runs, "run")] if n_runs else [_REFUSED]
        if n_done or self._end:
            done = f"{n_done} of {counted(n_runs, 'run')}"
            parts = [done, *self._failures(), self._end, f"remaining: {cost}" if cost else ""]
        waits = not text and self._cost is None and (bool(self.missing) or not n_runs)
        text = text or " · ".join(filter(None, parts))
        self._show_origin()
        press = press or ("go on" if n_done and self.missing else "run")
        self.progress.show(StudyProgress(text, n_done / max(n_runs, 1), press, waits=waits))

    def _on_press(self, press: str) -> None:
        shown = self.progress.shown
        if press != shown.press or shown.waits:
            self._is_asked = shown.waits  # the page didn't know yet that the cost is being measured
            return
        if press == "stop":
            self._runner.stop()
            self._finish("stopped")
        elif self._cost is None:  # the estimate failed, or nothing is missing
            self._estimate()
        elif press != "confirm" and self._cost.is_large:
            self._show_plan(f"{self._cost}. Start anyway?", "confirm")
        else:
            self._start()

    def _start(self) -> None:
        self._number = self._runner.start(self.missing, self._dataset)
        planned = set(self.plan.configs)
        self._study, self._end, self._recorded = self.plan, "", ()
        self._trials = {config: trial for config, trial in self._trials.items() if config in planned}
        self._started, self._done, self._queue_position = monotonic(), 0.0, 0
        self.progress.show(StudyProgress(press="stop"))
        self._draw()

    def _on_event(self, number: int, event: StudyEvent) -> None:
        if number != self._number or not self.progress.shown.running:
            return
        if isinstance(event, str):
            self._finish(event or "done")
            return
        if isinstance(event, int):
            self._queue_position = event
        elif self._cost is not None:
            self._trials[event.config] = event
            self._done += self._cost.shares[event.config]
        if not self._is_due:
            self._is_due = True
            seconds = max(_SECONDS_BETWEEN, len(self._trials) / 500)  # many trials take longer to draw
            self._views.loop.call_later(seconds, self._on_loop(self._draw))

    def _finish(self, end: str) -> None:
        self.progress.show(StudyProgress())
        self._end = end
        self._estimate()
        self._draw()
        self._replan()  # with the changes made during the study

    def _draw(self) -> None:
        self._is_due, running = False, self.progress.shown.running
        if running:
            self._show_running()
        if "explorer-hidden" in self.view._dom_classes:
            return
        self._show_origin()
        self.drawing.words.text = _ORDER if running else study_words(self.trials, self._study.settings)
        self.drawing.show(self._study, self.trials)
        set_hidden(self.drawing.view, not running and not self.trials)

    def _show_origin(self) -> None:
        """Say which study the drawing shows: the form may describe another one."""
        own = "The study of the form above." if self._study is self.plan else _EARLIER
        self.drawing.origin.text = _RECORDED_WORDS if self._recorded else own

    def _show_running(self) -> None:
        n_runs, n_done, left = len(self._study.configs), len(self._trials), ""
        if self._queue_position:
            left = queue_text(self._queue_position)
        elif self._cost is not None and self._done > 0:
            seconds = self._cost.seconds_left(self._done, monotonic() - self._started)
            left = f"{duration(seconds)} left"
        parts = f"{n_done} of {counted(n_runs, 'run')}", left, *self._failures()
        self.progress.show(StudyProgress(" · ".join(filter(None, parts)), n_done / n_runs, "stop"))

    def _failures(self) -> list[str]:
        errors = [trial.error for trial in self._trials.values() if trial.status == "failed"]
        return [f"{len(errors)} failed: {mode(errors)}"] if errors else []


class StudyDrawing:
    """The results of a study: their figure, the best settings close up, and the curve of a chosen run."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._plan, self.trials = StudyPlan(), tuple[Trial, ...]()
        self.figure: LiveFigure | None = None
        self._best = ""  # the run that was offered first
        self.choice = Dropdown("Run", {"": "–"})
        self.choice.observe(views.on_loop(lambda _: self._show_chosen()), "value")
        empty = curves_figure(History(TrainingConfig()), metric="accuracy", theme=views.theme)
        self.curve = LiveFigure(empty, fills=True, theme=views.theme, name="Run of the study")
        button = button_element("open", "Open this run", class_="explorer-button")
        self.opener = Rendered("explorer-study-open", button)
        self.opener.on_press(views.on_loop(lambda _: self.chosen and views.open_run(self.chosen.config)))
        self.origin, self.words, self.hint = Caption(), Caption(), Caption(_HINT)
        """Which study is shown; the result of the study; and which of its runs."""
        ranking = studies.ranking_figure(self._shown, views.theme)
        self.ranking = self._clickable(ranking, studies.ranking_style, "The best settings")
        chosen = "explorer-column explorer-close explorer-study-choice"
        tools = box(chosen, self.choice, self.hint, self.opener)
        trial = box("explorer-column explorer-study-figure explorer-study-trial", self.curve, tools)
        self._place = box("explorer-column explorer-study-figure explorer-study-first", self.ranking)
        words = box("explorer-column explorer-study-words", self.origin, self.words)
        self.view = box("explorer-column explorer-study-figures explorer-hidden", words, self._place, trial)

    @property
    def chosen(self) -> Trial | None:
        """The chosen trial; None if there is none yet."""
        return dict(enumerate(self.trials)).get(int(self.choice.value or -1))

    def show(self, plan: StudyPlan, trials: tuple[Trial, ...]) -> None:
        """Draw the trials of a plan."""
        is_other = self.figure is None or plan.settings != self._plan.settings
        if plan is not self._plan:
            self._best = self.choice.value
        self._plan, self.trials = plan, trials
        if is_other:
            old, figure = self.figure, studies.study_figure(self._shown, self.curve.theme)
            style = partial(studies.study_style, self._shown)
            self.figure = self._clickable(figure, style, "Accuracies of the study", fills=True)
            self._place.children = (self.figure, self.ranking)
            if old is not None:
                close_all(old)
        self._draw()
        self._offer()

    def set_theme(self, theme: Theme) -> None:
        """Redraw in another theme."""
        if theme != self.curve.theme:
            for figure in filter(None, (self.figure, self.ranking, self.curve)):
                figure.set_theme(theme)
            self._show_chosen()

    @property
    def _shown(self) -> studies.StudyView:
        return studies.StudyView(self.trials, self._plan.settings, self._plan.configs)

    def _clickable(self, drawn: Any, style: Any, name: str, *, fills: bool = False) -> LiveFigure:
        click = self._views.on_loop(lambda *point: self._on_point(live, *point))
        look: Any = {"theme": self._views.theme, "style": style, "name": name, "fills": fills}
        live = LiveFigure(drawn, on_click=click, **look)
        return live

    def _draw(self) -> None:
        if self.figure is not None:
            self.figure.show(*studies.study_data(self._shown), self._shown.title.capitalize())
            self.ranking.show(*studies.ranking_data(self._shown))
            set_hidden(self.ranking, len(self._shown.best) < 2)

    def _offer(self, chosen: str = "") -> None:
        """Offer the most accurate runs and the `chosen` one, by default the user's; that is shown, or the best."""
        reached = [trial.final.test_accuracy if trial.final else -1.0 for trial in self.trials]
        order = nsmallest(_MOST_OFFERED, range(len(reached)), key=lambda number: -reached[number])
        follows, kept = not chosen and self.choice.value == self._best, chosen or self.choice.value
        if not follows and kept and int(kept) < len(reached):
            order = [*dict.fromkeys((*order, int(kept)))]
        found = {str(number): self._text(self.trials[number]) for number in order} or {"": "–"}
        self._best = next(iter(found))
        self.choice.offer(found)
        self.choice.value = self._best if follows else kept
        self._show_chosen()

    def _show_chosen(self) -> None:
        trial = self.chosen
        set_hidden(self.opener, trial is None)
        if trial is not None:
            data = curves_data(trial.history, metric="accuracy", theme=self.curve.theme)
            self.curve.show(*data, f"{self._text(trial)}. {trial.error}")
            self.hint.text = f"{self._place_of(trial)} {_HINT}"

    def _place_of(self, trial: Trial) -> str:
        """Say where a run is among those that differ from it in the seed."""
        names = self._plan.settings
        level = next(level for level in levels(self.trials, names) if trial in level.trials)
        if len(level.trials) < 2 or not level.accuracies:
            return ""
        n_runs = counted(len(level.accuracies), "run")
        of = f"{settings_text(trial.config, names)}: median {percent(level.median, 2)} of {n_runs}"
        nearest = ", the nearest to it" if trial is level.nearest else ""
        return f"{of}. Shown is seed {trial.config.seed}{nearest}."

    def _text(self, trial: Trial) -> str:
        reached = percent(trial.final.test_accuracy, 2) if trial.final else trial.status
        return f"{reached} · {settings_text(trial.config, [*self._plan.settings, 'seed'])}"

    def _on_point(self, figure: LiveFigure, trace: int, at: tuple[int, ...]) -> None:
        """Choose, of the runs that a point of a figure stands for, the one closest to their median."""
        numbers = figure.plot.data[trace].customdata
        for index in at:
            numbers = numbers[index]
        if runs := tuple(self.trials[n] for n in numbers if n < len(self.trials)):
            self._offer(str(self.trials.index(StudyLevel((), runs).nearest)))
