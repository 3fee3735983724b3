"""Work in two halves, one of which a second thread performs if a core is free.

A network with hundreds of units spends its time in a few long calls, which release the GIL. A half has some of the
samples of a mini-batch, or some of the weights of a step. Large work is split into the same halves even if one
thread performs both: results are identical to the bit. BLAS's own threads would round differently, and spin.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread

import numpy as np

from explorer.engine.kernels import Calls, perform

LARGE_WORK = 20_000_000
"""Multiplications of matrix products from which work is split: of 128 images, through some 200 units."""

Half = Callable[[int], slice]
"""Maps a length to the slice of it that one thread works on."""

Done = SimpleQueue[BaseException | None]
"""Receives None when calls have been performed, or the exception they raised."""


class _Helper:
    """The second thread of this process. It starts on first use, and again in a forked process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: Thread | None = None
        self._waiting: SimpleQueue[tuple[Calls, Done]] = SimpleQueue()

    def perform_both(self, own: Calls, other: Calls) -> None:
        """Perform both, `other` in the second thread if that starts them before `own` are done."""
        done = Done()  # new each time: after an interruption the last may be unread
        if self._thread is None or not self._thread.is_alive():
            self._start()
        self._waiting.put((other, done))
        try:
            perform(own)
        finally:
            with suppress(Empty):  # nobody else has begun it
                _perform(*self._waiting.get_nowait())
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


def _perform(calls: Calls, done: Done) -> None:
    try:
        with np.errstate(all="ignore"):  # overflow shows in the scores
            perform(calls)
    except BaseException as error:  # noqa: BLE001  # raised where both halves are awaited
        done.put(error)
    else:
        done.put(None)


_HELPER = _Helper()


def whole(n: int) -> slice:
    """Return the slice of all `n` items."""
    return slice(0, n)


def is_large(work: int) -> bool:
    """Return whether work, measured in multiplications of matrix products, is to be split in two."""
    return work >= LARGE_WORK


@cache
def rows_at_once() -> int:
    """Return how many rows of a float32 matrix product BLAS computes at a time, by an experiment.

    The rows after the last full group are summed in another order. So products are split at the end of a group,
    where the results equal those of the whole: OpenBLAS's AVX2 kernels use 12, most others 4.
    """
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=shape).astype(np.float32) for shape in ((50, 80), (80, 40)))
    for n in (4, 8, 12):
        if np.array_equal(np.concatenate([left[:n] @ right, left[n:] @ right]), left @ right):
            return n
    return 24


def aligned(n: int) -> int:
    """Round `n` up to a multiple of `rows_at_once`."""
    return -(-n // rows_at_once()) * rows_at_once()


def first_half(n: int, middle: float = 0.5) -> int:
    """Return the size of the first half of `n` items, split at the fraction `middle`."""
    return int(middle * n) // rows_at_once() * rows_at_once()


def in_halves(make: Callable[[Half], Calls], work: int, n_threads: int, middle: float = 0.5) -> Calls:
    """Return the calls that `make` creates for the whole work, or if it is large, for each half.

    `work` counts as in `is_large`, and is split at the fraction `middle`; 1 or 2 threads perform the halves. No
    half writes to data that the other uses.
    """
    if not is_large(work):
        return make(whole)
    first = make(lambda n: slice(0, first_half(n, middle)))
    second = make(lambda n: slice(first_half(n, middle), n))
    return first + second if n_threads == 1 else (partial(_HELPER.perform_both, first, second),)
