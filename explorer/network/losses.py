"""Losses: measures of the error of the outputs, and the first delta of the backward pass.

Both losses are SUMS over classes and samples, as in the exercise: a batch twice as large has twice the loss and
twice the gradient. They and their derivatives raise `ValueError` if the shapes of `y` and `d` differ.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating[Any]]


def of_one_shape(f: Callable[[Array, Array], Any]) -> Callable[[ArrayLike, ArrayLike], Any]:
    """Make a function of arrays accept numbers and lists too, and raise `ValueError` if the shapes differ."""

    @wraps(f)
    def function(y: ArrayLike, d: ArrayLike) -> Any:
        y, d = np.asarray(y), np.asarray(d)
        if y.shape != d.shape:
            hint = ""
            if y.ndim == d.ndim == 2 and y.shape == d.T.shape:
                hint = "; one of them is transposed: samples are columns"
            elif d.ndim < y.ndim:
                hint = "; labels must be one-hot columns"
            raise ValueError(f"y has shape {y.shape} and d has shape {d.shape}; they must be equal{hint}")
        kind = np.result_type(y, d)
        kind = kind if np.issubdtype(kind, np.floating) else np.dtype(np.float64)
        return f(y.astype(kind, copy=False), d.astype(kind, copy=False))

    return function


@of_one_shape
def squared_error(y: Array, d: Array) -> float:
    """Return half the sum of all squared differences, ½ Σ (y − d)², at least 0; `y` and `d` have any shape."""
    return float(0.5 * np.sum((y - d) ** 2))


@of_one_shape
def d_squared_error(y: Array, d: Array) -> Array:
    """Return the derivative of `squared_error` with respect to `y`: y − d, of their shape."""
    return y - d


@of_one_shape
def cross_entropy(y: Array, d: Array) -> float:
    """Return −Σ d log y, at least 0; a sum over everything, not a mean.

    Outputs `y`, in [0, 1], and desired outputs `d`, one-hot or probabilities, can have any shape. An output of 0
    counts as the smallest normal number of its dtype, so that one wrong answer given with certainty costs much
    (87 in float32), but not infinity.
    """
    tiny = np.finfo(y.dtype).tiny
    return float(-np.sum(d * np.log(np.maximum(y, tiny))) + 0.0)  # adding 0.0 turns −0 into 0


@of_one_shape
def d_cross_entropy(y: Array, d: Array) -> Array:
    """Return the derivative of `cross_entropy` with respect to `y`: −d / y, of their shape.

    After a softmax the network uses y − d instead, the derivative with respect to the weighted sums, in which
    the division cancels.
    """
    return np.asarray(-d / np.maximum(y, np.finfo(y.dtype).tiny))


LOSSES: Mapping[str, Callable[[ArrayLike, ArrayLike], float]] = MappingProxyType(
    {"squared_error": squared_error, "cross_entropy": cross_entropy}
)
"""The losses, by name."""


def delta_sigmoid_squared_error(y: Array, d: Array) -> Array:
    """Return ∂L/∂a = (y − d) · y(1 − y): the derivative of the loss times that of the sigmoid."""
    return (y - d) * y * (1 - y)


def delta_sigmoid_cross_entropy(y: Array, d: Array) -> Array:
    """Return ∂L/∂a = −(d / y) · y(1 − y) = −d(1 − y): the division cancels."""
    return -d * (1 - y)


def delta_softmax_squared_error(y: Array, d: Array) -> Array:
    """Return ∂L/∂aᵢ = yᵢ (gᵢ − Σⱼ gⱼ yⱼ) with g = y − d, since ∂yⱼ/∂aᵢ = yⱼ ([i = j] − yᵢ)."""
    g = y - d
    return np.asarray(y * (g - (g * y).sum(axis=0)))


def delta_softmax_cross_entropy(y: Array, d: Array) -> Array:
    """Return ∂L/∂aᵢ = −Σⱼ (dⱼ / yⱼ) yⱼ ([i = j] − yᵢ) = yᵢ − dᵢ, as the targets sum to 1 (Bridle, 1990)."""
    return y - d


OUTPUT_DELTAS: Mapping[tuple[str, str], Callable[[Array, Array], Array]] = MappingProxyType(
    {
        ("sigmoid", "squared_error"): delta_sigmoid_squared_error,
        ("sigmoid", "cross_entropy"): delta_sigmoid_cross_entropy,
        ("softmax", "squared_error"): delta_softmax_squared_error,
        ("softmax", "cross_entropy"): delta_softmax_cross_entropy,
    }
)
"""For each output activation and loss: ∂L/∂a of the output layer, of the shape of `y` (n_classes, n_samples)."""
