"""Activations: the functions from a unit's weighted sum to its output, and their derivatives.

Each is written as on a blackboard, for arrays of any shape; the tables list them by name.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating[Any]]


def of_floats(f: Callable[[Any], Any]) -> Callable[[ArrayLike], Any]:
    """Make a function of float arrays accept numbers, lists and integers too; floats keep their precision."""

    @wraps(f)
    def function(a: ArrayLike) -> Any:
        a = np.asarray(a)
        return f(a if np.issubdtype(a.dtype, np.floating) else a.astype(np.float64))

    return function


@of_floats
@np.errstate(over="ignore")  # where e⁻ᵃ overflows to ∞, 1 / ∞ is 0, as it should be
def sigmoid(a: Array) -> Any:
    """Return the logistic function of every element, 1 / (1 + e⁻ᵃ), in [0, 1], of the shape of `a`."""
    return 1 / (1 + np.exp(-a))


@of_floats
def d_sigmoid(a: Array) -> Any:
    """Return the derivative of the logistic function at the sums `a`, σ′(a) = σ(a)(1 − σ(a)), in [0, 0.25]."""
    h = sigmoid(a)
    return h * (1 - h)


@of_floats
def relu(a: Array) -> Any:
    """Return the rectifier of every element, max(0, a), of the shape of `a` (Nair & Hinton, 2010)."""
    return np.maximum(0, a)


@of_floats
def d_relu(a: Array) -> Any:
    """Return the derivative of the rectifier: 1 where a > 0, else 0, also at a = 0, where there is none."""
    return np.heaviside(a, 0)


@of_floats
def tanh(a: Array) -> Any:
    """Return the hyperbolic tangent of every element, in [−1, 1], of the shape of `a`."""
    return np.tanh(a)


@of_floats
def d_tanh(a: Array) -> Any:
    """Return the derivative of the hyperbolic tangent, 1 − tanh²(a), in [0, 1], of the shape of `a`."""
    return 1 - np.tanh(a) ** 2


@of_floats
@np.errstate(over="ignore")  # a difference below all floats is −∞, and e⁻∞ is 0, as it should be
def softmax(a: Array) -> Any:
    """Return the softmax over axis 0, eᵃⁱ / Σⱼ eᵃʲ, in [0, 1]; every column sums to 1 (Bridle, 1990).

    Samples are columns: `a` has the shape (n_classes,) or (n_classes, n_samples), and any finite value.
    """
    e = np.exp(a - a.max(axis=0))  # the largest becomes e⁰ = 1: the same quotient, and no overflow
    return e / e.sum(axis=0)


class Activation(NamedTuple):
    """A function f(a) of the weighted sums, and its derivative: ``f(a)`` and ``f.d(a)``."""

    value: Callable[[Any], Any]
    d: Callable[[Any], Any]

    def __call__(self, a: Any) -> Any:
        """Return f(a), element by element."""
        return self.value(a)

    def times(self, m: Any) -> "Activation":
        """Return the function m f(a), with its derivative."""
        return Activation(lambda a: m * self.value(a), lambda a: m * self.d(a))


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
