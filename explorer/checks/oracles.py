"""Oracles: formulas in plain numbers and loops, and measured slopes: none of the network's own mathematics."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

POINTS = np.array([[0.25, -0.5, 1.0, -1.5], [3.0, -4.0, 20.0, -20.0]])
"""Points at which scalar functions are checked, the least extreme first; without 0, where relu has no slope."""


def _sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a)) if a > -700 else 0.0  # below, e⁻ᵃ overflows


def _relu(a: float) -> float:
    return a if a > 0 else 0.0


def plain_softmax(a: Sequence[float]) -> list[float]:
    """Return exponentials, each divided by their sum."""
    powers = [math.exp(value - max(a)) for value in a]
    return [power / math.fsum(powers) for power in powers]


def plain_columns(a: Array) -> Array:
    """Return the softmax of each column."""
    return np.array([plain_softmax(column) for column in a.T.tolist()]).T


PLAIN: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {"sigmoid": _sigmoid, "relu": _relu, "tanh": math.tanh}
)
"""The activations that work on a single number, by name."""


def plain_loss(name: str, y: Array, d: Array) -> float:
    """Return the loss with that name, ½ Σ (y − d)² or −Σ d log y, in a loop over all outputs."""
    pairs = zip(y.ravel().tolist(), d.ravel().tolist(), strict=True)
    if name == "squared_error":
        return math.fsum(0.5 * (output - target) ** 2 for output, target in pairs)
    return -math.fsum(target * math.log(output) for output, target in pairs if target)


def precision(result: ArrayLike) -> tuple[float, float]:
    """Return the step for central differences of a function with this result, and the tolerance of the slope."""
    return {2: (0.1, 1e-2), 4: (1e-2, 1e-3)}.get(np.asarray(result).dtype.itemsize, (1e-5, 1e-7))


def measured_slopes(function: Callable[[Array], Any], at: Array) -> tuple[Array, float]:
    """Return the slope of `function` along each element of `at`, by central differences, and their tolerance."""
    slopes = np.empty_like(at)
    step, tolerance = precision(function(at))
    for index in np.ndindex(at.shape):
        moved = np.zeros_like(at)
        moved[index] = step
        slopes[index] = (function(at + moved) - function(at - moved)) / (2 * step)
    return slopes, tolerance
