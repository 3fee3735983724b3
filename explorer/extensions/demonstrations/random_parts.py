"""Parts that stay random: a first layer without training, and the way back of the errors."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.linalg import lstsq

from explorer.datasets import Dataset
from explorer.experiments import Array, Result, Steps, batches, reads
from explorer.extensions.demonstrations.labels import random_labels
from explorer.extensions.demonstrations.presentation import PERCENT, curves, demonstration
from explorer.network import NeuralNetwork
from explorer.network.network import Network
from explorer.training import TrainingConfig
from explorer.training.presets import PRESETS

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
        return network
    h, Y = h.astype(np.float64), Y.astype(np.float64)
    if len(h) > 1.5 * h.shape[1]:  # all are fitted: W = Y (hᵀh)⁻¹ hᵀ
        network.W[1][:] = np.linalg.solve(h.T @ h, Y.T).T @ h.T
    else:
        network.W[1][:] = lstsq(h.T, Y.T, lapack_driver="gelsy")[0].T
    return network


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


_BATCH, _RATE, _EPOCHS, _EVERY = 128, 0.1, 3, 94
_MODERN = PRESETS["Modern"].replace(learning_rate=_RATE, epochs=_EPOCHS)


class RandomFeedback(Network):
    """One hidden layer, whose errors come back through a random B instead of W2ᵀ (Lillicrap et al., 2016)."""

    def init_weights(self) -> None:
        """Draw B too."""
        super().init_weights()
        self.B = self.rng.normal(0.0, 0.1, self.W[1].T.shape).astype(self.dtype)  # (n_hidden, n_output)

    def backward(self, X: Array, y: Array, d: Array) -> tuple[Array, ...]:
        """Return the gradient as it is with the wrong feedback."""
        delta2 = self.output_delta(y, d)  # (n_output, n)
        delta1 = (self.B @ delta2) * self.f[0].d(self.a[0])  # (n_hidden, n)
        d_b1, d_b2 = (delta.sum(axis=1, keepdims=True) for delta in (delta1, delta2))
        return delta1 @ X.T, d_b1, delta2 @ self.h[1].T, d_b2

    def angle(self, X: Array, d: Array) -> float:
        """Return the angle between the errors that come back through B and through W2ᵀ, in degrees."""
        delta2 = self.output_delta(self.forward(X), d)
        here, there = self.B @ delta2, self.W[1].T @ delta2
        cosine = (here * there).sum() / (np.linalg.norm(here) * np.linalg.norm(there))
        return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


@demonstration("feedback", _MODERN)
def feedback_alignment(dataset: Dataset, seed: int, _network: object = None) -> Steps:
    """Train with the wrong feedback and with the right one."""
    few, X, d, rng = dataset.head(1000), dataset.X_train, dataset.Y_train, np.random.default_rng(seed)
    names = "hidden_activation", "output", "loss", "initializer"
    how: dict[str, Any] = {name: getattr(_MODERN, name) for name in names}
    how |= {"dtype": np.float32, "seed": seed}
    wrong = RandomFeedback(dataset.n_inputs, 128, dataset.n_classes, **how)
    right = Network(dataset.n_inputs, 128, dataset.n_classes, **how)
    rows, steps = list[tuple[float, ...]](), 0
    for _ in range(_EPOCHS):
        for batch in batches(X.shape[1], _BATCH, rng):
            if steps % _EVERY == 0:
                epoch, angle = steps * _BATCH / X.shape[1], wrong.angle(few.X_train, few.Y_train)
                rows.append((epoch, reads(wrong, dataset), reads(right, dataset), angle))
                epochs, random, true, angles = np.array(rows).T
                lines = {"random feedback": (epochs, 100 * random), "backpropagation": (epochs, 100 * true)}
                lines["angle (degrees)"] = epochs, angles
                numbers = {"random": random[-1], "true": true[-1], "angle": angle, "first_angle": angles[0]}
                numbers["more"] = (1 - random[-1]) / max(1 - true[-1], 1e-9) - 1
                titles = "epoch", "test accuracy (%), angle (degrees)"
                yield Result(numbers, curves(lines, *titles, y=PERCENT))
            for network in (wrong, right):
                network.train_iteration(X[:, batch], d[:, batch], _RATE / len(batch))
            steps += 1
