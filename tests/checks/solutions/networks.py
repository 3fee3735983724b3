"""The exercise as students hand it in: three honest ways to train, with the passes of the solution in matrices."""

import numpy as np
from checks.solutions.matrices import Network, sigmoid, squared_error


class Vectorised(Network):
    """Matrix code; new arrays take the old ones' names; the history is a list."""

    def __init__(self, n_input, n_hidden, n_output):
        self.n_input, self.n_hidden, self.n_output = n_input, n_hidden, n_output
        self.init_weights()

    def init_weights(self):
        self.W1 = np.random.uniform(-1, 1, (self.n_hidden, self.n_input)) / np.sqrt(self.n_input)
        self.b1 = np.zeros((self.n_hidden, 1))
        self.W2 = np.random.uniform(-1, 1, (self.n_output, self.n_hidden)) / np.sqrt(self.n_hidden)
        self.b2 = np.zeros((self.n_output, 1))

    def train_iteration(self, X, d, lr=1e-2):
        y = self.forward(X)
        d_W1, d_b1, d_W2, d_b2 = self.backward(X, y, d)
        self.W1 = self.W1 - lr * d_W1
        self.b1 = self.b1 - lr * d_b1
        self.W2 = self.W2 - lr * d_W2
        self.b2 = self.b2 - lr * d_b2
        return squared_error(y, d)

    def fit(self, X, d, batch_size, n_epochs=10, lr=1e-2):
        losses = []
        n_samples = X.shape[1]
        for _ in range(n_epochs):
            order = np.random.permutation(n_samples)
            X, d = X[:, order], d[:, order]
            loss = 0
            for b in range(0, n_samples, batch_size):
                loss += self.train_iteration(X[:, b : b + batch_size], d[:, b : b + batch_size], lr=lr)
            losses.append(loss / n_samples)
        return losses


class InPlace(Vectorised):
    """Single precision, changed in place, normal weights; an array as history; no predict."""

    predict = None

    def init_weights(self):
        rng = np.random.default_rng(1)
        self.W1 = rng.normal(0, 0.1, (self.n_hidden, self.n_input)).astype(np.float32)
        self.b1 = rng.normal(0, 0.1, (self.n_hidden, 1)).astype(np.float32)
        self.W2 = rng.normal(0, 0.1, (self.n_output, self.n_hidden)).astype(np.float32)
        self.b2 = rng.normal(0, 0.1, (self.n_output, 1)).astype(np.float32)

    def train_iteration(self, X, d, lr=1e-2):
        y = self.forward(X)
        gradients = self.backward(X, y, d)
        for parameter, gradient in zip((self.W1, self.b1, self.W2, self.b2), gradients, strict=True):
            parameter -= lr * gradient
        return float(squared_error(y, d))

    def fit(self, X, d, batch_size=512, n_epochs=5, lr=1e-2):
        history = np.zeros(n_epochs)
        indices = np.arange(X.shape[1])
        for epoch in range(n_epochs):
            np.random.shuffle(indices)
            for batch in np.split(indices, range(batch_size, len(indices), batch_size)):
                history[epoch] += self.train_iteration(X[:, batch], d[:, batch], lr)
        return history / len(indices)


class Single(Vectorised):
    """Computes in single precision whatever it is given."""

    def init_weights(self):
        super().init_weights()
        self.W1, self.W2 = self.W1.astype(np.float32), self.W2.astype(np.float32)

    def forward(self, X):
        self.a1 = (self.W1 @ X + self.b1).astype(np.float32)
        self.h1 = sigmoid(self.a1)
        self.a2 = (self.W2 @ self.h1 + self.b2).astype(np.float32)
        return sigmoid(self.a2)


SOLUTIONS = Vectorised, InPlace, Single


class Silent(Vectorised):
    """Keeps no weighted sums."""

    output, loss = "softmax", "cross_entropy"

    def forward(self, X):
        e = np.exp(self.W2 @ sigmoid(self.W1 @ X + self.b1) + self.b2)
        return e / e.sum(axis=0)

    def backward(self, X, y, d):
        h1, delta2 = sigmoid(self.W1 @ X + self.b1), y - d
        delta1 = (self.W2.T @ delta2) * h1 * (1 - h1)
        sums = (delta.sum(axis=1, keepdims=True) for delta in (delta1, delta2))
        return delta1 @ X.T, next(sums), delta2 @ h1.T, next(sums)
