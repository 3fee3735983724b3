"""Mistakes in cutting the samples into mini-batches: a single pixel, rows, and one batch too many."""

from typing import Any

import numpy as np

from explorer.checks import MISTAKES
from explorer.checks.exercise import Network
from explorer.network import NeuralNetwork

__all__ = ["ByMean", "OneBatchTooMany", "OneBatchTooManyByMean", "OnePixel", "Rows"]


class OnePixel(NeuralNetwork):
    """Wrong: two numbers with a comma between them name one element."""

    fit = MISTAKES["batch-of-one-number"].answers[0].Network.fit


class Rows(NeuralNetwork):
    """Wrong: the first index of a matrix is the row."""

    fit = MISTAKES["batch-of-rows"].answers[0].Network.fit


class OneBatchTooMany(Network):
    """Wrong if the batch size divides the number of samples: the last batch is empty."""

    def fit(self, X: Any, d: Any, batch_size: int, n_epochs: int = 10, lr: float = 1e-2) -> Any:
        """Train; return the mean loss per sample of each epoch, shape (n_epochs,)."""
        n, history = X.shape[1], []
        for _ in range(n_epochs):
            order, loss = self.rng.permutation(n), 0.0
            for k in range(n // batch_size + 1):  # WRONG: one too many if nothing is left over
                batch = order[k * batch_size : (k + 1) * batch_size]
                loss += self.train_iteration(X[:, batch], d[:, batch], lr)
            history.append(loss / n)
        return np.array(history)


class ByMean(Network):
    """Right: a step along the mean of the batch's gradients instead of their sum."""

    def backward(self, X: Any, y: Any, d: Any) -> tuple[Any, ...]:
        """Return the gradient, averaged over the samples."""
        return tuple(gradient / X.shape[1] for gradient in super().backward(X, y, d))


class OneBatchTooManyByMean(ByMean, OneBatchTooMany):
    """Wrong: the mean over an empty batch is 0 / 0."""
