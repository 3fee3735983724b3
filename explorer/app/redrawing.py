"""When something is drawn: when it has changed, in turn with other events, and so that training has its time."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic, thread_time
from typing import Any

from explorer.session import SessionState
from explorer.training.event_loop import EventLoop

_REST = 100  # pause after a costly drawing, in multiples of its duration: it takes 1 % of the time
_LEAST_GAP_SECONDS = 0.02


class Pace:
    """Tells a part of the page when to draw: when its content has changed and, during training, not too often.

    Two drawings are at least `seconds` apart and, after a `costly` one, `rest` times its CPU time. A run's first
    figures are never delayed.
    """

    def __init__(self, seconds: float = 0.0, rest: float = _REST) -> None:
        self._seconds, self._rest, self._rests_until = seconds, rest, float("-inf")
        self._drawn: tuple[object, ...] | None = None

    def is_due(self, state: SessionState, *content: object, at_once: bool = False) -> bool:
        """Return whether to draw this content now, `at_once` without a delay; if so, it counts as drawn.

        A run's next delivery asks again for what is delayed.
        """
        if content == self._drawn:
            return False
        begins, now = state.pictured is None, monotonic()
        if now < self._rests_until and state.is_training and not begins and not at_once:
            return False
        self._drawn, self._rests_until = content, float("-inf") if begins else now + self._seconds
        return True

    @contextmanager
    def costly(self) -> Iterator[None]:
        """Rest after a drawing in proportion to its CPU time in this thread, without that of other threads."""
        started = thread_time()
        yield
        rest = self._rest * (thread_time() - started)
        self._rests_until = max(self._rests_until, monotonic() + rest)


class RedrawQueue:
    """Calls functions in the order in which they were added, one per iteration of the event loop.

    Functions added during a call run right after it. Without an event loop, each is called at once.
    """

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._waiting: deque[partial[object]] = deque()
        self._added: list[partial[object]] | None = None  # by the function that is being called
        self._is_scheduled = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call ``function(*arguments)`` when it is its turn."""
        if self._loop.loop is None:
            self._loop.guarded(function, *arguments)
            return
        (self._waiting if self._added is None else self._added).append(partial(function, *arguments))
        self._schedule()

    def in_turn(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call ``function(*arguments)``, a part of a drawing: if that is being called in its turn, after it."""
        if self._added is None:
            function(*arguments)
        else:
            self._added.append(partial(function, *arguments))

    def clear(self) -> None:
        """Discard the waiting functions."""
        self._waiting.clear()

    def _schedule(self) -> None:
        if self._loop.loop is not None and not self._is_scheduled and self._waiting:
            self._is_scheduled = True
            # After the timers that have expired meanwhile, and their callbacks.
            self._loop.loop.call_later(0, self._loop.loop.call_soon, self._call_next)

    def _call_next(self) -> None:
        self._is_scheduled = False
        if self._waiting:
            function, self._added = self._waiting.popleft(), []
            self._loop.guarded(function)
            self._waiting.extendleft(reversed(self._added))
            self._added = None
            self._schedule()


class IdleWork:
    """Does long work in steps, each of which returns whether more remains; between them the event loop is free."""

    def __init__(self, step: Callable[[], bool], loop: EventLoop) -> None:
        self._step, self._loop, self._is_waiting = step, loop, False

    def go_on(self) -> None:
        """Schedule the work; without an event loop, do all of it now."""
        if self._loop.loop is None:
            while self._step():
                continue
        elif not self._is_waiting:
            self._schedule(_LEAST_GAP_SECONDS)

    def _schedule(self, seconds: float) -> None:
        self._is_waiting = True
        self._loop.call_later(seconds, self._loop.guarded, self._do_step)

    def _do_step(self) -> None:
        self._is_waiting, started = False, monotonic()
        if self._step():
            self._schedule(max(_LEAST_GAP_SECONDS, monotonic() - started))
