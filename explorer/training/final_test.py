"""The test set, opened once, after all settings were chosen by validation images."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from explorer.datasets import Dataset
from explorer.network import NeuralNetwork
from explorer.training.process_settings import one_blas_thread
from explorer.wording import ordinal

__all__ = ["FinalTest", "open_test_set"]

_CHUNK = 1000  # images that are floats at a time


@dataclass(frozen=True, slots=True)
class FinalTest:
    """What a trained network comes to on the test images."""

    loss: float
    """Mean loss per image, penalties included as in the run's own figures."""
    accuracy: float
    """Share classified correctly, 0 to 1."""
    n_images: int
    """Test images."""
    number: int = 1
    """How many times the test set had been opened by then: 1 for the first, when nobody had chosen by it."""

    @property
    def times(self) -> str:
        """How many times the test set had been opened by then: ``"once"``, ``"for the 2nd time"``."""
        return "once" if self.number == 1 else f"for the {ordinal(self.number)} time"

    def numbered(self, number: int) -> FinalTest:
        """Return it as the opening of a number."""
        return replace(self, number=number)


def open_test_set(network: NeuralNetwork, dataset: Dataset) -> FinalTest:
    """Return what a network comes to on the real test images of a data set, which may be a split of it.

    Takes some 50 ms with 32 hidden units, and seconds with three layers of 1024.
    """
    data, right, loss = dataset.unsplit, 0, 0.0
    n, one_hot = len(data.test_labels), np.eye(data.n_classes, dtype=np.float32)
    for start in range(0, n, _CHUNK):
        labels = data.test_labels[start : start + _CHUNK]
        pixels = data.test_images[start : start + _CHUNK].reshape(len(labels), -1).T
        with one_blas_thread(), np.errstate(all="ignore"):
            y = network.forward(np.divide(pixels, np.float32(255), dtype=np.float32))  # (n_classes, chunk)
            loss += network.total_loss(y, one_hot[labels].T)
        right += int(np.count_nonzero(y.argmax(axis=0) == labels))
    return FinalTest(loss / n, right / n, n)
