"""A network in the engine's form: its functions, and its weights and biases in one array."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.datasets import Dataset
from explorer.engine.inputs import WIDE, InkedFirst, Inputs
from explorer.engine.kernels import Array, Calls, Half, aligned, in_halves, is_large, rows_at_once
from explorer.network import OPTIMIZERS, NeuralNetwork
from explorer.network.regularization import penalty


class Parameters:
    """The weights and biases of all layers, or a step of them, in one array.

    So a step down the gradient is one subtraction. The last layer comes first: the array ends with the weights of
    pixels that are blank in all images, which never change.

    `sizes` are the units of each layer, the inputs first. `order`, shape (n_inputs,), says which of the network's
    inputs comes first, second, … in the rows of the first layer's V; `n_blank` of the last ones are always 0.
    """

    __slots__ = ("_n_changing", "after_first", "flat", "joint", "layers", "order")

    def __init__(
        self,
        sizes: Sequence[int],
        dtype: np.dtype[Any],
        order: NDArray[np.intp] | None = None,
        n_blank: int = 0,
    ) -> None:
        self.order = order
        self.flat = flat = np.zeros(sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes)), dtype)
        n_rows = aligned(1 + sizes[0] - n_blank)  # of the first layer
        self._n_changing = flat.size - max(0, 1 + sizes[0] - n_rows) * sizes[1]
        joint, stop = list[Array](), flat.size
        for n_in, n_out in pairwise(sizes):
            start = stop - (n_in + 1) * n_out
            joint.append(flat[start:stop].reshape(n_in + 1, n_out))
            stop = start
        self.joint = tuple(joint)
        """For each layer its biases, and below them its weights, shape (n_in + 1, n_out)."""
        self.layers = tuple((both[1:], both[:1]) for both in joint)
        """For each layer its weights V, shape (n_in, n_out), and biases b, shape (1, n_out)."""
        self.after_first = flat[: -joint[0].size]
        """The parameters of all layers but the first."""

    def rows(self, half: Half) -> list[slice]:
        """Return the rows of each layer in one half of the changing parameters: usually all or none."""
        return [slice(*edges) for edges in zip(*self._edges(half), strict=True)]

    def span(self, half: Half) -> slice:
        """Return the slice of `flat` with these rows."""
        n_out = [both.shape[1] for both in self.joint]
        return slice(*(sum(map(mul, rows, n_out)) for rows in self._edges(half)))

    def _edges(self, half: Half) -> list[list[int]]:
        """Return for each layer the number of rows before the start of a half, and before its end."""
        part, edges = half(self._n_changing), list[list[int]]()
        for rest in (part.start, part.stop):
            rows = list[int]()
            for both in reversed(self.joint):
                biases = 0 if both is self.joint[0] else 1  # rows outside the product
                groups = max(0, rest - biases * both.shape[1]) // both.shape[1] // rows_at_once()
                cut = groups and biases + groups * rows_at_once()
                rows.append(len(both) if rest >= both.size else cut)
                rest -= both.size
            edges.append(rows[::-1])
        return edges

    def weights_of(self, half: Half) -> list[Array]:
        """Return flat views of the weights in one half of all parameters, layer by layer, without the biases."""
        parts = zip(self.joint, self.rows(half), strict=True)
        return [both[max(1, rows.start) : rows.stop].reshape(-1) for both, rows in parts]

    def weights(self) -> tuple[Array, ...]:
        """Return read-only copies, ``(W1, b1, W2, b2, …)``, as in `NeuralNetwork`: W is (n_out, n_in)."""
        copies = tuple(array.T.copy() for layer in self.layers for array in layer)
        if self.order is not None:
            copies[0][:, self.order] = self.layers[0][0].T
        for copy in copies:
            copy.flags.writeable = False
        return copies

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set all parameters, ``(W1, b1, W2, b2, …)`` as `weights` returns them."""
        views = (array for layer in self.layers for array in layer)
        for array, given in zip(views, weights, strict=True):
            array[:] = np.transpose(given)
        if self.order is not None:
            self.layers[0][0][:] = np.transpose(weights[0])[self.order]


class Model:
    """The functions and a copy of the weights of a network.

    `small_product` is explained at `kernels.product`, and `n_threads` at `in_halves`. `dataset` is the data to
    train on without augmentation: the inputs of a wide first layer are sorted by how many images have ink there.
    """

    def __init__(
        self,
        network: NeuralNetwork,
        small_product: int = 0,
        n_threads: int = 1,
        dataset: Dataset | None = None,
    ) -> None:
        self.hidden_activation, self.output = network.hidden_activation, network.output
        self.loss, self.dtype = network.loss, network.dtype
        self.small_product, self.n_threads = small_product, n_threads
        self.optimizer, self.max_norm = network.optimizer, network.max_norm
        self.penalties = network.penalties
        self.decay = network.l2 if OPTIMIZERS[network.optimizer].decays_weights else 0.0
        hidden = (network.dropout,) * len(network.layer_sizes[1:-1])
        self.dropout = (network.input_dropout, *hidden)
        """The rate of dropout for the inputs, and for each hidden layer."""
        n_inputs, n_first, *_ = self.sizes = network.layer_sizes
        # These rely on the original order of images, pixels or weights, and so does augmentation.
        needs_order = any((*self.dropout, network.l2, network.l1, network.max_norm))
        pays = n_inputs * n_first >= WIDE and not needs_order
        self.inked = InkedFirst.of(dataset) if pays and dataset is not None else None
        """The images to train on, if the model has their pixels sorted."""
        self.order = None if self.inked is None else self.inked.order
        self._n_blank = 0 if self.inked is None else self.inked.n_blank
        self.parameters = self.new_parameters()
        self.parameters.set_weights(network.parameters)

    def inputs(self, rows: int) -> Inputs:
        """Return a buffer for the pixels of `rows` images."""
        return Inputs(rows, self.sizes[0], self.dtype, self.order)

    def new_parameters(self) -> Parameters:
        """Allocate all parameters, or a step of them."""
        return Parameters(self.sizes, self.dtype, self.order, self._n_blank)

    def is_large(self, n: int) -> bool:
        """Return whether the passes of `n` samples are split in two."""
        return is_large(n * self.parameters.flat.size)

    def in_halves(self, make: Callable[[Half], Calls], n: int, middle: float = 0.5) -> Calls:
        """Return the calls for work proportional to `n` samples, split in two above LARGE_WORK."""
        return in_halves(make, n * self.parameters.flat.size, self.n_threads, middle)

    def penalty(self) -> float:
        """Return the penalty in the loss of each sample."""
        if not any(self.penalties):
            return 0.0
        return sum(penalty(V, *self.penalties) for V, _ in self.parameters.layers)
