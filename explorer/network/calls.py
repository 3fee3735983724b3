"""NumPy calls bound to their arrays: a formula as a list that is gone through again and again.

A step on a small mini-batch is some thirty calls of a third of a microsecond. Looking up names, attributes and
methods between them takes a quarter of the step, so formulas are functions that RETURN their calls: they run once,
for arrays that stay, and the calls are performed at each step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

__all__ = ["Calls", "perform", "product"]

Array = NDArray[Any]

Calls = tuple[Callable[[], Any], ...]
"""Calls without arguments, made with `functools.partial`, in the order in which they are due."""

_LARGE_RESULT = 10_000


def perform(calls: Calls) -> None:
    """Make the calls, one after the other."""
    for call in calls:
        call()


def product(left: Array, right: Array, out: Array, small: int = 0) -> Calls:
    """Return the calls that write the matrix product left · right into `out`.

    Parameters
    ----------
    left : ndarray, shape (n_rows, n_inner)
    right : ndarray, shape (n_inner, n_columns)
    out : ndarray, shape (n_rows, n_columns), C-contiguous
        All of one floating dtype.
    small : int
        Multiplications up to which this machine's BLAS counts a product as small, 0 if it doesn't. It makes a
        small one without first copying the matrices together, a fifth faster; so a larger one is made as a
        stack of small ones, each with some rows of `left`, and the rows that remain.
    """
    n_rows, n_inner = left.shape
    row = n_inner * right.shape[1]
    most = small // row // 4 * 4  # the kernels take rows by fours
    fewest = 4 if left.flags.c_contiguous else 12  # a transposed matrix with fewer doesn't fill the registers
    if n_rows * row <= small or most < fewest:
        # np.dot begins in half the time, but clears a result and copies a slice first; np.matmul has no BLAS for
        # an outer product.
        begin_fast = n_inner == 1 or (out.size <= _LARGE_RESULT and left.flags.forc)
        return (partial(np.dot if begin_fast else np.matmul, left, right, out),)
    size = -(-n_rows // -(-n_rows // most) // 4) * 4  # as few parts as there can be, and all about equal
    parts, rest = divmod(n_rows, size)
    down, along = left.strides
    stack = as_strided(left, (parts, size, n_inner), (size * down, down, along), writeable=False)
    calls = (partial(np.matmul, stack, right, out[: parts * size].reshape(parts, size, -1)),)
    return calls + (product(left[-rest:], right, out[-rest:]) if rest else ())
