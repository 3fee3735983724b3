"""Mistakes in the loss of an epoch: the network learns as it should, and the curve says otherwise."""

from typing import Any

import numpy as np

from explorer.network import NeuralNetwork

__all__ = ["DividedByEpochs", "NeverReset"]


class NeverReset(NeuralNetwork):
    """Wrong: each epoch's loss includes all epochs before it."""

    def fit(self, X: Any, d: Any, batch_size: int, n_epochs: int = 10, lr: float = 1e-2) -> Any:
        """Train; return a sum that only grows, shape (n_epochs,)."""
        n, history = X.shape[1], []
        loss = 0.0  # WRONG: set to 0 once, before all epochs
        for _ in range(n_epochs):
            order = self.rng.permutation(n)
            for b in range(0, n, batch_size):
                batch = order[b : b + batch_size]
                loss += self.train_iteration(X[:, batch], d[:, batch], lr)
            history.append(loss / n)
        return np.array(history)


class DividedByEpochs(NeuralNetwork):
    """Wrong: a sum over the samples is divided by something else."""

    def fit(self, X: Any, d: Any, batch_size: int, n_epochs: int = 10, lr: float = 1e-2) -> Any:
        """Train; return losses that are no mean, shape (n_epochs,)."""
        n, history = X.shape[1], []
        for _ in range(n_epochs):
            order, loss = self.rng.permutation(n), 0.0
            for b in range(0, n, batch_size):
                batch = order[b : b + batch_size]
                loss += self.train_iteration(X[:, batch], d[:, batch], lr)
            history.append(loss / n_epochs)  # WRONG: a mean over what?
        return np.array(history)
