"""Work in two halves, one of which a second thread performs where a core is free.

A network of hundreds of units spends its time in a few long calls, which release the GIL. A half has
some of the samples of a mini-batch, or some of the weights of a step. What is large is cut into the same halves
where one thread performs both, so that the numbers are equal to the bit. BLAS's own threads would round
differently, and wait by spinning.
"""

from collections.abc import Callable
from functools import cache, partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread

import numpy as np

from explorer.engine.kernels import Calls, perform

LARGE_WORK = 20_000_000
"""Multiplications of matrix products from which on they are cut: of 128 images, through some 200 units."""

Half = Callable[[int], slice]
"""Maps a length to the slice of it that one thread works on."""

Done = SimpleQueue[BaseException | None]
"""Says that calls have been performed, or what they raised."""


class _Helper:
    """The second thread of this process. It starts when it is first needed, and again in a forked process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: Thread | None = None
        self._waiting: SimpleQueue[tuple[Calls, Done]] = SimpleQueue()

    def perform_both(self, own: Calls, other: Calls) -> None:
        """Perform both, `other` in the second thread if that has begun with them before `own` are done."""
        done = Done()  # a new one each time: after an interruption nobody may have read the last
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


def whole(n: int) -> slice:
    """Return all of `n`."""
    return slice(0, n)


def is_large(work: int) -> bool:
    """Return whether work, in multiplications of matrix products that take about as long, is cut in two."""
    return work >= LARGE_WORK


@cache
def rows_at_once() -> int:
    """Return how many rows of a matrix product in float32 BLAS makes at a time, as its numbers tell.

    The rows that remain after the last whole group are added up in another order. So a product is cut at the end
    of a group, where the numbers are those of the whole: OpenBLAS's kernels for AVX2 take 12, most others 4.
    """
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=shape).astype(np.float32) for shape in ((50, 80), (80, 40)))
    for n in (4, 8, 12):
        if np.array_equal(np.concatenate([left[:n] @ right, left[n:] @ right]), left @ right):
            return n
    return 24


def aligned(n: int) -> int:
    """Return the next multiple of `rows_at_once` from `n` on."""
    return -(-n // rows_at_once()) * rows_at_once()


def first_half(n: int, middle: float = 0.5) -> int:
    """Return how many of `n` the first half has, if they are cut at `middle`, a share of them."""
    return int(middle * n) // rows_at_once() * rows_at_once()


def in_halves(make: Callable[[Half], Calls], work: int, n_threads: int, middle: float = 0.5) -> Calls:
    """Return the calls that `make` gives for the whole, or for both halves.

    Parameters
    ----------
    make : callable
        Gives the calls for a half of the work. Those for one half write nothing that those for the other use.
    work : int
        How much it is, see `is_large`.
    n_threads : {1, 2}
        Threads that perform the two.
    middle : float, optional
        Where the work is cut, as a share of it.
    """
    if not is_large(work):
        return make(whole)
    first = make(lambda n: slice(0, first_half(n, middle)))
    second = make(lambda n: slice(first_half(n, middle), n))
    return first + second if n_threads == 1 else (partial(_HELPER.perform_both, first, second),)
