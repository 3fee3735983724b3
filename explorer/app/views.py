"""The views of a session: the state that they show, and when they are drawn."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Protocol

import numpy as np
from ipywidgets import DOMWidget
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.figures.palette import Theme
from explorer.session import Session, SessionState
from explorer.training.runner import EventLoop

ANY = -1
"""Means any class where classes are chosen."""

_BLANK_SECONDS = 0.1
"""How long the previous run's figures may stay while the first points are on their way."""

OnLoop = Callable[[Callable[..., object]], Callable[..., None]]
"""Makes a callback run on the app's event loop, and shows its exceptions to the user."""

InTurn = Callable[..., None]
"""Calls a function with its arguments, now or soon."""


def at_once(function: Callable[..., object], *arguments: object) -> None:
    """Call a function with its arguments now."""
    function(*arguments)


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A user's drawing. Instances compare by identity."""

    image: NDArray[np.uint8]
    """The network's input image, shape (28, 28)."""
    true: int | None = None
    """The user's label; None if there is none."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ViewState(SessionState):
    """A session at one moment, with the state of its display."""

    theme: Theme = "light"
    chosen: tuple[int, int] = (ANY, ANY)
    """The true and the predicted class whose images are shown; `ANY` for any."""
    in_turn: InTurn = at_once
    """Calls a function with its arguments: at once, or during training in a later iteration of the event loop, so
    that the parts of a drawing don't block everything else together."""

    @property
    def cell(self) -> tuple[int, int] | None:
        """Row and column of the selected cell of the confusion matrix, or None."""
        return None if ANY in self.chosen else self.chosen


class Panel(Protocol):
    """Something that can be shown: it has a widget, and `show` is called only while that is visible.

    Panels are created with the `Views` that they belong to.
    """

    view: DOMWidget

    def show(self, state: ViewState) -> None:
        """Draw what has changed."""


class RedrawQueue:
    """Calls functions in the order in which they were added, one per iteration of the event loop.

    Each is scheduled when the previous one is done, because the loop runs all scheduled calls before it checks for
    anything else. Functions added during a call run right after it. Without an event loop, each is called at once.
    """

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop.loop
        self._call = loop.bind(self._call_next)
        self._waiting: deque[partial[object]] = deque()
        self._added: list[partial[object]] | None = None  # by the function that is being called
        self._is_scheduled = False

    def __len__(self) -> int:
        """Return how many functions are waiting."""
        return len(self._waiting)

    def add(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call ``function(*arguments)`` when it is its turn."""
        if self._loop is None:
            function(*arguments)
            return
        (self._waiting if self._added is None else self._added).append(partial(function, *arguments))
        self._schedule()

    def clear(self) -> None:
        """Discard the waiting functions."""
        self._waiting.clear()

    def _schedule(self) -> None:
        if self._loop is not None and not self._is_scheduled and self._waiting:
            self._is_scheduled = True
            # After the timers that have expired meanwhile, and their callbacks.
            self._loop.call_later(0, self._loop.call_soon, self._call)

    def _call_next(self) -> None:
        self._is_scheduled = False
        if not self._waiting:
            return
        function, self._added = self._waiting.popleft(), []
        try:
            function()
        finally:
            self._waiting.extendleft(reversed(self._added))
            self._added = None
            self._schedule()


class Views:
    """Decides what is drawn, and when.

    A run's records arrive at most five times a second. During training, the parts of a drawing alternate with
    other events, and a slow computer finishes one drawing before it starts the next. All else is drawn at once.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.loop = session, session.loop
        self.on_loop: OnLoop = session.loop.bind
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
        """The data set in use."""
        return self.session.dataset

    @property
    def state(self) -> ViewState:
        """The current state to show."""
        return self._seen(at_once)

    def add(self, show: Callable[[ViewState], object]) -> Callable[[], None]:
        """Call ``show(state)`` now and on every change; return a function that stops this."""
        self._shows.append(show)
        self.loop.guarded(show, self.state)
        return lambda: self._shows.remove(show) if show in self._shows else None

    def choose(self, true: int, predicted: int) -> None:
        """Show the images of a true class that were classified as another; `ANY` means any class."""
        self.chosen = (true, predicted)
        self.refresh()

    def toggle(self, true: int, predicted: int) -> None:
        """Select a cell of the confusion matrix, or none if it is already selected."""
        self.choose(*((ANY, ANY) if self.chosen == (true, predicted) else (true, predicted)))

    def look_into(self, image: int | Drawing) -> None:
        """Show one image's way through the network: a test image, by index, or a drawing."""
        self._on_look(image)

    def on_look(self, callback: Callable[[int | Drawing], object]) -> None:
        """Make `look_into` call ``callback(image)``."""
        self._on_look = callback

    def set_theme(self, theme: Theme) -> None:
        """Draw in this theme."""
        if theme != self.theme:
            self.theme = theme
            self.refresh()

    def refresh(self) -> None:
        """Draw the current state now."""
        self._draw(at_once)

    def on_close(self, callback: Callable[[], object]) -> None:
        """Call ``callback()`` when this data set is no longer drawn."""
        self._closers.append(callback)

    def close(self) -> None:
        """Stop drawing."""
        self._unsubscribe()
        self._leave_dataset()
        self._queue.clear()
        self._shows.clear()

    def _leave_dataset(self) -> None:
        self.chosen = (ANY, ANY)
        for callback in self._closers:
            callback()
        self._closers.clear()

    def _seen(self, in_turn: InTurn) -> ViewState:
        session = {field.name: getattr(self.session.state, field.name) for field in fields(SessionState)}
        return ViewState(**session, theme=self.theme, chosen=self.chosen, in_turn=in_turn)

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
