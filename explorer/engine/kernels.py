"""The formulas as kernels: lists of NumPy calls bound to their arrays, to be performed repeatedly.

A step on a small mini-batch is some thirty calls of a third of a microsecond. Looking up names, attributes and
methods between them takes a quarter of the step, so a kernel is a function that RETURNS its calls: it runs once,
for fixed arrays, and the calls are performed at each step. Samples are ROWS, so classes are the last axis. The
slope of an activation is computed from the activation itself, h(1 − h) for the sigmoid, so that the backward pass
needs nothing that the forward pass did not store. Constants are 0-d arrays of the network's dtype: a ufunc reads
one in half the time of a Python float, which matters if a mini-batch is one sample.

A network with hundreds of units spends its time in a few long calls, which release the GIL. Such work is split in
two, some of the samples of a mini-batch or some of the weights of a step each, and a second thread performs one
half if a core is free. The halves are the same if one thread performs both: results are identical to the bit.
BLAS's own threads would round differently, and spin.
"""

import math
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Array = NDArray[Any]

Calls = tuple[Callable[[], Any], ...]
"""Calls without arguments, created with `functools.partial`, in the order to perform them."""

Half = Callable[[int], slice]
"""Maps a length to the slice of it that one thread works on."""

Kernel = Callable[[Array, Array], Calls]
"""Creates the calls that write a function of the first array into the second, of the same shape.

For an activation both may be the same array, for a slope not."""

DeltaKernel = Callable[[Array, Array, Array, Array], Calls]
"""Creates the calls that write ∂L/∂a into the third of y, d, out and scratch, each (n_samples, n_classes)."""

LARGE_WORK = 20_000_000
"""Multiplications of matrix products from which work is split: of 128 images, through some 200 units."""

_STACKED = 4  # rows that BLAS's kernels for small products process at a time
# Size from which np.dot, which clears it first, loses more time than its faster start saves.
_LARGE_RESULT = 10_000
_FEW = 1000  # size up to which one call of np.sign is faster than comparing and converting


def perform(calls: Calls) -> None:
    """Perform the calls one by one."""
    for call in calls:
        call()


def product(left: Array, right: Array, out: Array, small: int = 0) -> Calls:
    """Return the calls that write the matrix product left · right into `out`, whose rows are contiguous.

    (n_rows, n_inner) · (n_inner, n_columns) → (n_rows, n_columns), all of one dtype. Up to `small` multiplications
    this machine's BLAS doesn't pack the matrices first, which is a fifth faster (0 if it always does). So a larger
    product is computed as a stack of small ones, each with some rows of `left`, plus the remaining rows.
    """
    n_rows, n_inner = left.shape
    row = n_inner * right.shape[1]
    most = small // row // _STACKED * _STACKED
    # A transposed matrix with fewer rows doesn't fill the registers.
    fewest = _STACKED if left.flags.c_contiguous else 12
    if n_rows * row <= small or most < fewest:
        # np.dot starts in half the time, but clears a result and copies a slice first, and can't write a slice of
        # columns; np.matmul doesn't use BLAS for an outer product.
        fits = n_inner == 1 or (out.size <= _LARGE_RESULT and left.flags.forc)
        return (partial(np.dot if fits and out.flags.c_contiguous else np.matmul, left, right, out),)
    n_parts = math.ceil(n_rows / most)  # as few as possible, and all about equal
    size = math.ceil(n_rows / n_parts / _STACKED) * _STACKED
    parts, rest = divmod(n_rows, size)
    down, along = left.strides
    stack = as_strided(left, (parts, size, n_inner), (size * down, down, along), writeable=False)
    calls: Calls = (partial(np.matmul, stack, right, out[: parts * size].reshape(parts, size, -1)),)
    if rest:
        rest = max(rest, 2)  # a single row would be a product with a vector, which rounds differently
        calls += product(left[-rest:], right, out[-rest:])
    return calls


def _sigmoid(a: Array, out: Array) -> Calls:
    """1 / (1 + e⁻ᵃ). Where e⁻ᵃ overflows to infinity the result is 0, as it should be."""
    one = np.ones((), out.dtype)
    return (
        partial(np.negative, a, out),
        partial(np.exp, out, out),
        partial(np.add, out, one, out),
        partial(np.reciprocal, out, out),
    )


def _sigmoid_slope(h: Array, out: Array) -> Calls:
    """σ′ = h(1 − h)."""
    return partial(np.subtract, np.ones((), out.dtype), h, out), partial(np.multiply, out, h, out)


def _relu(a: Array, out: Array) -> Calls:
    zeros = np.zeros(a.shape, out.dtype)  # half the time of a row of them, a fourth of that of a scalar
    return (partial(np.maximum, a, zeros, out=out),)


def _relu_slope(h: Array, out: Array) -> Calls:
    """1 where h > 0, else 0: the sign of a nonnegative number."""
    if h.size <= _FEW:
        return (partial(np.sign, h, out),)
    above = np.empty(h.shape, bool)  # two calls, comparing and converting, take half the time
    return partial(np.greater, h, np.zeros((), h.dtype), above), partial(np.copyto, out, above)


