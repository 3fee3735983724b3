"""A run of a network, epoch by epoch, in which each part can be replaced by its wrong variant."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.network import NeuralNetwork
from explorer.notebook.pitfalls.columns import transposed
from explorer.notebook.pitfalls.scores import Samples, on_test
from explorer.notebook.pitfalls.targets import one_hot
from explorer.training.process_settings import one_blas_thread

__all__ = ["NetworkRun", "reported_losses", "run"]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NetworkRun:
    """A network after its last epoch, and the course of its training.

    Parameters
    ----------
    network : NeuralNetwork
        The network itself.
    loss : ndarray of float, shape (n_epochs,)
        What `fit` returned for each epoch.
    accuracy : ndarray of float, shape (n_epochs,)
        What was reported as test accuracy after each epoch, 0 to 1.
    warned : tuple of str
        NumPy's warnings, each once.
    """

    network: NeuralNetwork
    loss: Array
    accuracy: Array
    warned: tuple[str, ...]

    def __repr__(self) -> str:
        name, share = type(self.network).__name__, 100 * self.accuracy[-1]
        return f"{name} after {len(self.loss)} epochs: test accuracy {share:.1f} %"


def run(
    network: NeuralNetwork,
    dataset: Dataset,
    *,
    columns: Callable[[Array], Array] = transposed,
    targets: Callable[[Array], Array] = one_hot,
    score: Callable[[NeuralNetwork, Samples, Samples], float] = on_test,
    batch_size: int = 128,
    n_epochs: int = 6,
    lr: float = 0.01,
) -> NetworkRun:
    """Train a network, and return it with its loss and accuracy after each epoch.

    Parameters
    ----------
    network : NeuralNetwork
        It is trained, so it changes.
    dataset : Dataset
        The images to learn from, and to test on.
    columns : callable
        Turns images into inputs.
    targets : callable
        Turns labels into targets.
    score : callable
        Returns what is reported as test accuracy, 0 to 1.
    batch_size, n_epochs, lr
        As `NeuralNetwork.fit` takes them.
    """
    X, d = columns(dataset.train_images), targets(dataset.train_labels)
    train, test = (X, dataset.train_labels), (columns(dataset.test_images), dataset.test_labels)
    losses, scored = list[float](), list[float]()
    with one_blas_thread(), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", RuntimeWarning)
        for _ in range(n_epochs):
            losses.extend(network.fit(X, d, batch_size, n_epochs=1, lr=lr))
            scored.append(score(network, train, test))
    return NetworkRun(
        network,
        np.array(losses),
        np.array(scored),
        tuple(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in warned)),
    )


def reported_losses(
    network: NeuralNetwork, dataset: Dataset, *, batch_size: int = 128, n_epochs: int = 6, lr: float = 0.01
) -> Array:
    """Train a network by a single call of its `fit`, and return the losses it reports, shape (n_epochs,).

    With the same settings the network learns exactly what it learns in `run`, which calls `fit` once an epoch.
    """
    X, d = transposed(dataset.train_images), one_hot(dataset.train_labels)
    with one_blas_thread():
        losses: Array = network.fit(X, d, batch_size, n_epochs=n_epochs, lr=lr)
    return losses
