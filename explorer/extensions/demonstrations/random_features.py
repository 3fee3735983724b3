"""No training in the first layer: random units, and least squares for the outputs."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from scipy.linalg import lstsq

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Array, Demonstration, Result, Steps, reads
from explorer.extensions.demonstrations.figures import curves
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.network import NeuralNetwork
from explorer.training import TrainingConfig

_UNITS = (32, 64, 128, 256, 512, 1000)


def random_features(dataset: Dataset, units: int, seed: int = 0, ridge: float = 1e-3) -> NeuralNetwork:
    """Return a relu network with a random first layer and output weights by least squares (Rahimi & Recht, 2007).

    They minimize Σ (y − d)² + λ n Σ W2² over the n training images, with λ = `ridge`; 0 takes the shortest of all
    solutions (Belkin et al., 2019). The largest weighted sum decides, also through the network's sigmoid.
    """
    network = NeuralNetwork(
        dataset.n_inputs, units, dataset.n_classes, hidden_activation="relu", initializer="he", seed=seed
    )
    network.forward(dataset.X_train)
    h, Y = network.h[1], dataset.Y_train
    if ridge:
        A = h @ h.T + np.float32(ridge * h.shape[1]) * np.eye(units, dtype=h.dtype)
        network.W[1][:] = np.linalg.solve(A.astype(np.float64), (h @ Y.T).astype(np.float64)).T
    else:
        network.W[1][:] = _shortest(h.astype(np.float64), Y.astype(np.float64))
    return network


def _shortest(h: Array, Y: Array) -> Array:
    """Return the W with the smallest Σ W² of those that minimize Σ (W h − Y)²."""
    if len(h) > 1.5 * h.shape[1]:  # all are fitted: W = Y (hᵀh)⁻¹ hᵀ
        return np.asarray(np.linalg.solve(h.T @ h, Y.T).T @ h.T)
    return np.asarray(lstsq(h.T, Y.T, lapack_driver="gelsy")[0].T)


def _run(dataset: Dataset, seed: int, _network: NeuralNetwork | None = None) -> Steps:
    few, known = dataset.head(20_000), dict[int, float]()
    for units in _UNITS:
        known[units] = reads(random_features(few, units, seed), dataset)
        numbers = {"last": known[units], "units": units, "first": known[_UNITS[0]], "first_units": _UNITS[0]}
        yield curve_of_units(known, numbers)


def curve_of_units(known: Mapping[int, float], numbers: Mapping[str, float]) -> Result:
    """Return test accuracies, 0 to 1, by the number of random units as a result with these numbers."""
    points = {"random units": (np.array([*known]), 100 * np.array([*known.values()]))}
    return Result(numbers, partial(curves, points, "random units", "test accuracy (%)", x={"type": "log"}))


_CONFIG = TrainingConfig(hidden_sizes=(1000,), hidden_activation="relu", initializer="he")
DEMONSTRATION = Demonstration("random_features", TEXTS["random_features"], _CONFIG, _run)
