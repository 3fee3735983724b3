"""Measuring a network's quality: on the samples it has learned, or on others."""

from typing import Any

from numpy.typing import NDArray

from explorer.checks.exercise import Network
from explorer.network import NeuralNetwork, accuracy

__all__ = ["Samples", "on_test", "on_train"]

Samples = tuple[NDArray[Any], NDArray[Any]]
"""Inputs of shape (n_input, n_samples) and the labels, shape (n_samples,)."""


def on_train(network: NeuralNetwork | Network, train: Samples, test: Samples) -> float:
    """Return the test accuracy, 0 to 1. Wrong: it is measured on the samples that the network has learned."""
    X, labels = train  # WRONG: the network has learned these
    return accuracy(labels, network.predict(X))


def on_test(network: NeuralNetwork | Network, train: Samples, test: Samples) -> float:
    """Return the test accuracy, 0 to 1, on samples that the network has never seen."""
    X, labels = test  # the network has never seen these
    return accuracy(labels, network.predict(X))
