"""Activations: what a unit makes of its weighted sum, and the derivative of that.

Each is written as on a blackboard, for arrays of any shape; the tables give a network its functions by name.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ACTIVATIONS",
    "OUTPUTS",
    "Activation",
    "d_relu",
    "d_sigmoid",
    "d_tanh",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]


def sigmoid(a: ArrayLike) -> Any:
    """Return the logistic function of every element, 1 / (1 + e⁻ᵃ), in [0, 1].

    `a` is a scalar or an array of any shape; the result has its shape, and a floating dtype.
    """
    a = _floating(a)
    with np.errstate(over="ignore"):  # where e⁻ᵃ overflows to ∞, 1 / ∞ is the 0 that is meant
        return 1 / (1 + np.exp(-a))


def d_sigmoid(a: ArrayLike) -> Any:
    """Return the derivative of the logistic function, σ′(a) = σ(a)(1 − σ(a)), in [0, 0.25].

    `a` is the weighted sum, not the activation; the result has its shape.
    """
    h = sigmoid(a)
    return h * (1 - h)


def relu(a: ArrayLike) -> Any:
    """Return the rectifier of every element, max(0, a), of the shape of `a` (Nair & Hinton, 2010)."""
    return np.maximum(0, _floating(a))


def d_relu(a: ArrayLike) -> Any:
    """Return the derivative of the rectifier: 1 where a > 0, else 0, also at a = 0, where there is none."""
    a = _floating(a)
    return (a > 0).astype(a.dtype)[()]


def tanh(a: ArrayLike) -> Any:
    """Return the hyperbolic tangent of every element, in [−1, 1], of the shape of `a`."""
    return np.tanh(_floating(a))


def d_tanh(a: ArrayLike) -> Any:
    """Return the derivative of the hyperbolic tangent, 1 − tanh²(a), in [0, 1], of the shape of `a`."""
    return 1 - tanh(a) ** 2


def softmax(a: ArrayLike) -> Any:
    """Return the softmax over axis 0, eᵃⁱ / Σⱼ eᵃʲ, in [0, 1]; every column sums to 1 (Bridle, 1990).

    Samples are columns: `a` has the shape (n_classes,) or (n_classes, n_samples), and any finite value.
    """
    a = _floating(a)
    with np.errstate(over="ignore"):  # a difference beyond all floats is −∞, and e⁻∞ the 0 that is meant
        e = np.exp(a - a.max(axis=0))  # the largest becomes e⁰ = 1: the same quotient, and no overflow
    return e / e.sum(axis=0)


class Activation(NamedTuple):
    """A function f(a) of the weighted sums, and its derivative: ``f(a)`` and ``f.d(a)``."""

    value: Callable[[Any], Any]
    d: Callable[[Any], Any]

    def __call__(self, a: Any) -> Any:
        """Return f(a), element by element."""
        return self.value(a)


ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        "sigmoid": Activation(sigmoid, d_sigmoid),
        "relu": Activation(relu, d_relu),
        "tanh": Activation(tanh, d_tanh),
    }
)
"""The activations of hidden layers, by name: pairs (value, derivative)."""

OUTPUTS: Mapping[str, Callable[[Any], Any]] = MappingProxyType({"sigmoid": sigmoid, "softmax": softmax})
"""The activations of the output layer, by name. For their derivatives see `losses.OUTPUT_DELTAS`."""


def _floating(a: ArrayLike) -> NDArray[Any]:
    """Return `a` as an array of floats; floats keep their precision."""
    a = np.asarray(a)
    return a if np.issubdtype(a.dtype, np.floating) else a.astype(np.float64)
