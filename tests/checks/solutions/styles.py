"""Right answers in many honest styles, each for one task: none may be refused."""

import numpy as np
from checks.solutions.matrices import Network, d_sigmoid, sigmoid
from checks.solutions.networks import InPlace, Single, Vectorised


def stable_sigmoid(a):
    return np.exp(-np.logaddexp(0, -a))


def sigmoid_by_tanh(a):
    return 0.5 * (1 + np.tanh(a / 2))


def sigmoid_by_masks(a):
    result = np.empty(a.shape)
    result[a >= 0] = 1 / (1 + np.exp(-a[a >= 0]))
    e = np.exp(a[a < 0])
    result[a < 0] = e / (1 + e)
    return result


def sigmoid_that_clips(a):
    return 1 / (1 + np.exp(-np.clip(a, -500, 500)))


def sigmoid_in_single(a):
    return np.float32(1) / (np.float32(1) + np.exp(-a.astype(np.float32)))


def sigmoid_in_place(a):
    result = -a
    np.exp(result, out=result)
    result += 1
    return np.divide(1, result, out=result)


sigmoid_by_elements = np.vectorize(lambda value: 1 / (1 + np.exp(-value)))
sigmoid_by_elements.__name__ = "sigmoid"


def d_sigmoid_by_exponentials(a):
    return np.exp(-np.abs(a)) / (1 + np.exp(-np.abs(a))) ** 2


def d_sigmoid_that_prints(a):
    print("a", a.shape)
    return sigmoid(a) * (1 - sigmoid(a))


def squared_error_by_dot(y, d):
    e = (y - d).ravel()
    return e @ e / 2


def squared_error_as_matrix(y, d):
    return np.array([[0.5 * np.linalg.norm(y - d) ** 2]])


def squared_error_by_samples(y, d):
    return sum(0.5 * np.sum((y[:, k] - d[:, k]) ** 2) for k in range(y.shape[1]))


def d_squared_error_negated(y, d):
    return -(d - y)


def softmax_by_logarithms(a):
    return np.exp(a - np.logaddexp.reduce(a, axis=0))


def softmax_of_rows(a):
    e = np.exp(a.T - a.T.max(1)[:, None])
    return (e / e.sum(1)[:, None]).T


def cross_entropy_clipped(y, d):
    return -np.sum(np.log(np.clip(y, 1e-7, 1))[d == 1])


def cross_entropy_where(y, d):
    return -np.sum(np.log(y, where=d > 0, out=np.zeros_like(y)))


def leaky_nowhere(a):
    return np.where(a < 0, 0, a)


def d_relu_by_heaviside(a):
    return np.heaviside(a, 0.5)


class Rows(Vectorised):
    """Computes with samples in rows inside."""

    def forward(self, X):
        self.a1 = (X.T @ self.W1.T + self.b1.ravel()).T
        self.h1 = sigmoid(self.a1)
        self.a2 = (self.h1.T @ self.W2.T + self.b2.ravel()).T
        return sigmoid(self.a2)


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


class WithoutReplacement(Network):
    """Draws the columns that are left."""

    def fit(self, X, d, batch_size, n_epochs=10, lr=1e-2):
        history = []
        for _ in range(n_epochs):
            left, loss = set(range(X.shape[1])), 0.0
            while left:
                batch = np.random.choice(sorted(left), min(batch_size, len(left)), replace=False)
                left -= set(batch.tolist())
                loss += self.train_iteration(X[:, batch], d[:, batch], lr)
            history.append(loss / X.shape[1])
        return history


class Inline(Network):
    """Sets its weights where it is made, has more attributes than asked for, trains in one method."""

    init_weights = None

    def __init__(self, n_input, n_hidden, n_output, activation=sigmoid, verbose=False):
        self.W1 = np.random.rand(n_hidden, n_input) - 0.5
        self.b1 = np.random.rand(n_hidden, 1) - 0.5
        self.W2 = np.random.rand(n_output, n_hidden) - 0.5
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


NETWORKS = Vectorised, InPlace, Single, Rows, Private, Bundled, Views, WithoutReplacement, Inline
FUNCTIONS = {
    "sigmoid": (stable_sigmoid, sigmoid_by_tanh, sigmoid_by_masks, sigmoid_that_clips, sigmoid_in_single,
                sigmoid_in_place, sigmoid_by_elements),
    "d_sigmoid": (d_sigmoid_by_exponentials, d_sigmoid_that_prints),
    "squared_error": (squared_error_by_dot, squared_error_as_matrix, squared_error_by_samples),
    "d_squared_error": (d_squared_error_negated, np.subtract),
    "softmax": (softmax_by_logarithms, softmax_of_rows),
    "cross_entropy": (cross_entropy_clipped, cross_entropy_where),
    "relu": (leaky_nowhere,),
    "d_relu": (d_relu_by_heaviside,),
}  # fmt: skip
