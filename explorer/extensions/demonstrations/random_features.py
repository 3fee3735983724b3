"""No training in the first layer: random units, and least squares for the outputs; also with as many as images."""

from collections.abc import Mapping

import numpy as np
from scipy.linalg import lstsq

from explorer.datasets import Dataset
from explorer.datasets.relabeled import random_labels
from explorer.experiments.demonstration import Array, Result, Steps, reads
from explorer.extensions.demonstrations.figures import curves
from explorer.extensions.demonstrations.texts import demonstration
from explorer.network import NeuralNetwork
from explorer.training import TrainingConfig

_UNITS = (32, 64, 128, 256, 512, 1000)
_IMAGES, _NOISE = 1000, 0.1
_UP_TO_MANY = (100, 300, 500, 800, _IMAGES, 1200, 1600, 2500, 4000, 8000)
_CONFIG = TrainingConfig(hidden_sizes=(1000,), hidden_activation="relu", initializer="he")


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


@demonstration("random_features", _CONFIG)
def untrained_layer(dataset: Dataset, seed: int, _network: object = None) -> Steps:
    """Take more and more random units."""
    few, known = dataset.head(20_000), dict[int, float]()
    for units in _UNITS:
        known[units] = reads(random_features(few, units, seed), dataset)
        numbers = {"last": known[units], "units": units, "first": known[_UNITS[0]], "first_units": _UNITS[0]}
        yield _curve_of_units(known, numbers)


@demonstration("double_descent", _CONFIG.replace(n_train=_IMAGES))
def double_descent(dataset: Dataset, seed: int, _network: object = None) -> Steps:
    """Take fewer and more units than images: the worst network can just fit its images."""
    few, known = random_labels(dataset.head(_IMAGES), _NOISE, seed), dict[int, float]()
    for units in _UP_TO_MANY:
        known[units] = reads(random_features(few, units, seed, ridge=0), dataset)
        numbers = {"at_images": known.get(_IMAGES, float("nan")), "last": known[units]}
        fewer = max(accuracy for units, accuracy in known.items() if units < _IMAGES)
        yield _curve_of_units(known, {**numbers, "fewer": fewer, "worst": min(known, key=known.__getitem__)})


def _curve_of_units(known: Mapping[int, float], numbers: Mapping[str, float]) -> Result:
    points = {"random units": (np.array([*known]), 100 * np.array([*known.values()]))}
    return Result(numbers, curves(points, "random units", "test accuracy (%)", x={"type": "log"}))
