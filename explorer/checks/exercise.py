"""The exercise's answers: the textbook's formulas, and two functions on images that the textbook lacks."""

import tarfile
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.network.activations import d_relu, d_sigmoid, relu, sigmoid, softmax
from explorer.network.losses import cross_entropy, d_squared_error, squared_error
from explorer.network.network import Network as Textbook
from explorer.network.neural_network import Layers

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


class Network(Layers, Textbook):
    """The exercise's network: sigmoids, the squared error, and the names W1, b1, …, provided by `Layers`."""


class LayeredNetwork(Layers, Textbook):
    """The network of the last task: hidden layers of relu, a softmax with cross-entropy, and the same names."""

    def __init__(self, n_input: int, n_hidden: Any, n_output: int) -> None:
        names: Any = {"hidden_activation": "relu", "output": "softmax", "loss": "cross_entropy"}
        super().__init__(n_input, n_hidden, n_output, initializer="he", **names)


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
    network: Textbook, X_train: Array, train_labels: Array, X_test: Array, test_labels: Array
) -> tuple[float, float, Array]:
    """Return train accuracy, test accuracy, and the test images' confusion matrix, rows = true class."""
    train_predicted, predicted = network.predict(X_train), network.predict(X_test)
    train_accuracy = np.mean(train_predicted == train_labels)
    test_accuracy = np.mean(predicted == test_labels)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (test_labels, predicted), 1)
    return float(train_accuracy), float(test_accuracy), confusion
