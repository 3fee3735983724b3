"""The network that the sections look into, and the held-out images that they try it on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.view_state import ViewState
from explorer.datasets import Dataset
from explorer.network import NeuralNetwork
from explorer.session import SessionRun
from explorer.training import Snapshot
from explorer.training.own_network import OwnNetworkError, departs
from explorer.training.process_settings import one_blas_thread

__all__ = ["Probe", "Subject", "Subjects", "probe", "probe_size"]

Weights = tuple[NDArray[np.floating[Any]], ...]

_MOST_PRODUCTS = 2**25  # weights times samples that a pass may have: about a millisecond


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A network at one moment. Two are equal only if they are one object."""

    run: SessionRun
    """The run that it comes from."""
    weights: Weights
    """``(W1, b1, W2, b2, …)`` at this moment."""
    first: Weights
    """The first weights of the run, or of the run that it was forked from."""
    epoch: float
    """Epochs so far; where only the first weights are known, those before them: 0 unless a file says more."""
    test_outputs: NDArray[np.floating[Any]] | None
    """Outputs for the held-out images, shape (n_classes, n_test); None before the first epoch has ended."""
    _network: NeuralNetwork

    @property
    def n_layers(self) -> int:
        """Layers, the output layer included."""
        return len(self.weights) // 2

    @property
    def layer_names(self) -> tuple[str, ...]:
        """``"layer 1"``, …, ``"output"``."""
        return (*(f"layer {number}" for number in range(1, self.n_layers)), "output")

    @property
    def n_parameters(self) -> int:
        """Weights and biases."""
        return self._network.n_parameters

    @property
    def differs(self) -> str:
        """Why formulas would not say what the network does; empty where they do."""
        own = self.run.own
        try:
            if own is None or not departs(self._network):
                return ""
        except OwnNetworkError as error:
            return str(error)
        return f"The passes of {own.name} are not those of the textbook's formulas with its weights"

    @contextmanager
    def network(self, weights: Weights | None = None) -> Iterator[NeuralNetwork]:
        """Lend the network with the weights of this moment, or with others of the run.

        Its passes run in one BLAS thread: where other processes compute too, two take ten times as long.
        """
        with one_blas_thread():
            self._network.set_weights(self.weights if weights is None else weights)
            yield self._network


class Subjects:
    """Gives the subject of each state, the same one for the same moment."""

    def __init__(self) -> None:
        self._newest: Subject | None = None
        self._snapshot: Snapshot | None = None

    def of(self, state: ViewState) -> Subject | None:
        """Return what there is to look into: the moment, or before the first one the first weights.

        It is None without a run, and where the weights of somebody's own network are not known.
        """
        run = state.run
        if run is None:
            return None
        snapshot = None if state.moment is None else state.moment.snapshot
        if run.own is not None and not run.first_weights:
            return None
        last = self._newest
        same_run = last is not None and last.run.key == run.key
        if last is None or not same_run or self._snapshot is not snapshot:
            network, first = (last._network, last.first) if last and same_run else _beginning(run)
            begun = first, float(run.root.first_epoch)
            weights, epoch = begun if snapshot is None else (snapshot.weights, snapshot.epoch)
            outputs = None if snapshot is None else snapshot.test_outputs
            self._newest = Subject(run, weights, first, epoch, outputs, network)
            self._snapshot = snapshot
        return self._newest


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Held-out images as the network takes them."""

    X: NDArray[np.float32]
    """One image a column, in [0, 1], shape (n_inputs, n_samples)."""
    d: NDArray[np.float32]
    """Their classes, one-hot, shape (n_classes, n_samples)."""

    @property
    def n_samples(self) -> int:
        """Images."""
        return len(self.X.T)


def probe(dataset: Dataset, n: int) -> Probe:
    """Return the first `n` held-out images, without the float copy of all that `X_test` is."""
    pixels = dataset.test_images[:n].reshape(-1, dataset.n_inputs)
    labels = dataset.test_labels[:n]
    one_hot = np.eye(dataset.n_classes, dtype=np.float32)[labels]
    return Probe(np.divide(pixels, np.float32(255), dtype=np.float32).T, one_hot.T)


def probe_size(n_parameters: int, *, most: int, least: int, products: int = _MOST_PRODUCTS) -> int:
    """Return how many images can be tried without keeping the page waiting: fewer in a larger network."""
    return min(most, max(least, products // n_parameters))


def _beginning(run: SessionRun) -> tuple[NeuralNetwork, Weights]:
    """Return a network of the run's layers, and the first weights that all its training began with."""
    network, root = run.new_network(), run.root
    if root.first_weights is not None:
        return network, root.first_weights
    n_inputs, *n_hidden, n_outputs = network.layer_sizes  # those of the root: its weights fitted
    begun = NeuralNetwork(
        n_inputs, n_hidden, n_outputs, initializer=root.config.initializer, seed=root.config.seed
    )
    return network, begun.weights()
