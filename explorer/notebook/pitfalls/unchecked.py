"""The exercise's network as students write it: the right formulas, and nothing that checks a shape.

`NeuralNetwork` refuses an array of the wrong shape. A mistake that has to run to its end to be seen is made here.
"""

from typing import Any

import numpy as np

from explorer.network import NeuralNetwork
from explorer.network.activations import d_sigmoid, sigmoid

__all__ = ["Unchecked"]


class Unchecked(NeuralNetwork):
    """A network with one hidden layer, sigmoids and squared error that computes with whatever it gets."""

    def forward(self, X: Any) -> Any:
        """Return the outputs, shape (n_output, n)."""
        self.a1 = self.W1 @ X + self.b1
        self.h1 = sigmoid(self.a1)
        self.a2 = self.W2 @ self.h1 + self.b2
        return sigmoid(self.a2)

    def backward(self, X: Any, y: Any, d: Any) -> tuple[Any, ...]:
        """Return the gradient, ``(d_W1, d_b1, d_W2, d_b2)``, summed over the samples."""
        delta2 = (y - d) * d_sigmoid(self.a2)
        delta1 = (self.W2.T @ delta2) * d_sigmoid(self.a1)
        d_b1, d_b2 = delta1.sum(axis=1, keepdims=True), delta2.sum(axis=1, keepdims=True)
        return delta1 @ X.T, d_b1, delta2 @ self.h1.T, d_b2

    def train_iteration(self, X: Any, d: Any, lr: float = 1e-2) -> float:
        """Take one step of gradient descent; return the summed loss before it."""
        y = self.forward(X)
        for parameter, gradient in zip(self.parameters, self.backward(X, y, d), strict=True):
            parameter -= lr * gradient
        return float(0.5 * np.sum((y - d) ** 2))

    def fit(self, X: Any, d: Any, batch_size: int, n_epochs: int = 10, lr: float = 1e-2) -> Any:
        """Train; return the mean loss per sample of each epoch, shape (n_epochs,)."""
        n, history = X.shape[1], []
        for _ in range(n_epochs):
            order, loss = self.rng.permutation(n), 0.0
            for b in range(0, n, batch_size):
                batch = order[b : b + batch_size]
                loss += self.train_iteration(X[:, batch], d[:, batch], lr)
            history.append(loss / n)
        return np.array(history)
