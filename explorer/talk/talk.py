"""The talk: its slides by name, each with a finished run already drawn, and the one live run.

One run trains at a time. To start one on another slide ends the first, and that slide shows its recording again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from explorer.datasets import Dataset
from explorer.figures.palette import Theme
from explorer.session import Session, SessionRun, SessionState
from explorer.talk.recording import recorded_run
from explorer.talk.slide_view import SlideView
from explorer.talk.slides import RUNS, SLIDES, Slide
from explorer.training.event_loop import log_fault
from explorer.widgets.look import look_of

__all__ = ["Talk"]


class Talk:
    """All slides, on the images that the recorded runs learned, MNIST; in a cell, ``talk["learns"]`` shows one.

    Raises RecordingError if a recording of the package is missing, or of other settings than the talk's.
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
        """Return a slide by its name, to be shown; raises KeyError if there is none."""
        return self.slides[name].view

    def open(self, *, theme: Theme | None = None) -> None:
        """Draw in the colours that the page shows already, where they are known."""
        if theme is not None:
            for slide in self.slides.values():
                slide.bar.theme = theme

    def run_live(self, name: str) -> None:
        """Train the run of a slide now, in place of its recording; raises RuntimeError if it has none."""
        slide = self.slides[name]
        if slide.recorded is None:
            raise RuntimeError(f"the slide {name!r} has no run")
        if self._live is not None and self._live.is_running:
            self._live.give_up("stopped")
        self._live = slide
        self.session.train(slide.recorded.config)

    def stop(self) -> None:
        """End the live run; its slide shows the recording again."""
        self.session.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the live run is over; return False if `timeout` seconds were up first."""
        return self.session.wait(timeout)

    def close(self) -> None:
        """End the live run and its thread, and close the widgets."""
        self.session.close()
        for slide in self.slides.values():
            slide.view.close()

    def _view(self, slide: Slide, runs: Mapping[str, SessionRun]) -> SlideView:
        on_loop = self.session.loop.bind
        view = SlideView(slide, runs, self.dataset, on_loop)
        view.bar.on_live(on_loop(lambda wish: self.run_live(slide.name) if wish == "run" else self.stop()))
        return view

    def _on_state(self, state: SessionState) -> None:
        if self._live is not None and state.run is not None:
            self._live.take(state.run)

    def _on_fault(self, error: Exception) -> None:
        """Go back to the recording where a live run fails: the talk goes on."""
        log_fault(error)
        if self._live is not None:
            self.session.stop()
            self._live.give_up(f"the live run failed ({type(error).__name__}: {error})")
