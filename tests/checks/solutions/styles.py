"""Right answers in honest styles that `answers.toml` lacks, each for one task: none may be refused."""

import numpy as np
from checks.solutions.matrices import Network, d_sigmoid, sigmoid
from checks.solutions.networks import InPlace, Single, Vectorised


def sigmoid_in_single(a):
    return np.float32(1) / (np.float32(1) + np.exp(-a.astype(np.float32)))


def sigmoid_in_place(a):
    result = -a
    np.exp(result, out=result)
    result += 1
    return np.divide(1, result, out=result)


def d_sigmoid_that_prints(a):
    print("a", a.shape)
    return sigmoid(a) * (1 - sigmoid(a))


def squared_error_as_matrix(y, d):
    return np.array([[0.5 * np.linalg.norm(y - d) ** 2]])


def d_relu_by_heaviside(a):
    return np.heaviside(a, 0.5)


class Private(Network):
    """Keeps no sums, and what it keeps has other names."""

    def forward(self, X):
        self._hidden = sigmoid(self.W1 @ X + self.b1)
        self._y = sigmoid(self.W2 @ self._hidden + self.b2)
        return self._y

    def backward(self, X, y, d):
        e2 = (self._y - d) * self._y * (1 - self._y)
        e1 = self.W2.T @ e2 * self._hidden * (1 - self._hidden)
        ones = np.ones((X.shape[1], 1))
        return e1 @ X.T, e1 @ ones, e2 @ self._hidden.T, e2 @ ones


class Bundled(Network):
    """Gradients in a list of its own and a generator; one sample after the other."""

    def predict(self, X):
        return np.array([int(np.argmax(self.forward(X[:, [k]]))) for k in range(X.shape[1])])

    def backward(self, X, y, d):
        total = [np.zeros_like(p) for p in (self.W1, self.b1, self.W2, self.b2)]
        for k in range(X.shape[1]):
            x, out = X[:, [k]], y[:, [k]]
            e2 = (out - d[:, [k]]) * d_sigmoid(self.a2[:, [k]])
            e1 = (self.W2.T @ e2) * d_sigmoid(self.a1[:, [k]])
            for whole, part in zip(
                total, (np.outer(e1, x), e1, np.outer(e2, self.h1[:, k]), e2), strict=True
            ):
                whole += part
        return total

    def train_iteration(self, X, d, lr=1e-2):
        y = self.forward(X)
        for parameter, g in zip((self.W1, self.b1, self.W2, self.b2), self.backward(X, y, d), strict=True):
            parameter[...] -= lr * g
        return np.array(((y - d) ** 2).sum() / 2)


class Views(Network):
    """Columns taken as lists of numbers, views of shuffled copies, the short batch by itself, keywords."""

    def fit(self, X, d, batch_size, n_epochs=10, lr=1e-2):
        n, history = len(X.T), []
        both = np.vstack([X, d]).T.copy()
        for _ in range(n_epochs):
            np.random.default_rng().shuffle(both)
            losses = []
            full = n // batch_size
            for part in np.split(both, np.arange(1, full + 1) * batch_size):
                if len(part):
                    losses.append(self.train_iteration(d=part.T[len(X) :], X=part.T[: len(X)], lr=lr))
            history += [np.sum(losses) / n]
        return tuple(history)


class Inline(Network):
    """Sets its weights where it is made, has more attributes than asked for, trains in one method."""

    init_weights = None

    def __init__(self, n_input, n_hidden, n_output, activation=sigmoid, verbose=False):
        self.W1 = 0.3 * (np.random.rand(n_hidden, n_input) - 0.5)
        self.b1 = np.random.rand(n_hidden, 1) - 0.5
        self.W2 = 0.3 * (np.random.rand(n_output, n_hidden) - 0.5)
        self.b2 = np.random.rand(n_output, 1) - 0.5
        self.history, self.activation, self.verbose = [], activation, verbose
        self.generator = np.random.RandomState(3)

    def train_iteration(self, X, d, lr=1e-2):
        y = self.forward(X)
        loss = np.sum((y - d) ** 2) / 2
        e2 = (y - d) * d_sigmoid(self.a2)
        e1 = self.W2.T @ e2 * d_sigmoid(self.a1)  # with the weights before the step
        self.W2, self.b2 = self.W2 - lr * e2 @ self.h1.T, self.b2 - lr * e2.sum(1)[:, None]
        self.W1, self.b1 = self.W1 - lr * e1 @ X.T, self.b1 - lr * e1.sum(1)[:, None]
        return loss


NETWORKS = Vectorised, InPlace, Single, Private, Bundled, Views, Inline
FUNCTIONS = {
    "sigmoid": (sigmoid_in_single, sigmoid_in_place),
    "d_sigmoid": (d_sigmoid_that_prints,),
    "squared_error": (squared_error_as_matrix,),
    "d_squared_error": (np.subtract,),
    "d_relu": (d_relu_by_heaviside,),
}
