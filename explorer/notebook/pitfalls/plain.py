"""The exercise's network with every formula written out, as one hands it in: right, and checking nothing.

`NeuralNetwork` refuses a matrix of the wrong shape. This one computes with whatever it gets, so that a mistake can
run to its end and be seen. The wrong variants beside this file replace one of its methods each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from explorer.network import NeuralNetwork, sigmoid

__all__ = ["PlainNetwork"]


class PlainNetwork(NeuralNetwork):
    """A network of one hidden layer, with sigmoids and squared error, that checks nothing.

    Parameters
    ----------
    n_input, n_hidden, n_output : int
        Units of the three layers, at least 1.
    initializer : {"glorot", "he", "normal", "uniform"}
        Distribution of the first weights.
    seed : int
        Of the first weights and of the order of the samples.

    Notes
    -----
    From one seed it learns what `NeuralNetwork` learns, up to rounding.
    """

    def __init__(
        self, n_input: int, n_hidden: int, n_output: int, *, initializer: str = "glorot", seed: int = 0
    ) -> None:
        super().__init__(n_input, n_hidden, n_output, initializer=initializer, seed=seed)

    def activation(self, a: Any) -> Any:
        """Return the sigmoid of each weighted sum."""
        return sigmoid(a)

    def forward(self, X: Any) -> Any:
        """Return the outputs, shape (n_output, n_samples); keeps `a1`, `h1`, `a2` and `h2`."""
        self.a1 = self.W1 @ X + self.b1
        self.h1 = self.activation(self.a1)
        self.a2 = self.W2 @ self.h1 + self.b2
        self.h2 = self.activation(self.a2)
        return self.h2

    def predict(self, X: Any) -> Any:
        """Return the class of the largest output for each sample, shape (n_samples,)."""
        return self.forward(X).argmax(axis=0)

    def backward(self, X: Any, y: Any, d: Any) -> tuple[Any, ...]:
        """Return the derivatives of the loss, ``(d_W1, d_b1, d_W2, d_b2)``, summed over the samples."""
        delta2 = (y - d) * y * (1 - y)
        delta1 = (self.W2.T @ delta2) * self.h1 * (1 - self.h1)
        d_W2, d_b2 = delta2 @ self.h1.T, delta2.sum(axis=1, keepdims=True)
        d_W1, d_b1 = delta1 @ X.T, delta1.sum(axis=1, keepdims=True)
        return d_W1, d_b1, d_W2, d_b2

    def train_iteration(self, X: Any, d: Any, lr: float = 1e-2) -> float:
        """Take one step down the gradient; return the summed loss before it."""
        y = self.forward(X)
        d_W1, d_b1, d_W2, d_b2 = self.backward(X, y, d)
        self.W1 -= lr * d_W1
        self.b1 -= lr * d_b1
        self.W2 -= lr * d_W2
        self.b2 -= lr * d_b2
        return float(0.5 * np.sum((y - d) ** 2))

    def batches(self, X: Any, d: Any, batch_size: int) -> Iterator[tuple[Any, Any]]:
        """Yield the mini-batches of one epoch, (X, d) each, in a new order of the samples."""
        order = self.rng.permutation(X.shape[1])
        X, d = X[:, order], d[:, order]
        for b in range(0, X.shape[1], batch_size):
            yield X[:, b : b + batch_size], d[:, b : b + batch_size]

    def fit(self, X: Any, d: Any, batch_size: int, n_epochs: int = 10, lr: float = 1e-2) -> Any:
        """Train, by sum; return the mean loss per sample of each epoch, shape (n_epochs,)."""
        history = []
        for _ in range(n_epochs):
            loss = 0.0
            for X_batch, d_batch in self.batches(X, d, batch_size):
                loss += self.train_iteration(X_batch, d_batch, lr)
            history.append(loss / X.shape[1])
        return np.array(history)
