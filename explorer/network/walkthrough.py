"""The forward and backward passes of one sample, number by number."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .neural_network import NeuralNetwork

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class LayerWalk:
    """The values of one layer for the sample: each but W and inputs has the shape (n_units,)."""

    number: int
    """1 for the first hidden layer; the output layer is the last."""
    activation: str
    """"sigmoid", "relu", "tanh" or "softmax"."""
    W: Array
    """Weights, shape (n_units, n_inputs)."""
    b: Array
    inputs: Array
    """The activations of the previous layer, or the pixels, shape (n_inputs,)."""
    a: Array
    h: Array
    delta: Array
    """∂L/∂a."""

    @property
    def n_units(self) -> int:
        """Units in the layer."""
        return len(self.b)


@dataclass(frozen=True, slots=True, eq=False)
class Walkthrough:
    """One sample's forward and backward pass."""

    x: Array
    """Inputs, in [0, 1], shape (n_input,)."""
    d: Array
    """Desired outputs, one-hot, shape (n_output,)."""
    layers: tuple[LayerWalk, ...]
    loss_name: str
    """``"squared_error"`` or ``"cross_entropy"``."""
    loss: float
    """Its value for this sample, with the penalty."""
    penalties: tuple[float, float]
    """λ₂ and λ₁ of the penalty."""
    penalty: float

    @property
    def y(self) -> Array:
        """The outputs, shape (n_output,)."""
        return self.layers[-1].h

    @property
    def true(self) -> int:
        """The true class."""
        return int(self.d.argmax())

    @property
    def decided(self) -> int:
        """The class with the largest output."""
        return int(self.y.argmax())


@np.errstate(all="ignore")  # infinite or NaN weights show in the result
def walk_through(network: NeuralNetwork, x: ArrayLike, d: ArrayLike) -> Walkthrough:
    """Compute the values of each layer for one sample, forward and backward, in the network's own passes.

    A bias's gradient is the sum of its unit's deltas over the samples: with one sample it is the delta. Inputs `x`
    have the shape (n_input,) and desired outputs `d` (n_output,); raises `ValueError` for another one.
    """
    X, D = np.asarray(x)[:, None], np.asarray(d)[:, None]
    y = network.forward(X)
    layers: list[LayerWalk] = []
    x = inputs = X[:, 0].astype(network.dtype)
    for number, delta in enumerate(network.backward(X, y, D)[1::2], 1):
        W, b, a, h = (np.array(getattr(network, f"{name}{number}")) for name in "Wbah")
        is_last = number == network.n_layers
        activation = network.output if is_last else network.hidden_activation
        layers.append(LayerWalk(number, activation, W, b[:, 0], inputs, a[:, 0], h[:, 0], delta[:, 0]))
        inputs = h[:, 0]
    loss = network.total_loss(y, D.astype(network.dtype))
    return Walkthrough(x, D[:, 0], tuple(layers), network.loss, loss, network.penalties, network.penalty)


def busiest_units(walk: Walkthrough, output: int) -> tuple[int, ...]:
    """Return one unit for each layer: `output` at the end, and before it those that contribute most to the next.

    In each layer that is the unit j with the largest |W[k, j] h[j]|, k being the selected unit of the next layer.
    """
    units = [output]
    for layer in walk.layers[:0:-1]:
        with np.errstate(all="ignore"):
            added = np.abs(layer.W[units[0]] * layer.inputs)
        units.insert(0, int(np.nan_to_num(added).argmax()))
    return tuple(units)