def _tanh(a: Array, out: Array) -> Calls:
    return (partial(np.tanh, a, out),)


def _tanh_slope(h: Array, out: Array) -> Calls:
    """1 − h²."""
    return partial(np.multiply, h, h, out), partial(np.subtract, np.ones((), out.dtype), out, out)


def _softmax(a: Array, out: Array) -> Calls:
    """Exponentials divided by their sum over the last axis, the largest input of each sample subtracted first."""
    largest, total = (np.empty((*a.shape[:-1], 1), out.dtype) for _ in range(2))
    ones = np.ones((a.shape[-1], 1), out.dtype)
    find_largest: Calls = (partial(np.maximum.reduce, a, -1, None, largest, True),)  # with the axis kept
    if len(a) > a.shape[-1]:  # long columns take a third of the time of many short rows
        columns = np.empty(a.shape[::-1], out.dtype)
        find_largest = (
            partial(np.copyto, columns, a.T),
            partial(np.maximum.reduce, columns, 0, None, largest.T, True),
        )
    return (
        *find_largest,
        partial(np.subtract, a, largest, out),
        partial(np.exp, out, out),
        partial(np.dot, out, ones, total),  # ten times as fast as a sum over rows of ten
        partial(np.divide, out, total, out),
    )


HIDDEN_KERNELS: Mapping[str, tuple[Kernel, Kernel]] = MappingProxyType(
    {"sigmoid": (_sigmoid, _sigmoid_slope), "relu": (_relu, _relu_slope), "tanh": (_tanh, _tanh_slope)}
)
"""The activations of hidden layers by name: h = f(a), and the slope f′ computed from h."""

OUTPUT_KERNELS: Mapping[str, Kernel] = MappingProxyType({"sigmoid": _sigmoid, "softmax": _softmax})
"""The activations of the output layer by name."""


def _sigmoid_squared_error(y: Array, d: Array, out: Array, scratch: Array) -> Calls:
    """∂L/∂a = (y − d) · y(1 − y): the loss's derivative times the sigmoid's slope."""
    return (
        partial(np.multiply, y, y, scratch),
        partial(np.subtract, y, scratch, scratch),
        partial(np.subtract, y, d, out),
        partial(np.multiply, out, scratch, out),
    )


def _sigmoid_cross_entropy(y: Array, d: Array, out: Array, scratch: Array) -> Calls:
    """∂L/∂a = −(d / y) · y(1 − y) = −d(1 − y) = dy − d: the division cancels."""
    return partial(np.multiply, d, y, out), partial(np.subtract, out, d, out)


def _softmax_squared_error(y: Array, d: Array, out: Array, scratch: Array) -> Calls:
    """∂L/∂aᵢ = yᵢ (gᵢ − Σⱼ gⱼ yⱼ) with g = y − d, since ∂yⱼ/∂aᵢ = yⱼ ([i = j] − yᵢ)."""
    total, ones = np.empty((len(y), 1), y.dtype), np.ones((y.shape[1], 1), y.dtype)
    return (
        partial(np.subtract, y, d, out),
        partial(np.multiply, out, y, scratch),
        partial(np.dot, scratch, ones, total),
        partial(np.subtract, out, total, out),
        partial(np.multiply, out, y, out),
    )


def _softmax_cross_entropy(y: Array, d: Array, out: Array, scratch: Array) -> Calls:
    """∂L/∂aᵢ = −Σⱼ (dⱼ / yⱼ) yⱼ ([i = j] − yᵢ) = yᵢ − dᵢ, as the targets sum to 1 (Bridle, 1990)."""
    return (partial(np.subtract, y, d, out),)


OUTPUT_DELTA_KERNELS: Mapping[tuple[str, str], DeltaKernel] = MappingProxyType(
    {
        ("sigmoid", "squared_error"): _sigmoid_squared_error,
        ("sigmoid", "cross_entropy"): _sigmoid_cross_entropy,
        ("softmax", "squared_error"): _softmax_squared_error,
        ("softmax", "cross_entropy"): _softmax_cross_entropy,
    }
)
"""∂L/∂a of the output layer, for each output activation and loss."""


@cache
def _second_thread(_pid: int) -> ThreadPoolExecutor:
    """Return the second thread of a process; a forked one needs its own."""
    return ThreadPoolExecutor(1, "explorer-second-half")


def _perform_both(own: Calls, other: Calls) -> None:
    """Perform both, `other` in the second thread if that starts them before `own` are done."""

    def perform_other() -> None:
        with np.errstate(all="ignore"):  # of that thread; overflow shows in the scores
            perform(other)

    try:
        others = _second_thread(os.getpid()).submit(perform_other)
    except RuntimeError:  # Python is exiting, and starts no further call in a thread
        return perform((*own, *other))
    try:
        perform(own)
    finally:
        if others.cancel():
            perform(other)
        else:
            others.result()


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

    1 or 2 threads perform the halves, split at the fraction `middle`. No half writes to data that the other uses.
    """
    if not is_large(work):
        return make(whole)
    first = make(lambda n: slice(0, first_half(n, middle)))
    second = make(lambda n: slice(first_half(n, middle), n))
    return first + second if n_threads == 1 else (partial(_perform_both, first, second),)
