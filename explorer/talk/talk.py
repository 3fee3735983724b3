"""The talk: its slides by name, each with a finished run already drawn, and at most one live run.

A live run replaces the recorded one as soon as its untrained network can be shown; if it fails or is stopped, the
recording returns: a slide is never empty. On a page the live run is slowed down so that the audience can watch it
learn, at first within an epoch, then an epoch a second. Starting one on another slide stops the first.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from explorer.app.layout import box
from explorer.app.readouts import accuracy_tile
from explorer.app.views import OnLoop, ViewState
from explorer.datasets import Dataset
from explorer.figures.palette import Theme
from explorer.network import most_confused
from explorer.network.diagnostics import diagnose
from explorer.session import EarlierRuns, Session, SessionRun, SessionState
from explorer.talk.pictures import PICTURES, Look
from explorer.talk.slides import RUNS, SLIDES, Slide, recorded_run
from explorer.training import Moment, TrainingConfig
from explorer.training.runner import log_fault
from explorer.widgets.assets import look_of
from explorer.widgets.rendered import Display, Rendered, element
from explorer.widgets.run_bar import LiveBar
from explorer.widgets.tiles import Tiles
from explorer.wording import counted, grouped

EPOCH_SECONDS = 1.0
"""Minimum duration of an epoch of a live run, so that the audience can follow it."""

_COUNTS = ("One", "Two", "Three", "Four", "Five", "Six")
_PROBE = 300  # test images for the measurement of saturation
_STEP_SECONDS, _LOOK_SECONDS = 0.5, 0.05


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

    def show_live(self, live: SessionRun) -> None:
        """Update the live run's state, and draw it."""
        self._live, end, epochs = live, live.history.end, live.config.epochs
        self._shown = self._shown if live.newest is None else live
        if end is not None and end.status != "finished":
            failed = f"the live run failed ({end.reason.rstrip('.')})"
            self.give_up("stopped" if end.status == "stopped" else failed)
            return
        if self.is_running:
            epoch, step, n_steps = live.position
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
            self.result.show(Tiles((accuracy_tile(moment, self._dataset),)))

    def _sentence(self, run: SessionRun, moment: Moment) -> str:
        other: Mapping[str, str] = {}
        if self._against and (theirs := self._against[0].newest) is not None:
            other = spoken_numbers(self._against[0], theirs, self._dataset)
        return self.slide.sentence.format_map({**spoken_numbers(run, moment, self._dataset), "other": other})


def spoken_numbers(run: SessionRun, moment: Moment, dataset: Dataset) -> Mapping[str, str]:
    """Return the numbers that a sentence can use about a run at one of its moments, as formatted text.

    Settings: ``units``, ``layers``, ``batch``, ``rate``, ``epochs``, ``updates``, ``parameters``. Test images:
    ``images``, ``right``, ``wrong``, ``accuracy``; the most frequent mistake as ``true``, ``predicted`` and
    ``times``; the most frequently predicted class as ``favorite``, and its share of all images as
    ``favorite_share``. If the moment has weights, ``saturated`` is the share of the first hidden layer's
    activations that are at a limit.
    """
    config, confusion, names = run.config, moment.confusion, dataset.class_names
    total, right, read = int(confusion.sum()), int(np.trace(confusion)), confusion.sum(axis=0)
    favorite = int(read.argmax())
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
        "favorite": names[favorite],
        "favorite_share": f"{100 * read[favorite] / total:.0f} %",
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
    hidden = f"{config.hidden_units}, {config.hidden_activation}"
    loss = f"{config.output} + {config.loss.replace('_', ' ')}"
    step = f"batch {grouped(config.batch_size)} by {config.reduction}, rate {config.learning_rate:g}"
    weights = config.initializer.capitalize()
    return f"{hidden} · {loss} · {step} · {weights} weights · {counted(config.epochs, 'epoch')}"


class Talk:
    """All slides, on MNIST; in a cell, ``talk["learns"]`` shows one. RecordingError if a recording is missing."""

    def __init__(self, dataset: Dataset | None = None) -> None:
        look_of(Path(__file__).parent)
        self.session = Session(dataset, on_fault=self._on_fault)
        self.dataset = self.session.dataset
        self._live: SlideView | None = None
        runs = {name: recorded_run(name, self.dataset) for name in RUNS}
        self.slides: Mapping[str, SlideView] = {slide.name: self._view(slide, runs) for slide in SLIDES}
        self.session.subscribe(self._on_state)

    def __getitem__(self, name: str) -> Any:
        """Return a slide by name, for display; raises KeyError if there is none."""
        return self.slides[name].view

    def open(self, *, theme: Theme | None = None) -> None:
        """Draw in the page's theme, if it is known."""
        if theme is not None:
            for slide in self.slides.values():
                slide.bar.theme = theme

    def run_live(self, name: str) -> None:
        """Train a slide's run now, in place of its recording; raises RuntimeError if it has none."""
        slide = self.slides[name]
        if slide.recorded is None:
            raise RuntimeError(f"the slide {name!r} has no run")
        if self._live is not None and self._live.is_running:
            self._live.give_up("stopped")
        self._live = slide
        is_paced = self.session.loop.loop is not None
        self.session.train(slide.recorded.config, paused=is_paced)
        if is_paced and self.session.state.run is not None:
            self._step(self.session.state.run.number)

    def stop(self) -> None:
        """Stop the live run; its slide shows the recording again."""
        self.session.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the live run ends; return False after `timeout` seconds."""
        return self.session.wait(timeout)

    def close(self) -> None:
        """Stop the live run and its thread, and close the widgets."""
        self.session.close()
        for slide in self.slides.values():
            slide.view.close()

    def _view(self, slide: Slide, runs: Mapping[str, SessionRun]) -> SlideView:
        on_loop = self.session.loop.bind
        view = SlideView(slide, runs, self.dataset, on_loop)
        view.bar.on_live(on_loop(lambda wish: self.run_live(slide.name) if wish == "run" else self.stop()))
        return view

    def _step(self, number: int) -> None:
        """Advance a paused run by a step once its figures are known, and repeat until it ends."""
        run, seconds = self.session.state.run, _LOOK_SECONDS
        if run is None or run.number != number or run.status not in ("running", "paused"):
            return
        if self.session.wait(0) and self.session.status == "paused":
            _, step, n_steps = run.position
            is_within = not run.history.epochs and step < n_steps
            seconds = _STEP_SECONDS if is_within else EPOCH_SECONDS
            # The first epoch, in which it learns most, advances by a number of batches that doubles each time.
            self.session.step("batch" if is_within else "epoch", max(1, min(step, n_steps - step)))
        self.session.loop.call_later(seconds, self.session.loop.guarded, self._step, number)

    def _on_state(self, state: SessionState) -> None:
        if self._live is not None and state.run is not None:
            self._live.show_live(state.run)

    def _on_fault(self, error: Exception) -> None:
        """Return to the recording if a live run fails: the talk continues."""
        log_fault(error)
        if self._live is not None:
            self.session.stop()
            self._live.give_up(f"the live run failed ({type(error).__name__}: {error})")
