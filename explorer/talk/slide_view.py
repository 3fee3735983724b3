"""One slide on the page: its text, its pictures, and its run, recorded or live.

The recorded run is drawn when the slide is created. A live run replaces it as soon as its untrained network can be
shown; if the live run fails or is stopped, the recording returns: a slide is never empty.
"""

from collections.abc import Mapping

import numpy as np

from explorer.app.layout import box
from explorer.app.readouts import tiles
from explorer.app.views import OnLoop, ViewState
from explorer.datasets import Dataset
from explorer.network import most_confused
from explorer.network.diagnostics import diagnose
from explorer.session import EarlierRuns, SessionRun
from explorer.talk.pictures import PICTURES, Look
from explorer.talk.slides import Slide
from explorer.training import Moment, TrainingConfig
from explorer.widgets.rendered import Display, Rendered, element
from explorer.widgets.run_bar import LiveBar
from explorer.widgets.tiles import Tiles
from explorer.wording import counted, grouped

EPOCH_SECONDS = 1.0
"""Minimum duration of an epoch of a live run, so that the audience can follow it."""

_COUNTS = ("One", "Two", "Three", "Four", "Five", "Six")
_PROBE = 300  # test images for the measurement of saturation


class SlideView:
    """A slide: it opens with its recorded run, if it has one, and shows curves of other runs in gray."""

    def __init__(
        self, slide: Slide, runs: Mapping[str, SessionRun], dataset: Dataset, on_loop: OnLoop
    ) -> None:
        self.slide, self.recorded = slide, runs.get(slide.run)
        self.heading = Rendered("explorer-slide-heading", element("h2", slide.title))
        self.result = Display(Tiles())
        settings = "" if self.recorded is None else _described(self.recorded.config)
        self.bar = LiveBar(settings, slide.notes)
        self.pictures = [PICTURES[name](dataset, on_loop) for name in slide.pictures]
        self._live: SessionRun | None = None
        self._shown: SessionRun | None = None  # the live run when its figures were last known
        self._against = tuple(runs[name] for name in slide.against)
        self._dataset = dataset
        views = [picture.view for picture in self.pictures]
        top = box("explorer-slide-top", self.heading, self.result)
        middle = box(f"explorer-slide-pictures explorer-slide-{len(views)}", *views)
        self.view = box("explorer-slide", top, middle, self.bar)
        self.bar.observe(on_loop(lambda _change: self.show()), ["theme", "scale"])
        if self.recorded is not None:
            self.bar.show("recorded", "recorded run")
        self.show()

    @property
    def run(self) -> SessionRun | None:
        """The run on the slide: the live one as soon as it has figures, else the recorded one."""
        return self._shown or self.recorded

    @property
    def is_running(self) -> bool:
        """Whether a live run is in progress."""
        return self._live is not None and self._live.status in ("running", "paused")

    def take(self, live: SessionRun) -> None:
        """Update the live run's state, and draw it."""
        self._live, end, epochs = live, live.history.end, live.config.epochs
        self._shown = self._shown if live.newest is None else live
        if end is not None and end.status != "finished":
            failed = f"the live run failed ({end.reason.rstrip('.')})"
            self.give_up("stopped" if end.status == "stopped" else failed)
            return
        if self.is_running:
            epoch, step, n_steps = live.place
            text = f"live: epoch {epoch} of {epochs}, step {step} of {n_steps}"
            if live.history.last:
                text = f"live: epoch {min(live.epochs_done + 1, epochs)} of {epochs}"
            self.bar.show("running", text, live.epoch / epochs)
        else:
            seconds = sum(record.seconds for record in live.history)
            slowed = ", slowed down" if seconds < epochs * EPOCH_SECONDS else ""
            self.bar.show("live", f"live run, trained in {seconds:.1f} s{slowed}", 1.0)
        self.show()

    def give_up(self, why: str) -> None:
        """Return to the recorded run, and show the reason `why`."""
        self._live = self._shown = None
        self.bar.show("failed", f"{why} – this is the recorded run")
        self.show()

    def show(self) -> None:
        """Draw the current run."""
        look, run = Look("dark" if self.bar.theme == "dark" else "light", self.bar.scale), self.run
        moment = None if run is None else run.newest
        state = ViewState(
            dataset=self._dataset,
            config=TrainingConfig() if run is None else run.config,
            run=run,
            moment=moment,
            earlier=EarlierRuns(self._against),
            theme=look.theme,
        )
        for picture in self.pictures:
            picture.show(state, look)
        if run is not None and moment is not None:
            sentence = element("p", self._sentence(run, moment))
            self.heading.draw(element("h2", self.slide.title), sentence)
            self.result.show(Tiles(tiles(run, moment, self._dataset)[:1]))

    def _sentence(self, run: SessionRun, moment: Moment) -> str:
        other: Mapping[str, str] = {}
        if self._against and (theirs := self._against[0].newest) is not None:
            other = spoken_numbers(self._against[0], theirs, self._dataset)
        return self.slide.sentence.format_map({**spoken_numbers(run, moment, self._dataset), "other": other})


