"""Cutting the samples into mini-batches, wrongly: a single pixel, rows, and one batch too many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from explorer.notebook.pitfalls.plain import PlainNetwork

__all__ = ["ByMean", "OneBatchTooMany", "OneBatchTooManyByMean", "OnePixel", "Rows"]


class OnePixel(PlainNetwork):
    """Wrong: two numbers with a comma between them name one element."""

    def batches(self, X: Any, d: Any, batch_size: int) -> Iterator[tuple[Any, Any]]:
        """Yield a pixel and a target, not a batch."""
        order = self.rng.permutation(X.shape[1])
        X, d = X[:, order], d[:, order]
        for b in range(0, X.shape[1], batch_size):
            yield X[b, b + batch_size], d[b, b + batch_size]


class Rows(PlainNetwork):
    """Wrong: the first index of a matrix is the row."""

    def batches(self, X: Any, d: Any, batch_size: int) -> Iterator[tuple[Any, Any]]:
        """Yield some inputs of all samples, not all inputs of some samples."""
        order = self.rng.permutation(X.shape[1])
        X, d = X[:, order], d[:, order]
        for b in range(0, X.shape[1], batch_size):
            yield X[b : b + batch_size], d[b : b + batch_size]


class OneBatchTooMany(PlainNetwork):
    """Wrong where the batch size divides the number of samples: the last batch is empty."""

    def batches(self, X: Any, d: Any, batch_size: int) -> Iterator[tuple[Any, Any]]:
        """Yield the mini-batches of one epoch, and maybe an empty one."""
        order = self.rng.permutation(X.shape[1])
        X, d = X[:, order], d[:, order]
        for k in range(X.shape[1] // batch_size + 1):
            batch = slice(k * batch_size, (k + 1) * batch_size)
            yield X[:, batch], d[:, batch]


class ByMean(PlainNetwork):
    """Right: a step by the mean of the batch's derivatives instead of their sum."""

    def backward(self, X: Any, y: Any, d: Any) -> tuple[Any, ...]:
        """Return the derivatives of the loss, averaged over the samples."""
        return tuple(gradient / X.shape[1] for gradient in super().backward(X, y, d))


class OneBatchTooManyByMean(ByMean, OneBatchTooMany):
    """Wrong: the mean over an empty batch is 0 / 0."""
