"""Comparison of the gradient of backpropagation with the slope of the loss itself.

Nudge one weight up and down a little and see how the loss changes. That quotient doesn't use the chain rule,
so where the two agree, the backward pass is correct.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .neural_network import NeuralNetwork

STEP = 1e-5
"""ε, the distance by which a weight is moved both ways: the error of the quotient is about 1e-10 in float64."""

_ALIKE = 1e-5  # relative difference up to which two gradients count as equal
_ROUNDINGS = 10  # maximum rounding error of a loss, in units in the last place, after sums


class Place(NamedTuple):
    """The position of a weight or bias: ``W1[row, column]``, where ``"W1"`` is the parameter."""

    parameter: str
    row: int
    column: int

    def __str__(self) -> str:
        return f"{self.parameter}[{self.row}, {self.column}]"


@dataclass(frozen=True, slots=True)
class CheckedWeight:
    """The gradient of one weight, computed in two ways."""

    place: Place
    analytic: float
    """By backpropagation."""
    numeric: float
    """By central differences, (L(w + ε) − L(w − ε)) / 2ε."""
    noise: float
    """Possible rounding error of `numeric`, caused by that of the loss."""
    has_kink: bool
    """Whether the loss has a corner, and so no slope, between w − ε and w + ε: where a relu unit turns on or off,
    or where a weight with an L1 penalty is 0."""

    @property
    def relative_difference(self) -> float:
        """|analytic − numeric| / max(|analytic|, |numeric|): 0 if both are 0, NaN if one of them is."""
        larger = max(abs(self.analytic), abs(self.numeric))
        return abs(self.analytic - self.numeric) / larger if larger != 0 else 0.0

    @property
    def agrees(self) -> bool:
        """Whether the two are equal, up to rounding."""
        allowed = _ALIKE * max(abs(self.analytic), abs(self.numeric)) + self.noise
        return math.isfinite(self.numeric) and abs(self.analytic - self.numeric) <= allowed


@np.errstate(all="ignore")  # infinite or NaN weights show in the result
def check_gradient(
    network: NeuralNetwork, X: ArrayLike, d: ArrayLike, places: Sequence[Place]
) -> tuple[CheckedWeight, ...]:
    """Compute the gradient at each of `places`, by backpropagation and by central differences, in float64.

    `X` (n_input, n) are a few samples and `d` (n_output, n) their desired outputs; the loss is the SUM over them.
    Central differences have an error of order ε² where one-sided ones have ε (C. M. Bishop, "Pattern Recognition
    and Machine Learning", 2006, 5.3.3). The network isn't changed. Raises `ValueError` for wrong shapes.
    """
    double, checked = network.copy(np.float64), []
    X, d = np.asarray(X, np.float64), np.asarray(d, np.float64)
    gradients = dict(zip(double.shapes, double.backward(X, double.forward(X), d), strict=True))
    for place in places:
        name, at = place.parameter, place[1:]
        parameter = getattr(double, name)  # the array itself: writing to it changes the network
        weight, losses, on = parameter[at], [], []
        for moved in (weight + STEP, weight - STEP):
            parameter[at] = moved
            losses.append(double.total_loss(double.forward(X), d))
            on.append([a > 0 for a in double.a[:-1]])
        parameter[at] = weight
        has_corner = double.penalties[1] > 0 and name.startswith("W") and bool(abs(weight) < STEP)
        turns = double.hidden_activation == "relu" and not all(map(np.array_equal, *on))
        numeric = (losses[0] - losses[1]) / (2 * STEP)
        noise = _ROUNDINGS * float(np.finfo(np.float64).eps) * abs(losses[0]) / STEP
        checked.append(CheckedWeight(place, float(gradients[name][at]), numeric, noise, has_corner or turns))
    return tuple(checked)


def choose_weights(
    network: NeuralNetwork, X: ArrayLike, rng: np.random.Generator, n: int = 8
) -> tuple[Place, ...]:
    """Draw the positions of `n` weights and biases at random, from all layers in turn.

    In the first layer, no input is 0 on all samples `X` (n_input, n): its gradient is 0 whatever the backward pass
    does. If a layer gets several, the last is a bias. Raises `ValueError` if `n` is less than one per layer.
    """
    shapes = [shape for name, shape in network.shapes.items() if name.startswith("W")]
    if n < len(shapes):
        raise ValueError(f"n is {n}; expected at least {len(shapes)}, one for each layer")
    lit = np.flatnonzero(np.asarray(X).any(axis=1))
    places = []
    for layer, (n_units, n_inputs) in enumerate(shapes, 1):
        share = len(range(layer - 1, n, len(shapes)))
        inputs = lit if layer == 1 and lit.size else np.arange(n_inputs)
        for i in range(share):
            unit = int(rng.integers(n_units))
            is_bias = 0 < i == share - 1
            name, column = (f"b{layer}", 0) if is_bias else (f"W{layer}", int(rng.choice(inputs)))
            places.append(Place(name, unit, column))
    return tuple(places)
