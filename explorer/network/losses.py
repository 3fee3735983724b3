"""Losses, and the derivative of the loss behind the output layer.

Both losses are SUMS over classes and samples, as in the exercise: a batch twice as large has twice the loss and
twice the gradient. `sum` adds pairwise, where a dot product in float32 would lose the fourth digit of many terms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.network.calls import Calls

__all__ = ["LOSSES", "OUTPUT_DELTAS", "cross_entropy", "d_cross_entropy", "d_squared_error", "squared_error"]

Array = NDArray[Any]


def squared_error(y: ArrayLike, d: ArrayLike) -> float:
    """Return half the sum of the squared differences, ½ Σ (y − d)².

    Parameters
    ----------
    y : array_like
        Outputs, any shape.
    d : array_like
        Desired outputs, of the shape of `y`.

    Returns
    -------
    float
        At least 0; a sum over everything, not a mean.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    y, d = _alike(y, d)
    return 0.5 * float(np.square(y - d).sum())


def d_squared_error(y: ArrayLike, d: ArrayLike) -> Array:
    """Return the derivative of `squared_error` with respect to `y`: y − d, of their shape.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    y, d = _alike(y, d)
    return np.subtract(y, d)


def cross_entropy(y: ArrayLike, d: ArrayLike) -> float:
    """Return −Σ d log y.

    Parameters
    ----------
    y : array_like
        Outputs in [0, 1], any shape.
    d : array_like
        Desired outputs, of the shape of `y`: one-hot, or probabilities.

    Returns
    -------
    float
        At least 0; a sum over everything, not a mean. An output of 0 counts as the smallest normal number of
        its dtype, so that one wrong answer given with certainty costs much (87 in float32), but not infinity.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    y, d = _alike(y, d)
    # Taken from 0.0, where a minus in front would make −0.0 of no loss at all.
    return 0.0 - float((d * np.log(np.maximum(y, np.finfo(y.dtype).tiny))).sum())


def d_cross_entropy(y: ArrayLike, d: ArrayLike) -> Array:
    """Return the derivative of `cross_entropy` with respect to `y`: −d / y, of their shape.

    Behind a softmax the network uses y − d instead, the derivative with respect to the weighted sums, in which
    the division has cancelled.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    y, d = _alike(y, d)
    derivative: Array = np.divide(-d, np.maximum(y, np.finfo(y.dtype).tiny))
    return derivative


def _alike(y: ArrayLike, d: ArrayLike) -> tuple[Array, Array]:
    y, d = np.asarray(y), np.asarray(d)
    if y.shape != d.shape:
        raise ValueError(f"y has shape {y.shape} and d has shape {d.shape}; they must be equal")
    kind = np.result_type(y, d)
    kind = kind if np.issubdtype(kind, np.floating) else np.dtype(np.float64)
    return y.astype(kind, copy=False), d.astype(kind, copy=False)


LOSSES: Mapping[str, Callable[[ArrayLike, ArrayLike], float]] = MappingProxyType(
    {"squared_error": squared_error, "cross_entropy": cross_entropy}
)
"""The losses, by name."""


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
    """∂L/∂aᵢ = yᵢ (gᵢ − Σⱼ gⱼ yⱼ) with g = y − d, since ∂yⱼ/∂aᵢ = yⱼ (δᵢⱼ − yᵢ)."""
    total, ones = np.empty((len(y), 1), y.dtype), np.ones((y.shape[1], 1), y.dtype)
    return (
        partial(np.subtract, y, d, out),
        partial(np.multiply, out, y, scratch),
        partial(np.dot, scratch, ones, total),
        partial(np.subtract, out, total, out),
        partial(np.multiply, out, y, out),
    )


def _softmax_cross_entropy(y: Array, d: Array, out: Array, scratch: Array) -> Calls:
    """∂L/∂aᵢ = −Σⱼ (dⱼ / yⱼ) yⱼ (δᵢⱼ − yᵢ) = yᵢ Σⱼ dⱼ − dᵢ = yᵢ − dᵢ, as the targets sum to 1 (Bridle, 1990)."""
    return (partial(np.subtract, y, d, out),)


OUTPUT_DELTAS: Mapping[tuple[str, str], Callable[[Array, Array, Array, Array], Calls]] = MappingProxyType(
    {
        ("sigmoid", "squared_error"): _sigmoid_squared_error,
        ("sigmoid", "cross_entropy"): _sigmoid_cross_entropy,
        ("softmax", "squared_error"): _softmax_squared_error,
        ("softmax", "cross_entropy"): _softmax_cross_entropy,
    }
)
"""For each output and loss: ``f(y, d, out, scratch)`` gives the calls that write ∂L/∂a of the output into `out`.

All four arrays have shape (n_samples, n_classes): here the classes are the last axis.
"""
