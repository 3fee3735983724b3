"""Work in two halves, one of which a second thread performs if a core is free.

A network with hundreds of units spends its time in a few long calls, which release the GIL. A half has some of the
samples of a mini-batch, or some of the weights of a step. Large work is split into the same halves even if one
thread performs both: results are identical to the bit. BLAS's own threads would round differently, and spin.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import numpy as np

from explorer.engine.kernels import Calls, perform

LARGE_WORK = 20_000_000
"""Multiplications of matrix products from which work is split: of 128 images, through some 200 units."""

Half = Callable[[int], slice]
"""Maps a length to the slice of it that one thread works on."""


@cache
def _second_thread(_pid: int) -> ThreadPoolExecutor:
    """Return the second thread of a process; a forked one needs its own."""
    return ThreadPoolExecutor(1, "explorer-second-half")


def _perform_both(own: Calls, other: Calls) -> None:
    """Perform both, `other` in the second thread if that starts them before `own` are done."""
    others = _second_thread(os.getpid()).submit(_perform_silently, other)
    try:
        perform(own)
    finally:
        if others.cancel():
            perform(other)
        else:
            others.result()


def _perform_silently(calls: Calls) -> None:
    with np.errstate(all="ignore"):  # overflow shows in the scores
        perform(calls)


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
    return first + second if n_threads == 1 else (partial(_perform_both, first, second),)
