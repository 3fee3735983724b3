"""From labels to the network's targets: one-hot columns. A label is a class, not a quantity."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks.exercise import Network

__all__ = ["Unguarded", "labels_as_row", "one_hot", "share_of_equals"]

Array = NDArray[Any]


def labels_as_row(labels: Array) -> Array:
    """Return the targets, shape (1, n_samples). Wrong: NumPy repeats the label for every output unit."""
    return labels.reshape(1, -1)  # WRONG: (1, n)


def one_hot(labels: Array) -> Array:
    """Return the targets, shape (10, n_samples), with a single 1 in each column."""
    return np.eye(10, dtype=np.float32)[:, labels]  # (10, n)


def share_of_equals(d: Array, predicted: Array) -> float:
    """Return the accuracy. Wrong: targets of shape (10, n_samples) are compared with classes, (n_samples,)."""
    return float(np.mean(d == predicted))  # WRONG: (10, n) against (n,)


class Unguarded(Network):
    """The exercise's network with the loss as most people write it: it checks no shape."""

    def compute_loss(self, y: Array, d: Array) -> float:
        """Return the squared error; where the shapes differ, NumPy broadcasts."""
        return float(0.5 * np.sum((y - d) ** 2))
