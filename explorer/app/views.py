"""All views of a session: each is shown the newest state, as often as they can be drawn."""

from collections.abc import Callable

from explorer.app.redraw_queue import RedrawQueue
from explorer.app.view_state import ANY, Drawing, InTurn, ViewState, at_once
from explorer.datasets import Dataset
from explorer.figures.palette import Theme
from explorer.session import Session, SessionState
from explorer.training.event_loop import EventLoop

__all__ = ["Views"]

_BLANK_SECONDS = 0.1
"""How long the figures of the run before may stand while the first points are on their way."""


class Views:
    """What is drawn, and when.

    A run's records come at most five times a second. While it trains, the parts of a drawing take turns with
    whatever else is due, and a slow computer finishes one before it begins the next. All else is drawn at once.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.theme: Theme = "light"
        self.chosen = (ANY, ANY)
        self._on_look: Callable[[int | Drawing], object] = lambda _image: None
        self._drawn_dataset = session.dataset
        self._closers: list[Callable[[], object]] = []
        self._shows: list[Callable[[ViewState], object]] = []
        self._queue = RedrawQueue(session.loop)
        self._is_late = False  # whether there is more to show when the queue is empty
        self._unsubscribe = session.subscribe(self._on_state)

    @property
    def dataset(self) -> Dataset:
        """The images."""
        return self.session.dataset

    @property
    def loop(self) -> EventLoop:
        """The loop that all is drawn on."""
        return self.session.loop

    @property
    def on_loop(self) -> Callable[[Callable[..., object]], Callable[..., None]]:
        """What makes a callback run there, and tells the user what it raises."""
        return self.session.loop.bind

    @property
    def state(self) -> ViewState:
        """What there is to see now."""
        return self._seen(at_once)

    def add(self, show: Callable[[ViewState], object]) -> Callable[[], None]:
        """Call ``show(state)`` now and whenever there is something new, and return what ends that."""
        self._shows.append(show)
        self.loop.guarded(show, self.state)
        return lambda: self._shows.remove(show) if show in self._shows else None

    def choose(self, true: int, predicted: int) -> None:
        """Look at the images of a true class that were classified as another; `ANY` stands for any."""
        self.chosen = (true, predicted)
        self.refresh()

    def toggle(self, true: int, predicted: int) -> None:
        """Choose a cell of the confusion matrix, or none where it is the chosen one."""
        self.choose(*((ANY, ANY) if self.chosen == (true, predicted) else (true, predicted)))

    def look_into(self, image: int | Drawing) -> None:
        """Show one image's way through the network: a test image's, by its index, or a drawing's."""
        self._on_look(image)

    def on_look(self, callback: Callable[[int | Drawing], object]) -> None:
        """Let ``callback(image)`` do what `look_into` asks for."""
        self._on_look = callback

    def set_theme(self, theme: Theme) -> None:
        """Draw in these colours."""
        if theme != self.theme:
            self.theme = theme
            self.refresh()

    def refresh(self) -> None:
        """Draw the state of now, now."""
        self._draw(at_once)

    def on_close(self, callback: Callable[[], object]) -> None:
        """Call ``callback()`` when nothing more is drawn of this data set."""
        self._closers.append(callback)

    def close(self) -> None:
        """Draw nothing more."""
        self._unsubscribe()
        self._leave_dataset()
        self._queue.clear()
        self._shows.clear()

    def _leave_dataset(self) -> None:
        """Let go of what holds for one data set only."""
        self.chosen = (ANY, ANY)
        for callback in self._closers:
            callback()
        self._closers.clear()

    def _seen(self, in_turn: InTurn) -> ViewState:
        return ViewState.of(self.session.state, theme=self.theme, chosen=self.chosen, in_turn=in_turn)

    def _on_state(self, state: SessionState) -> None:
        if state.dataset is not self._drawn_dataset:
            self._drawn_dataset = state.dataset
            self._leave_dataset()
        if state.is_blank and self.loop.loop is not None:
            # Empty axes, drawn just before the first points, would only flicker.
            self.loop.call_later(_BLANK_SECONDS, self._draw_blank, state)
        elif not state.is_training:
            self.refresh()
        elif not self._queue:
            self._draw(self._queue.add)
        elif not self._is_late:
            self._is_late = True
            self._queue.add(self._draw, self._queue.add)

    def _draw_blank(self, state: SessionState) -> None:
        if self.session.state is state:
            self.refresh()

    def _draw(self, in_turn: InTurn) -> None:
        self._queue.clear()
        self._is_late = False
        state = self._seen(in_turn)
        for show in tuple(self._shows):
            in_turn(self.loop.guarded, show, state)
