"""A straight line from the start to the solution: no hill lies between."""

from functools import partial

import numpy as np

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Array, Demonstration, Result, Steps, training
from explorer.extensions.demonstrations.averages import average
from explorer.extensions.demonstrations.figures import curves
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.network import NeuralNetwork
from explorer.training.presets import START

_SHARES = np.linspace(-0.25, 1.5, 36)
_IMAGES = 5000


def loss_on_line(start: NeuralNetwork, end: NeuralNetwork, X: Array, d: Array, shares: Array) -> Array:
    """Return the mean loss per sample at start + t (end − start) for each t in `shares`: (n,).

    `X` are inputs (n_input, m), `d` their desired outputs (n_output, m).
    """
    networks = (average(start, end, float(t)) for t in shares)
    return np.array([network.compute_loss(network.forward(X), d) / X.shape[1] for network in networks])


def _run(dataset: Dataset, seed: int, network: NeuralNetwork | None = None) -> Steps:
    network = network or (yield from training(START.replace(seed=seed), dataset, 0.8))
    start, few = network.copy(), dataset.head(_IMAGES)
    start.rng = np.random.default_rng(seed)
    start.init_weights()
    losses = loss_on_line(start, network, few.X_train, few.Y_train, _SHARES)
    first, last = (float(np.interp(end, _SHARES, losses)) for end in (0, 1))
    between = losses[(_SHARES >= 0) & (_SHARES <= 1)]
    rise = float((between - np.minimum.accumulate(between)).max())  # above the lowest so far, or 0
    lines = {"": ([1, 1], [0, float(np.nanmax(losses))]), "loss": (_SHARES, losses)}
    words = "from the initial weights, 0, to the trained ones, 1", "train loss per sample"
    yield Result({"rise": rise, "first": first, "last": last}, partial(curves, lines, *words))


DEMONSTRATION = Demonstration("straight_line", TEXTS["straight_line"], START, _run, uses_run=True)
