# %%
import numpy as np

from explorer import Explorer


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def slope(a):
    return sigmoid(a) * (1 - sigmoid(a))


class Mine:
    def __init__(self, n_input, n_hidden, n_output):
        rng = np.random.default_rng(1)
        self.W1, self.b1 = rng.normal(0, 0.05, (n_hidden, n_input)), np.zeros((n_hidden, 1))
        self.W2, self.b2 = rng.normal(0, 0.2, (n_output, n_hidden)), np.zeros((n_output, 1))

    def forward(self, X):
        self.a1 = self.W1 @ X + self.b1
        self.h1 = sigmoid(self.a1)
        self.a2 = self.W2 @ self.h1 + self.b2
        return sigmoid(self.a2)

    def backward(self, X, y, d):
        delta2 = (y - d) * slope(self.a2)
        delta1 = self.W2.T @ delta2
        sums = [delta.sum(axis=1, keepdims=True) for delta in (delta1, delta2)]
        return delta1 @ X.T, sums[0], delta2 @ self.h1.T, sums[1]

    def train_iteration(self, X, d, lr=0.01):
        y = self.forward(X)
        for name, step in zip(("W1", "b1", "W2", "b2"), self.backward(X, y, d), strict=True):
            setattr(self, name, getattr(self, name) - lr * step)
        return 0.5 * np.sum((y - d) ** 2)

    def fit(self, X, d, batch_size, n_epochs=10, lr=0.01):
        for start in range(0, X.shape[1], batch_size):
            self.train_iteration(X[:, start : start + batch_size], d[:, start : start + batch_size], lr)


# %%
display(Explorer(network=Mine, epochs=3, n_train=6000, batch_size=100))  # noqa: F821  # IPython has it
