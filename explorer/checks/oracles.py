"""Formulas in plain numbers and loops, and slopes measured instead of derived: what checks hold results against.

Nothing of the network's own mathematics is used here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.network import NeuralNetwork

__all__ = [
    "STEP",
    "measured_slopes",
    "plain_cross_entropy",
    "plain_layer",
    "plain_loss",
    "plain_relu",
    "plain_sigmoid",
    "plain_softmax",
]

Array = NDArray[Any]

STEP = 1e-5
"""How far to either side slopes are measured, for numbers around 1."""


def plain_sigmoid(a: float) -> float:
    """Return 1 / (1 + e⁻ᵃ); `a` is above −700."""
    return 1 / (1 + math.exp(-a))


def plain_relu(a: float) -> float:
    """Return the larger of 0 and `a`."""
    return a if a > 0 else 0.0


def plain_softmax(a: Sequence[float]) -> list[float]:
    """Return exponentials, each divided by their sum."""
    powers = [math.exp(value - max(a)) for value in a]
    return [power / math.fsum(powers) for power in powers]


_PLAIN: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {"sigmoid": plain_sigmoid, "relu": plain_relu, "tanh": math.tanh}
)


def plain_layer(
    network: NeuralNetwork, number: int, inputs: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Return the weighted sums and activations of one layer for one sample, by loops."""
    W, b = getattr(network, f"W{number}").tolist(), getattr(network, f"b{number}")[:, 0].tolist()
    a = [
        math.fsum([bias, *(weight * value for weight, value in zip(row, inputs, strict=True))])
        for row, bias in zip(W, b, strict=True)
    ]
    is_last = number == len(network.layer_sizes) - 1
    name = network.output if is_last else network.hidden_activation
    return a, plain_softmax(a) if name == "softmax" else [_PLAIN[name](value) for value in a]


def plain_loss(name: str, output: float, target: float) -> float:
    """Return what one output adds to the loss of that name."""
    return 0.5 * (output - target) ** 2 if name == "squared_error" else -target * math.log(output)


def plain_cross_entropy(a: Array, d: Array) -> float:
    """Return −Σ d log softmax(a) of one sample; both of shape (n_classes, 1)."""
    y = plain_softmax(a[:, 0].tolist())
    return -math.fsum(t * math.log(output) for output, t in zip(y, d[:, 0].tolist(), strict=True))


def measured_slopes(function: Callable[[Array], float], at: Array) -> Array:
    """Return the slope of `function` along each element of `at`, by central differences."""
    slopes = np.empty_like(at)
    for index in np.ndindex(at.shape):
        moved = np.zeros_like(at)
        moved[index] = STEP
        slopes[index] = (function(at + moved) - function(at - moved)) / (2 * STEP)
    return slopes
