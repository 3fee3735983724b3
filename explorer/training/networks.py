"""The network that a run trains, made from its settings, and the samples that it is given."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.network import NeuralNetwork
from explorer.training.config import TrainingConfig

Array = NDArray[Any]

NETWORK_SETTINGS = (
    "hidden_activation", "output", "loss", "initializer", "optimizer", "l2", "l1", "dropout", "input_dropout",
    "max_norm", "seed",
)  # fmt: skip
"""Settings that the textbook network accepts; a user's class decides for itself about those it doesn't accept."""


class OwnNetworkError(RuntimeError):
    """A user-defined network can't do an operation; the message is one sentence for its author."""


def new_network(config: TrainingConfig, dataset: Dataset) -> NeuralNetwork:
    """Return a network for the data set with the config's sizes and settings, freshly initialized."""
    settings = {name: getattr(config, name) for name in NETWORK_SETTINGS}
    return NeuralNetwork(dataset.n_inputs, config.hidden_sizes, dataset.n_classes, **settings)


def samples(dataset: Dataset, chosen: Any = slice(None)) -> tuple[Array, Array]:
    """Return training images and one-hot targets as writable float32 columns: (n_inputs, n) and (n_classes, n)."""
    images, labels = dataset.train_images[chosen], dataset.train_labels[chosen]
    X = np.divide(images.reshape(len(images), -1), np.float32(255), dtype=np.float32).T
    return X, np.eye(dataset.n_classes, dtype=np.float32)[labels].T
