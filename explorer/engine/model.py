"""A network as the engine trains it: its functions, and its weights and biases in one array."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from explorer.engine.kernels import Array
from explorer.network import OPTIMIZERS, NeuralNetwork
from explorer.network.regularization import penalty

__all__ = ["Model", "Parameters"]


class Parameters:
    """Room for the weights and biases of all layers, or a step of them, one after the other in one array.

    So a step down the gradient is one subtraction.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, the inputs first.
    dtype : dtype
        The network's.
    """

    __slots__ = ("after_first", "first", "flat", "layers", "sizes")

    def __init__(self, sizes: Sequence[int], dtype: np.dtype[Any]) -> None:
        self.sizes = tuple(sizes)
        self.flat = flat = np.empty(sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes)), dtype)
        layers, start = [], 0
        for n_in, n_out in pairwise(self.sizes):
            stop = start + n_in * n_out
            end = stop + n_out
            layers.append((flat[start:stop].reshape(n_in, n_out), flat[stop:end].reshape(1, n_out)))
            start = end
        self.layers = tuple(layers)
        """For each layer its weights V, shape (n_in, n_out), and biases b, shape (1, n_out)."""
        n_first = (self.sizes[0] + 1) * self.sizes[1]
        self.first = flat[:n_first].reshape(self.sizes[0] + 1, self.sizes[1])
        """The first layer's weights, and below them its biases, shape (n_input + 1, n_1)."""
        self.after_first = flat[n_first:]
        """All others."""

    def weights(self) -> tuple[Array, ...]:
        """Return a read-only copy, ``(W1, b1, W2, b2, …)``, as `NeuralNetwork` has them: W is (n_out, n_in)."""
        copies = tuple(array.T.copy() for layer in self.layers for array in layer)
        for copy in copies:
            copy.flags.writeable = False
        return copies

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set all parameters, ``(W1, b1, W2, b2, …)`` as `weights` returns them."""
        views = (array for layer in self.layers for array in layer)
        for array, given in zip(views, weights, strict=True):
            array[:] = np.transpose(given)


class Model:
    """The functions and weights of a network.

    Parameters
    ----------
    network : NeuralNetwork
        Its weights are copied; it is not changed.
    small_product : int
        Multiplications up to which BLAS counts a matrix product as small; see `kernels.product`.
    n_threads : {1, 2}
        Threads that share what is large; see `halves.in_halves`.
    """

    def __init__(self, network: NeuralNetwork, small_product: int = 0, n_threads: int = 1) -> None:
        self.hidden_activation, self.output = network.hidden_activation, network.output
        self.loss, self.dtype = network.loss, network.dtype
        self.small_product, self.n_threads = small_product, n_threads
        self.optimizer, self.max_norm = network.optimizer, network.max_norm
        self.penalties = network.penalties
        self.decay = network.l2 if OPTIMIZERS[network.optimizer].decays_weights else 0.0
        hidden = (network.dropout,) * len(network.layer_sizes[1:-1])
        self.dropout = (network.input_dropout, *hidden)
        """The rate of dropout for the inputs, and for each hidden layer."""
        self.parameters = Parameters(network.layer_sizes, network.dtype)
        self.parameters.set_weights(network.parameters)

    def penalty(self) -> float:
        """Return what the penalties add to the loss of each sample."""
        if not any(self.penalties):
            return 0.0
        return sum(penalty(V, *self.penalties) for V, _ in self.parameters.layers)