def spoken_numbers(run: SessionRun, moment: Moment, dataset: Dataset) -> Mapping[str, str]:
    """Return the numbers that a sentence can use about a run at one of its moments, as formatted text.

    Settings: ``units``, ``layers``, ``batch``, ``rate``, ``epochs``, ``updates``, ``parameters``. Test images:
    ``images``, ``right``, ``wrong``, ``accuracy``; the most frequent mistake as ``true``, ``predicted`` and
    ``times``; the most frequently predicted class as ``favourite``, and its share of all images as
    ``favourite_share``. If the moment has weights, ``saturated`` is the share of the first hidden layer's
    activations that are at a limit.
    """
    config, confusion, names = run.config, moment.confusion, dataset.class_names
    total, right, read = int(confusion.sum()), int(np.trace(confusion)), confusion.sum(axis=0)
    favourite = int(read.argmax())
    pair = next(iter(most_confused(confusion, 1)), None)
    numbers = {
        "units": config.architecture.replace("-", " and "),
        "layers": _COUNTS[len(config.hidden_sizes) - 1],
        "batch": grouped(config.batch_size),
        "rate": f"{config.learning_rate:g}",
        "epochs": grouped(config.epochs),
        "updates": grouped(run.steps_at_ends[-1]),
        "parameters": grouped(run.new_network().n_parameters),
        "images": grouped(total),
        "right": grouped(right),
        "wrong": grouped(total - right),
        "accuracy": f"{100 * moment.record.test_accuracy:.1f} %",
        "favourite": names[favourite],
        "favourite_share": f"{100 * read[favourite] / total:.0f} %",
        "true": names[pair.true] if pair else "–",
        "predicted": names[pair.predicted] if pair else "–",
        "times": grouped(pair.count if pair else 0),
    }
    if moment.weights:
        X = dataset.test_images[:_PROBE].reshape(-1, dataset.n_inputs).T / 255.0
        d = np.eye(dataset.n_classes)[dataset.test_labels[:_PROBE]].T
        first, *_ = diagnose(run.new_network(), X, d, weights=moment.weights)
        numbers["saturated"] = f"{100 * first.saturated:.0f} %"
    return numbers


def _described(config: TrainingConfig) -> str:
    """Return a run's settings in one line."""
    hidden = f"{config.hidden_units}, {config.hidden_activation}"
    loss = f"{config.output} + {config.loss.replace('_', ' ')}"
    step = f"batch {grouped(config.batch_size)} by {config.reduction}, rate {config.learning_rate:g}"
    weights = config.initializer.capitalize()
    return f"{hidden} · {loss} · {step} · {weights} weights · {counted(config.epochs, 'epoch')}"
