"""The exercise's answers as a textbook has them: one hidden layer, sigmoids, squared error, samples in columns.

Nothing here checks a shape or a type: it is what a student writes. Each known mistake is this file with a line
changed (`mistakes`), and what comes out of that is compared with what a student's answer gives.
"""

import tarfile
from collections.abc import Sequence
from itertools import pairwise
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LayeredNetwork",
    "Network",
    "cross_entropy",
    "d_relu",
    "d_sigmoid",
    "d_squared_error",
    "evaluate",
    "load_digits",
    "relu",
    "sigmoid",
    "softmax",
    "squared_error",
]

Array = NDArray[Any]


def sigmoid(a: Array) -> Any:
    """Return 1 / (1 + e⁻ᵃ), of the shape of `a`, in [0, 1]."""
    with np.errstate(over="ignore"):  # 1 / ∞ is the 0 that is meant
        return 1 / (1 + np.exp(-a))


def d_sigmoid(a: Array) -> Any:
    """Return σ′(a) = σ(a)(1 − σ(a)), of the shape of `a`, in [0, 0.25]."""
    h = sigmoid(a)
    return h * (1 - h)


def squared_error(y: Array, d: Array) -> float:
    """Return ½ Σ (y − d)², at least 0; a sum over everything."""
    return float(0.5 * np.sum((y - d) ** 2))


def d_squared_error(y: Array, d: Array) -> Array:
    """Return the derivative of the squared error with respect to `y`, of their shape."""
    return y - d


class Network:
    """A network with one hidden layer; the seed decides its initial weights and the order of samples in `fit`."""

    def __init__(self, n_input: int, n_hidden: int, n_output: int, *, seed: int | None = None) -> None:
        self.sizes = n_input, n_hidden, n_output
        self.rng = np.random.default_rng(seed)
        self.init_weights()

    def init_weights(self) -> None:
        """Draw new weights, and set the biases to 0."""
        n_input, n_hidden, n_output = self.sizes
        r1, r2 = np.sqrt(6 / (n_input + n_hidden)), np.sqrt(6 / (n_hidden + n_output))
        self.W1 = self.rng.uniform(-r1, r1, (n_hidden, n_input))
        self.b1 = np.zeros((n_hidden, 1))
        self.W2 = self.rng.uniform(-r2, r2, (n_output, n_hidden))
        self.b2 = np.zeros((n_output, 1))

    def forward(self, X: Array) -> Any:
        """Return the outputs, shape (n_output, n); keep the sums and the hidden activations."""
        self.a1 = self.W1 @ X + self.b1
        self.h1 = sigmoid(self.a1)
        self.a2 = self.W2 @ self.h1 + self.b2
        return sigmoid(self.a2)

    def predict(self, X: Array) -> Array:
        """Return the class with the largest output, shape (n,)."""
        y = self.forward(X)
        return np.asarray(np.argmax(y, axis=0))

    def backward(self, X: Array, y: Array, d: Array) -> tuple[Array, ...]:
        """Return the gradient, ``(d_W1, d_b1, d_W2, d_b2)``, summed over the samples."""
        delta2 = d_squared_error(y, d) * d_sigmoid(self.a2)
        d_W2 = delta2 @ self.h1.T
        d_b2 = delta2.sum(axis=1, keepdims=True)
        delta1 = (self.W2.T @ delta2) * d_sigmoid(self.a1)
        d_W1 = delta1 @ X.T
        d_b1 = delta1.sum(axis=1, keepdims=True)
        return d_W1, d_b1, d_W2, d_b2

    def train_iteration(self, X: Array, d: Array, lr: float = 1e-2) -> float:
        """Take one step of gradient descent; return the summed loss before it."""
        y = self.forward(X)
        loss = squared_error(y, d)
        d_W1, d_b1, d_W2, d_b2 = self.backward(X, y, d)
        self.W2 = self.W2 - lr * d_W2
        self.b2 = self.b2 - lr * d_b2
        self.W1 = self.W1 - lr * d_W1
        self.b1 = self.b1 - lr * d_b1
        return loss

    def fit(self, X: Array, d: Array, batch_size: int, n_epochs: int = 10, lr: float = 1e-2) -> Array:
        """Train; return the mean loss per sample of each epoch, shape (n_epochs,)."""
        n_samples, history = X.shape[1], []
        for _ in range(n_epochs):
            loss = 0.0
            order = self.rng.permutation(n_samples)
            for b in range(0, n_samples, batch_size):
                batch = order[b : b + batch_size]
                X_batch, d_batch = X[:, batch], d[:, batch]
                loss += self.train_iteration(X_batch, d_batch, lr)
            history.append(loss / n_samples)
        return np.array(history)


