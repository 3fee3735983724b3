"""The networks that panels look into, each at one moment of a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.network import NeuralNetwork
from explorer.session import SessionRun, SessionState
from explorer.training import OwnNetworkError, Snapshot
from explorer.training.own_network import departs
from explorer.training.process_settings import one_blas_thread

Weights = tuple[NDArray[np.floating[Any]], ...]


@dataclass(frozen=True, slots=True, eq=False)
class InspectedNetwork:
    """A network at one moment. Instances compare by identity."""

    run: SessionRun
    """The run that it belongs to."""
    weights: Weights
    """``(W1, b1, W2, b2, …)`` at this moment."""
    first: Weights
    """The initial weights of the run, or of the run that it was forked from."""
    epoch: float
    """Epochs so far; with only the initial weights, the epochs before them: 0 unless a file records more."""
    test_outputs: NDArray[np.floating[Any]] | None
    """Outputs for the held-out images, shape (n_classes, n_test); None within the first epoch."""
    _network: NeuralNetwork

    @property
    def n_layers(self) -> int:
        """Number of layers, including the output layer."""
        return len(self.weights) // 2

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases."""
        return self._network.n_parameters

    @property
    def differs(self) -> str:
        """Why the formulas would not describe the network; empty if they do."""
        own = self.run.own
        try:
            if own is None or not departs(self._network):
                return ""
        except OwnNetworkError as error:
            return str(error)
        functions = ", ".join(map(self.run.config.text, ("hidden_activation", "output", "loss")))
        return f"{own.name}'s forward or backward pass differs from the textbook's formulas ({functions})"

    @contextmanager
    def network(self, weights: Weights | None = None) -> Iterator[NeuralNetwork]:
        """Yield the network with the weights of this moment, or with others of the run.

        Its passes use one BLAS thread: while other processes compute, two threads take ten times as long.
        """
        with one_blas_thread():
            self._network.set_weights(self.weights if weights is None else weights)
            yield self._network


class InspectedNetworks:
    """Returns the network of each state, the same object for the same moment."""

    def __init__(self) -> None:
        self._newest: InspectedNetwork | None = None
        self._snapshot: Snapshot | None = None

    def of(self, state: SessionState) -> InspectedNetwork | None:
        """Return the network to inspect: at the moment, or before the first one with its initial weights.

        None without a run, and if the weights of a user's own network are unknown.
        """
        run = state.run
        if run is None or (run.own is not None and not run.origin.weights):
            return None
        snapshot, last = None if state.pictured is None else state.pictured.snapshot, self._newest
        if last is not None and last.run.key == run.key:
            if self._snapshot is snapshot:
                return last
            network, first = last._network, last.first
        else:
            network, first = _beginning(run)
        weights, epoch, outputs = first, float(run.lineage[-1].origin.epoch), None
        if snapshot is not None:
            weights, epoch = snapshot.weights, snapshot.epoch
            outputs = None if state.early is not None else snapshot.test_outputs
        self._snapshot = snapshot
        self._newest = InspectedNetwork(run, weights, first, epoch, outputs, network)
        return self._newest


def _beginning(run: SessionRun) -> tuple[NeuralNetwork, Weights]:
    """Return a network with the run's layers, and the initial weights of the run that it descends from."""
    network, root = run.new_network(), run.lineage[-1]
    if root.origin.weights is not None:
        return network, root.origin.weights
    n_inputs, *n_hidden, n_outputs = network.layer_sizes  # same as the root's: its weights were used
    config = root.config
    begun = NeuralNetwork(n_inputs, n_hidden, n_outputs, initializer=config.initializer, seed=config.seed)
    return network, begun.weights()
