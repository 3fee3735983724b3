"""Keeps the event loop free: what is costly waits its turn, what is long is done in steps."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, thread_time

from explorer.app.views import OnLoop, ViewState
from explorer.training.event_loop import running_loop

_REST = 100  # rests that follow a drawing, each as long as it took: it costs 1 % of the time
_LEAST_GAP_SECONDS = 0.02


class Pace:
    """Says when a costly drawing is due: at once, but while the run trains only for 1 % of the time."""

    def __init__(self) -> None:
        self._rests_until = float("-inf")

    def is_due(self, state: ViewState) -> bool:
        """Return whether it may be drawn now; if not, the run's next delivery asks again."""
        return not state.is_training or monotonic() >= self._rests_until

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Measure what it costs, in the thread's own time: what others took of the processor doesn't count."""
        started = thread_time()
        yield
        self._rests_until = monotonic() + _REST * (thread_time() - started)


class Leisure:
    """Does a long piece of work in steps, between which the event loop does other things.

    A `step` does a little, and returns whether more is left.
    """

    def __init__(self, step: Callable[[], bool], on_loop: OnLoop) -> None:
        self._step = step
        self._next = on_loop(self._do_step)
        self._is_waiting = False

    def go_on(self) -> None:
        """See that the work is done: without an event loop, which nobody waits on, here and now."""
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
