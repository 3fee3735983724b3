"""Backpropagation through a random matrix: the network bends until the wrong feedback is right."""

from typing import Any

import numpy as np

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Array, Result, Steps, batches, reads
from explorer.extensions.demonstrations.figures import PERCENT, curves
from explorer.extensions.demonstrations.texts import demonstration
from explorer.network.network import Network
from explorer.training.presets import PRESETS

_BATCH, _RATE, _EPOCHS, _EVERY = 128, 0.1, 3, 94
_CONFIG = PRESETS["Modern"].replace(learning_rate=_RATE, epochs=_EPOCHS)


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


@demonstration("feedback", _CONFIG)
def alignment(dataset: Dataset, seed: int, _network: object = None) -> Steps:
    """Train with the wrong feedback and with the right one."""
    few, X, d, rng = dataset.head(1000), dataset.X_train, dataset.Y_train, np.random.default_rng(seed)
    names = "hidden_activation", "output", "loss", "initializer"
    how: dict[str, Any] = {name: getattr(_CONFIG, name) for name in names}
    sizes = dataset.n_inputs, 128, dataset.n_classes
    wrong, right = (kind(*sizes, **how, dtype=np.float32, seed=seed) for kind in (RandomFeedback, Network))
    assert isinstance(wrong, RandomFeedback)
    rows, steps = list[tuple[float, ...]](), 0
    for _ in range(_EPOCHS):
        for batch in batches(X.shape[1], _BATCH, rng):
            if steps % _EVERY == 0:
                epoch, angle = steps * _BATCH / X.shape[1], wrong.angle(few.X_train, few.Y_train)
                rows.append((epoch, reads(wrong, dataset), reads(right, dataset), angle))
                yield _result(np.array(rows))
            for network in (wrong, right):
                network.train_iteration(X[:, batch], d[:, batch], _RATE / len(batch))
            steps += 1


def _result(rows: Array) -> Result:
    epochs, random, true, angles = rows.T
    accuracies = {"random feedback": (epochs, 100 * random), "backpropagation": (epochs, 100 * true)}
    lines = accuracies | {"angle (degrees)": (epochs, angles)}
    numbers = {"random": random[-1], "true": true[-1], "angle": angles[-1], "first_angle": angles[0]}
    numbers["more"] = (1 - random[-1]) / max(1 - true[-1], 1e-9) - 1
    return Result(numbers, curves(lines, "epoch", "test accuracy (%), angle (degrees)", y=PERCENT))
