"""The parts of a drawing, one by one, so that between two of them the event loop does whatever else is due."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from explorer.training.event_loop import EventLoop

__all__ = ["RedrawQueue"]


class RedrawQueue:
    """Calls functions in the order in which they were added, one each time that the event loop comes round.

    Each is scheduled only when the one before is done, for the loop does all that it finds scheduled before it
    looks at anything else. What a function adds while it is called is a part of it, and comes right after it.
    In a plain script, which has no event loop, each is called as it is added.
    """

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop.loop
        self._call = loop.bind(self._call_next)
        self._waiting: deque[partial[object]] = deque()
        self._added: list[partial[object]] | None = None  # by the function that is being called
        self._is_scheduled = False

    def __len__(self) -> int:
        """Return how many functions wait."""
        return len(self._waiting)

    def add(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call ``function(*arguments)`` when it is its turn."""
        if self._loop is None:
            function(*arguments)
            return
        (self._waiting if self._added is None else self._added).append(partial(function, *arguments))
        self._schedule()

    def clear(self) -> None:
        """Forget the functions that wait."""
        self._waiting.clear()

    def _schedule(self) -> None:
        if self._loop is not None and not self._is_scheduled and self._waiting:
            self._is_scheduled = True
            # After the timers that went off meanwhile, and after what waited for those.
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
