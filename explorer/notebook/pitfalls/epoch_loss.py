"""The loss of an epoch, wrongly counted: the network learns as it should, and the curve says otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.notebook.pitfalls.plain import PlainNetwork

__all__ = ["DividedByEpochs", "NeverReset"]


class NeverReset(PlainNetwork):
    """Wrong: the loss is set to 0 once, so each epoch's holds all before it."""

    def fit(self, X: Any, d: Any, batch_size: int, n_epochs: int = 10, lr: float = 1e-2) -> Any:
        """Train; return what is no mean loss, shape (n_epochs,)."""
        history, loss = [], 0.0
        for _ in range(n_epochs):
            for X_batch, d_batch in self.batches(X, d, batch_size):
                loss += self.train_iteration(X_batch, d_batch, lr)
            history.append(loss / X.shape[1])
        return np.array(history)


class DividedByEpochs(PlainNetwork):
    """Wrong: the loss of an epoch is a sum over the samples, and is divided by something else."""

    def fit(self, X: Any, d: Any, batch_size: int, n_epochs: int = 10, lr: float = 1e-2) -> Any:
        """Train; return what is no mean loss, shape (n_epochs,)."""
        history = []
        for _ in range(n_epochs):
            loss = 0.0
            for X_batch, d_batch in self.batches(X, d, batch_size):
                loss += self.train_iteration(X_batch, d_batch, lr)
            history.append(loss / n_epochs)
        return np.array(history)