def load_digits(path: str) -> tuple[Array, ...]:
    """Return X_train, Y_train, train_labels, X_test, Y_test, test_labels of the exercise's archive."""
    with TemporaryDirectory() as folder:
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
        names = "train-images", "train-labels", "test-images", "test-labels"
        train, train_labels, test, test_labels = (np.load(f"{folder}/mnist-{name}.npy") for name in names)
    X_train, X_test = (images.reshape(len(images), -1).T / 255 for images in (train, test))
    Y_train, Y_test = (np.eye(10)[:, labels] for labels in (train_labels, test_labels))
    return X_train, Y_train, train_labels, X_test, Y_test, test_labels


def evaluate(
    network: Network, X_train: Array, train_labels: Array, X_test: Array, test_labels: Array
) -> tuple[float, float, Array]:
    """Return train accuracy, test accuracy, and the test images' confusion matrix, rows = true class."""
    train_predicted, predicted = network.predict(X_train), network.predict(X_test)
    train_accuracy = np.mean(train_predicted == train_labels)
    test_accuracy = np.mean(predicted == test_labels)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (test_labels, predicted), 1)
    return float(train_accuracy), float(test_accuracy), confusion


def softmax(a: Array) -> Array:
    """Return eᵃⁱ / Σⱼ eᵃʲ over axis 0: every column sums to 1."""
    e = np.exp(a - a.max(axis=0))
    return np.asarray(e / e.sum(axis=0))


def cross_entropy(y: Array, d: Array) -> float:
    """Return −Σ d log y, at least 0; an output of 0 costs much, but not infinity."""
    return float(-np.sum(d * np.log(np.maximum(y, 1e-300))))


def relu(a: Array) -> Array:
    """Return the larger of 0 and `a`, of its shape."""
    return np.maximum(0, a)


def d_relu(a: Array) -> Array:
    """Return 1 where a > 0, else 0, of its shape."""
    return np.where(a > 0, 1.0, 0.0)


class LayeredNetwork:
    """A network with any number of hidden layers of relu, and a softmax with cross-entropy."""

    hidden_activation, output, loss = "relu", "softmax", "cross_entropy"

    def __init__(self, n_input: int, n_hidden: Sequence[int], n_output: int) -> None:
        self.rng = np.random.default_rng()
        self.numbers = range(1, len(n_hidden) + 2)
        for number, (n_in, n_out) in enumerate(pairwise((n_input, *n_hidden, n_output)), 1):
            setattr(self, f"W{number}", self.rng.normal(0, np.sqrt(2 / n_in), (n_out, n_in)))
            setattr(self, f"b{number}", np.zeros((n_out, 1)))

    def forward(self, X: Array) -> Array:
        """Return the outputs, shape (n_output, n); keep the sums and activations of each layer."""
        self.a, self.h = {}, {0: X}
        for number in self.numbers:
            W, b = getattr(self, f"W{number}"), getattr(self, f"b{number}")
            self.a[number] = W @ self.h[number - 1] + b
            self.h[number] = relu(self.a[number])
        return softmax(self.a[number])

    def backward(self, X: Array, y: Array, d: Array) -> tuple[Array, ...]:
        """Return the gradient, ``(d_W1, d_b1, d_W2, d_b2, …)``, summed over the samples."""
        delta, gradients = y - d, list[Array]()
        for number in reversed(self.numbers):
            gradients = [delta @ self.h[number - 1].T, delta.sum(axis=1, keepdims=True), *gradients]
            if number > 1:
                delta = (getattr(self, f"W{number}").T @ delta) * d_relu(self.a[number - 1])
        return tuple(gradients)
