"""Networks as students write them, from the exercise's description alone."""

from threading import Event
from types import MappingProxyType

import numpy as np
from exercise_answers import pasted

from explorer.network import Layers

exec(pasted(), solved := {"__name__": __name__})


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def slope(a):
    return sigmoid(a) * (1 - sigmoid(a))


class Mine:
    def __init__(self, n_input, n_hidden, n_output, seed=None):
        self.rng = np.random.default_rng(seed)
        for layer, n_in, n_out in ((1, n_input, n_hidden), (2, n_hidden, n_output)):
            limit = np.sqrt(6 / (n_in + n_out))
            setattr(self, f"W{layer}", self.rng.uniform(-limit, limit, (n_out, n_in)))
            setattr(self, f"b{layer}", np.zeros((n_out, 1)))

    def forward(self, X):
        self.a1 = self.W1 @ X + self.b1
        self.h1 = sigmoid(self.a1)
        self.a2 = self.W2 @ self.h1 + self.b2
        return sigmoid(self.a2)

    def backward(self, X, y, d):
        delta2 = (y - d) * slope(self.a2)
        delta1 = (self.W2.T @ delta2) * slope(self.a1)
        sums = (delta.sum(axis=1, keepdims=True) for delta in (delta1, delta2))
        return delta1 @ X.T, next(sums), delta2 @ self.h1.T, next(sums)

    def train_iteration(self, X, d, lr=0.01):
        y = self.forward(X)
        steps = self.backward(X, y, d)
        for name, step in zip(("W1", "b1", "W2", "b2"), steps, strict=True):
            setattr(self, name, getattr(self, name) - lr * step)
        return 0.5 * np.sum((y - d) ** 2)

    def fit(self, X, d, batch_size, n_epochs=10, lr=0.01):
        n = X.shape[1]
        for _ in range(n_epochs):
            order = self.rng.permutation(n)
            for start in range(0, n, batch_size):
                batch = order[start : start + batch_size]
                self.train_iteration(X[:, batch], d[:, batch], lr)


class Named(Layers, Mine):
    """Has the lists W, b, a, h as well, as the exercise's given class does."""


class Pasted(solved["Network"]):
    """The exercise's class with every method pasted from the solutions."""

    def __init__(self, n_input, n_hidden, n_output, seed=None):
        super().__init__(n_input, n_hidden, n_output)
        self.rng = np.random.default_rng(seed)
        self.init_weights()


class SlopeForgotten(Mine):
    def backward(self, X, y, d):
        delta2 = (y - d) * slope(self.a2)
        delta1 = self.W2.T @ delta2
        sums = (delta.sum(axis=1, keepdims=True) for delta in (delta1, delta2))
        return delta1 @ X.T, next(sums), delta2 @ self.h1.T, next(sums)


class Rectified(Mine):
    """Has other functions than the exercise's network, and says so."""

    functions = MappingProxyType({"hidden_activation": "relu", "output": "softmax", "loss": "cross_entropy"})

    def forward(self, X):
        self.a1 = self.W1 @ X + self.b1
        self.h1 = np.maximum(0, self.a1)
        e = np.exp(self.W2 @ self.h1 + self.b2)
        return e / e.sum(axis=0)

    def backward(self, X, y, d):
        delta2 = y - d
        delta1 = (self.W2.T @ delta2) * (self.a1 > 0)
        sums = (delta.sum(axis=1, keepdims=True) for delta in (delta1, delta2))
        return delta1 @ X.T, next(sums), delta2 @ self.h1.T, next(sums)


class Mismatched(Mine):
    def backward(self, X, y, d):
        return X @ y


class Sideways(Mine):
    """Has its weights the other way round, and no backward."""

    backward = None

    def __init__(self, n_input, n_hidden, n_output):
        super().__init__(n_input, n_hidden, n_output, seed=0)
        self.W1, self.W2, self.b1, self.b2 = self.W1.T, self.W2.T, self.b1.ravel(), self.b2.ravel()

    def forward(self, X):
        self.h1 = sigmoid(X.T @ self.W1 + self.b1)
        return sigmoid(self.h1 @ self.W2 + self.b2).T

    def train_iteration(self, X, d, lr=0.01):
        y = self.forward(X)
        self.W2 = self.W2 - lr * self.h1.T @ ((y - d) * y * (1 - y)).T
        return 0.5 * np.sum((y - d) ** 2)


class Endless(Mine):
    """Calls nothing that it could be left in, until a test releases it."""

    entered, released = Event(), Event()

    def train_iteration(self, X, d, lr=0.01):
        self.entered.set()
        self.released.wait()
        return super().train_iteration(X, d, lr)


class OnlySteps:
    """Keeps its weights under names of its own, and has no `fit`."""

    def __init__(self, n_input, n_hidden, n_output):
        self.inner = Mine(n_input, n_hidden, n_output, seed=0)

    def forward(self, X):
        return self.inner.forward(X)

    def train_iteration(self, X, d, lr):
        return self.inner.train_iteration(X, d, lr)


class Renamed(OnlySteps):
    """The same with a `fit`."""

    def fit(self, X, d, batch_size, n_epochs, lr):
        for start in range(0, X.shape[1], batch_size):
            self.train_iteration(X[:, start : start + batch_size], d[:, start : start + batch_size], lr)
