"""When a panel is drawn, and how long work leaves the event loop responsive."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, thread_time

from explorer.app.views import OnLoop, ViewState
from explorer.training.runner import running_loop

_REST = 100  # pause after a costly drawing, in multiples of its duration: it takes 1 % of the time
_LEAST_GAP_SECONDS = 0.02


class Pace:
    """Skips drawings that would change nothing or, during training, follow the last one too soon.

    Parameters
    ----------
    seconds : float
        Least time between two drawings during training. A run's first figures are never delayed.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds, self._rests_until = seconds, float("-inf")
        self._drawn: tuple[object, ...] | None = None

    def is_due(self, state: ViewState, *content: object, at_once: bool = False) -> bool:
        """Return whether to draw this content now; if so, it counts as drawn."""
        if (not at_once and self.rests(state)) or not self.is_new(*content):
            return False
        self.rest(state)
        return True

    def is_new(self, *content: object) -> bool:
        """Return whether this content differs from the last, and note it as drawn."""
        before, self._drawn = self._drawn, content
        return content != before

    def rests(self, state: ViewState) -> bool:
        """Return whether it is too soon to draw; the run's next delivery checks again."""
        return state.is_training and state.moment is not None and monotonic() < self._rests_until

    def rest(self, state: ViewState) -> None:
        """Begin the time in which nothing is drawn."""
        self._rests_until = float("-inf") if state.moment is None else monotonic() + self._seconds

    @contextmanager
    def costly(self) -> Iterator[None]:
        """Rest after a drawing in proportion to its CPU time in this thread, without that of other threads."""
        started = thread_time()
        yield
        self._rests_until = monotonic() + _REST * (thread_time() - started)


class IdleWork:
    """Does long work in steps, between which the event loop can do other things.

    A `step` does a little work, and returns whether more remains.
    """

    def __init__(self, step: Callable[[], bool], on_loop: OnLoop) -> None:
        self._step, self._next = step, on_loop(self._do_step)
        self._is_waiting = False

    def go_on(self) -> None:
        """Schedule the work; without an event loop, do all of it now."""
        if running_loop() is None:
            while self._step():
                continue
        elif not self._is_waiting:
            self._schedule(_LEAST_GAP_SECONDS)

    def _do_step(self) -> None:
        self._is_waiting, started = False, monotonic()
        if self._step():
            self._schedule(max(_LEAST_GAP_SECONDS, monotonic() - started))

    def _schedule(self, seconds: float) -> None:
        if (loop := running_loop()) is not None:
            self._is_waiting = True
            loop.call_later(seconds, self._next)
