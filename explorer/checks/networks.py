"""Checks of a network: its first weights, both passes, its decisions, and one step down the gradient."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks.comparing import Passed, cells, compare, expect, same_shape
from explorer.checks.oracles import measured_slopes, plain_cross_entropy, plain_layer, plain_loss
from explorer.network import NeuralNetwork
from explorer.network.gradient_check import Place, check_gradient, choose_weights

__all__ = ["decisions", "forward_pass", "gradients", "initial_weights", "output_delta", "step"]

Array = NDArray[Any]

_DOUBLE = 1e-10  # float64, a pass through a network
_SINGLE = 1e-4  # float32, the same
_MEASURED = 1e-7  # a slope of a loss summed over samples
_ROUNDED = 1e-5  # one number in float32
_ALL_WEIGHTS = 300  # a network of so many parameters has each of them checked, a larger one a draw


def initial_weights(network: NeuralNetwork) -> Passed:
    """Check new weights by Glorot's rule: within ±r, evenly spread around 0, and all biases 0."""
    worst = 0.0
    for number, (n_in, n_out) in enumerate(pairwise(network.layer_sizes), 1):
        W, b = (np.asarray(getattr(network, f"{kind}{number}"), np.float64) for kind in "Wb")
        expect(W.shape == (n_out, n_in), f"W{number} has shape {W.shape}; wanted is {(n_out, n_in)}")
        expect(b.shape == (n_out, 1), f"b{number} has shape {b.shape}; wanted is {(n_out, 1)}")
        expect(not b.any(), f"b{number} holds numbers other than 0; the first biases are 0")
        r, sure = math.sqrt(6 / (n_in + n_out)), 5 / math.sqrt(W.size)  # five standard errors
        expect(
            float(np.abs(W).max()) <= r * (1 + _ROUNDED),
            f"W{number} reaches {np.abs(W).max():.4f}; wanted is at most r = {r:.4f}",
        )
        mean, spread = float(W.mean()) / r, float(np.square(W).mean()) * 3 / r**2 - 1
        expect(
            abs(mean) < sure,
            f"W{number} has mean {mean:.4f} · r; by chance it would be within {sure:.4f} of 0",
        )
        expect(abs(spread) < sure, f"W{number} is not spread evenly between −r and r")
        worst = max(worst, abs(mean))
    return Passed(
        f"all {network.n_parameters} parameters: biases 0, weights within ±r and around 0 (mean in units of r)",
        worst,
    )


def forward_pass(network: NeuralNetwork, X: Array) -> Passed:
    """Check a forward pass against loops over units and inputs in plain numbers: each a, each h, each output.

    A copy passes, with biases other than the first ones: adding 0 wrongly would not be seen.
    """
    X, moved, worst = np.asarray(X, np.float64), copy.deepcopy(network), 0.0
    rng = np.random.default_rng(0)
    for number in range(1, len(network.layer_sizes)):
        bias = getattr(moved, f"b{number}")
        bias += rng.normal(0, 0.5, bias.shape)
    y = moved.forward(X)
    for k in range(X.shape[1]):
        inputs, found = X[:, k].tolist(), {f"y[:, {k}]": y[:, k]}
        for number in range(1, len(network.layer_sizes)):
            a, inputs = plain_layer(moved, number, inputs)
            wanted = {f"a{number}[:, {k}]": a, f"h{number}[:, {k}]": inputs}
            found |= {f"{kind}{number}[:, {k}]": getattr(moved, f"{kind}{number}")[:, k] for kind in "ah"}
            worst = max(worst, *(_alike(name, found[name], plain, moved) for name, plain in wanted.items()))
        worst = max(worst, _alike(f"y[:, {k}]", found[f"y[:, {k}]"], inputs, moved))
    return Passed(f"every a and h of {X.shape[1]} samples against loops in plain numbers", worst)


def decisions(network: NeuralNetwork, X: Array) -> Passed:
    """Check the decided classes against a search for the largest output, sample by sample."""
    y, decided = network.forward(X).T.tolist(), network.predict(X).tolist()
    for k, outputs in enumerate(y):
        largest = outputs.index(max(outputs))
        expect(
            decided[k] == largest, f"sample {k} is decided as {decided[k]}; its largest output is {largest}"
        )
    return Passed(f"{len(y)} decisions against a search for the largest output")


