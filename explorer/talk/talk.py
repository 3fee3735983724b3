"""The talk: its slides by name, each with a finished run already drawn, and the one live run.

One run trains at a time. To start one on another slide ends the first, and that slide shows its recording again.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from explorer.app.session_run import SessionRun
from explorer.datasets import Dataset, load_mnist
from explorer.figures.palette import Theme
from explorer.talk.recording import recorded_run
from explorer.talk.slide_view import SlideView
from explorer.talk.slides import RUNS, SLIDES, Slide
from explorer.training import Delivery, Runner

__all__ = ["Talk"]

_log = logging.getLogger(__name__)


class Talk:
    """All slides; a notebook shows one a cell: ``talk["learns"]``.

    Parameters
    ----------
    dataset : Dataset, optional
        The images that the recorded runs learned; without it, MNIST.

    Raises
    ------
    RecordingError
        If a recording of the package is missing, or of other settings than the talk's.
    """

    def __init__(self, dataset: Dataset | None = None) -> None:
        self.dataset = load_mnist() if dataset is None else dataset
        self._loop = _running_loop()
        self._runner = Runner(self._on_delivery)
        self._live: SlideView | None = None
        runs = {name: recorded_run(name, self.dataset) for name in RUNS}
        self.slides: Mapping[str, SlideView] = {slide.name: self._view(slide, runs) for slide in SLIDES}

    def __getitem__(self, name: str) -> Any:
        """Return a slide by its name, to be shown.

        Raises
        ------
        KeyError
            If there is no such slide.
        """
        return self.slides[name].view

    def __iter__(self) -> Iterator[str]:
        return iter(self.slides)

    def __len__(self) -> int:
        return len(self.slides)

    def open(self, *, theme: Theme | None = None) -> None:
        """Draw in the colours that the page shows already, where they are known."""
        if theme is not None:
            for slide in self.slides.values():
                slide.set_theme(theme)

    def run_live(self, name: str) -> None:
        """Train the run of a slide now, in place of its recording."""
        view = self.slides[name]
        if self._live is not None and self._live.is_running:
            self._runner.cancel()
            self._live.give_up("stopped")
        self._live = view
        self._runner.start(view.begin())

    def stop(self) -> None:
        """End the live run; its slide shows the recording again."""
        self._runner.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the live run is over; return False if `timeout` seconds were up first."""
        return self._runner.wait(timeout)

    def close(self) -> None:
        """End the live run and its thread, and close the widgets."""
        self._runner.close()
        for slide in self.slides.values():
            slide.view.close()

    def _view(self, slide: Slide, runs: Mapping[str, SessionRun]) -> SlideView:
        against = [runs[name] for name in slide.against]
        view = SlideView(slide, runs.get(slide.run), against, self.dataset, self._on_loop)
        view.bar.on_live(self._on_loop(partial(self._on_wish, slide.name)))
        return view

    def _on_wish(self, name: str, wish: str) -> None:
        """Do what the button of a slide asks for."""
        if wish == "run":
            self._safely(self.slides[name], partial(self.run_live, name))
        else:
            self.stop()

    def _on_delivery(self, delivery: Delivery) -> None:
        """Hand on what the live run says."""
        if self._live is not None:
            self._safely(self._live, partial(self._live.take, delivery))

    def _safely(self, view: SlideView, action: Callable[[], object]) -> None:
        """Do something for a live run; if it fails, its slide says so and shows its recording."""
        try:
            action()
        except Exception as error:  # noqa: BLE001  # whatever it is, the talk goes on
            _log.exception("A live run failed")
            self._runner.cancel()
            view.give_up(f"the live run failed ({type(error).__name__}: {error})")

    def _on_loop(self, handler: Callable[..., None]) -> Callable[..., None]:
        """Make `handler` run on the talk's event loop; what it raises is logged: the slides stay."""

        def guarded(*args: Any) -> None:
            try:
                handler(*args)
            except Exception:  # noqa: BLE001  # whatever it is, the talk goes on
                _log.exception("A slide could not do what was asked of it")

        def on_loop(*args: Any) -> None:
            if self._loop is None or self._loop is _running_loop():
                guarded(*args)
            else:
                self._loop.call_soon_threadsafe(guarded, *args)

        return on_loop


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
