"""Calls on large arrays in two halves, one of which a second thread performs where a core is free.

A network of hundreds of units spends its time in a few long calls, which let go of the interpreter. A half has
some columns or some rows of a matrix product, or some of the weights of an update. Large arrays are cut into the
same halves where one thread performs both, so that the numbers are equal to the bit. BLAS's own threads would
round otherwise, and wait by spinning.
"""

from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread

import numpy as np

from explorer.engine.kernels import Calls, perform

__all__ = ["LARGE_WORK", "in_halves"]

LARGE_WORK = 20_000_000
"""Multiplications of a matrix product from which on it is cut in two: of 128 images, through some 200 units."""

_ALIGNED = 16  # numbers: as wide as registers and cache lines

Done = SimpleQueue[BaseException | None]
"""Says that calls have been performed, or what they raised."""


class _Helper:
    """The second thread of this process. It starts when it is first needed, and again in a forked process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: Thread | None = None
        self._waiting: SimpleQueue[tuple[Calls, Done]] = SimpleQueue()

    def perform_both(self, own: Calls, other: Calls, done: Done) -> None:
        """Perform both, `other` in the second thread if that has begun with them before `own` are done."""
        if self._thread is None or not self._thread.is_alive():
            self._start()
        self._waiting.put((other, done))
        try:
            perform(own)
        finally:
            self._perform_what_waits()
            error = done.get()
        if error is not None:
            raise error

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._waiting = SimpleQueue()
                self._thread = Thread(target=self._serve, name="explorer-second-half", daemon=True)
                self._thread.start()

    def _serve(self) -> None:
        while True:
            _perform(*self._waiting.get())

    def _perform_what_waits(self) -> None:
        try:
            _perform(*self._waiting.get_nowait())
        except Empty:
            return


def _perform(calls: Calls, done: Done) -> None:
    try:
        with np.errstate(all="ignore"):  # what overflows shows in the scores
            perform(calls)
    except BaseException as error:  # noqa: BLE001  # it is raised where both halves are waited for
        done.put(error)
    else:
        done.put(None)


_HELPER = _Helper()


def in_halves(make: Callable[[slice], Calls], n: int, work: int, n_threads: int) -> Calls:
    """Return the calls that `make` gives for all of `n` rows, columns or numbers.

    Parameters
    ----------
    make : callable
        Gives the calls for a part of them. Those for one part write nothing that those for another use.
    n : int
        How many there are.
    work : int
        Multiplications of a matrix product that takes about as long. From `LARGE_WORK` on it is cut in two.
    n_threads : {1, 2}
        Threads that perform the two parts.
    """
    middle = n // 2 // _ALIGNED * _ALIGNED
    if work < LARGE_WORK or not middle:
        return make(slice(0, n))
    first, second = make(slice(0, middle)), make(slice(middle, n))
    return (
        first + second if n_threads == 1 else (partial(_HELPER.perform_both, first, second, SimpleQueue()),)
    )
