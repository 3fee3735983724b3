"""Keeps the event loop responsive: costly drawings are delayed, and long work is split into steps."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, thread_time

from explorer.app.views import OnLoop, ViewState
from explorer.training.runner import running_loop

_REST = 100  # pause after a drawing, in multiples of its duration: it takes 1 % of the time
_LEAST_GAP_SECONDS = 0.02


class Pace:
    """Schedules costly drawings: at once, but during training for at most 1 % of the time."""

    def __init__(self) -> None:
        self._rests_until = float("-inf")

    def is_due(self, state: ViewState) -> bool:
        """Return whether to draw now; if not, the run's next delivery checks again."""
        return not state.is_training or monotonic() >= self._rests_until

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Measure the cost of a drawing in this thread's CPU time, without that of other threads."""
        started = thread_time()
        yield
        self._rests_until = monotonic() + _REST * (thread_time() - started)


class Leisure:
    """Does long work in steps, between which the event loop can do other things.

    A `step` does a little work, and returns whether more remains.
    """

    def __init__(self, step: Callable[[], bool], on_loop: OnLoop) -> None:
        self._step = step
        self._next = on_loop(self._do_step)
        self._is_waiting = False

    def go_on(self) -> None:
        """Schedule the work; without an event loop, do all of it now."""
        loop = running_loop()
        if loop is None:
            while self._step():
                continue
        elif not self._is_waiting:
            self._is_waiting = True
            loop.call_later(_LEAST_GAP_SECONDS, self._next)

    def _do_step(self) -> None:
        self._is_waiting = False
        started = monotonic()
        loop = running_loop()
        if self._step() and loop is not None:
            self._is_waiting = True
            loop.call_later(max(_LEAST_GAP_SECONDS, monotonic() - started), self._next)
