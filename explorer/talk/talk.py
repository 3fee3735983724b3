"""The talk: its slides by name, each with a finished run already drawn, and at most one live run.

On a page the live run is slowed down so that the audience can watch it learn, at first within an epoch, then an
epoch a second. Starting one on another slide stops the first, and that slide shows its recording again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from explorer.datasets import Dataset
from explorer.figures.palette import Theme
from explorer.session import Session, SessionRun, SessionState
from explorer.talk.recording import recorded_run
from explorer.talk.slide_view import EPOCH_SECONDS, SlideView
from explorer.talk.slides import RUNS, SLIDES, Slide
from explorer.training.runner import log_fault
from explorer.widgets.assets import look_of

_STEP_SECONDS, _LOOK_SECONDS = 0.5, 0.05


class Talk:
    """All slides, on the recorded runs' data set, MNIST; in a cell, ``talk["learns"]`` shows one.

    Raises RecordingError if a recording is missing from the package, or has other settings than the talk's.
    """

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
            _, step, n_steps = run.place
            is_within = not run.history.epochs and step < n_steps
            seconds = _STEP_SECONDS if is_within else EPOCH_SECONDS
            # The first epoch, in which it learns most, advances by a number of batches that doubles each time.
            self.session.step("batch" if is_within else "epoch", max(1, min(step, n_steps - step)))
        self.session.loop.call_later(seconds, self.session.loop.guarded, self._step, number)

    def _on_state(self, state: SessionState) -> None:
        if self._live is not None and state.run is not None:
            self._live.take(state.run)

    def _on_fault(self, error: Exception) -> None:
        """Return to the recording if a live run fails: the talk continues."""
        log_fault(error)
        if self._live is not None:
            self.session.stop()
            self._live.give_up(f"the live run failed ({type(error).__name__}: {error})")