def gradients(network: NeuralNetwork, X: Array, d: Array) -> Passed:
    """Check the backward pass: each derivative's shape, and its numbers against measured slopes of the loss.

    Of a small network every single parameter is moved, of a large one a draw of 40 from all layers.
    """
    found = _named(network, network.backward(X, network.forward(X), d))
    for name, derivative in found.items():
        same_shape(f"d_{name}", derivative, getattr(network, name))
    places = _places(network, X)
    checked = check_gradient(network, X, d, places)
    measured = {weight.place: weight.numeric for weight in checked if not weight.has_kink}
    values = {place: float(found[place.parameter][place.row, place.column]) for place in measured}
    worst = compare("the derivative of", values, measured, max(_tolerance(network), _MEASURED))
    return Passed(
        f"{len(measured)} derivatives against measured slopes of the loss, and each one's shape", worst
    )


def step(network: NeuralNetwork, X: Array, d: Array, lr: float = 1e-2) -> Passed:
    """Check one iteration: each weight minus lr times the measured slope, and the loss before it. A copy steps."""
    stepped, y, d = copy.deepcopy(network), network.forward(X), np.asarray(d)
    returned = stepped.train_iteration(X, d, lr)
    plain = math.fsum(
        plain_loss(network.loss, o, t) for o, t in zip(y.ravel().tolist(), d.ravel().tolist(), strict=True)
    )
    tolerance = max(_tolerance(network), _MEASURED)
    worst = compare(f"the loss of {len(y.T)} samples", {"before": returned}, {"before": plain}, tolerance)
    wanted, found = {}, {}
    for weight in check_gradient(network, X, d, _places(network, X)):
        place = weight.place
        before, after = (
            float(getattr(n, place.parameter)[place.row, place.column]) for n in (network, stepped)
        )
        wanted[place], found[place] = before - lr * weight.numeric, after
    worst = max(worst, compare("after the step,", found, wanted, tolerance))
    return Passed(f"{len(wanted)} parameters after a step against parameter − lr · measured slope", worst)


def output_delta(network: NeuralNetwork, X: Array, d: Array) -> Passed:
    """Check ∂L/∂a of a softmax with cross-entropy: the measured slope, y − d, and what the network propagates.

    The loss is written out in plain numbers, −Σ d log softmax(a). A bias's derivative is the sum of its unit's
    deltas: for one sample it is the delta.
    """
    X, d = np.asarray(X, np.float64), np.asarray(d, np.float64)
    last, worst = len(network.layer_sizes) - 1, 0.0
    for k in range(X.shape[1]):
        x, target = X[:, k : k + 1], d[:, k : k + 1]
        y = network.forward(x)
        a = np.asarray(getattr(network, f"a{last}"), np.float64)
        measured = measured_slopes(partial(plain_cross_entropy, d=target), a)
        propagated = network.backward(x, y, target)[-1]
        for name, found in (("y − d", y - target), ("the network's delta", propagated)):
            where = f"sample {k}, {name}"
            worst = max(
                worst, compare(where, cells(found), cells(measured), max(_tolerance(network), _MEASURED))
            )
    return Passed(
        f"y − d and the network's own delta against measured slopes, for {X.shape[1]} samples", worst
    )


def _named(network: NeuralNetwork, gradients: Sequence[Array]) -> dict[str, Array]:
    names = [f"{kind}{number}" for number in range(1, len(network.layer_sizes)) for kind in "Wb"]
    return dict(zip(names, gradients, strict=True))


def _places(network: NeuralNetwork, X: Array) -> tuple[Place, ...]:
    if network.n_parameters > _ALL_WEIGHTS:
        return choose_weights(network, X, np.random.default_rng(0), 40)
    return tuple(
        Place(name, *map(int, index))
        for name, weights in _named(network, network.weights()).items()
        for index in np.ndindex(weights.shape)
    )


def _alike(name: str, found: Array, plain: Sequence[float], network: NeuralNetwork) -> float:
    return compare(
        f"{name}, unit", dict(enumerate(found.tolist())), dict(enumerate(plain)), _tolerance(network)
    )


def _tolerance(network: NeuralNetwork) -> float:
    return _DOUBLE if network.dtype == np.float64 else _SINGLE
