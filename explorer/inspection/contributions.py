"""How a network's answer comes about: what each unit adds to one class's weighted sum.

Layers are counted from 1, the first hidden one, to the output layer; units, or classes, from 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.network import NeuralNetwork

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """One unit's weighted sum for one sample, term by term: ``terms.sum() + bias = total``, f(total) = output."""

    layer: int
    unit: int
    inputs: Array
    """The activations h of the layer before (in layer 1, the pixels), shape (n_inputs,)."""
    terms: Array
    """W[unit, j] · h[j], shape (n_inputs,)."""
    bias: float
    total: float
    output: float
    """b[unit], the weighted sum a[unit], and the activation h[unit], as the network's `forward` left them."""

    def largest(self, n: int) -> NDArray[np.intp]:
        """Return the indices of the n largest terms by size, largest first; NaN comes last."""
        return np.argsort(-np.abs(self.terms), kind="stable")[:n]


@np.errstate(all="ignore")  # infinite or NaN weights show in the result
def contributions(
    network: NeuralNetwork, x: ArrayLike, k: int | None = None, *, layer: int | None = None
) -> Contributions:
    """Return what each unit of the layer before contributes to one unit's weighted sum, W[k, j] · h[j].

    `x` are one sample's inputs, in [0, 1], shape (n_input,); `k` and `layer` are the unit and its layer, by
    default the output layer, and the unit with the largest output. Raises `ValueError` for another shape, or if
    there is no such unit. Like `forward`, this replaces the arrays of the network's last pass.
    """
    column, layer = one_sample(network, x), network.n_layers if layer is None else layer
    check_layer(network, layer)
    network.forward(column)
    W, b, a = network.W[layer - 1], network.b[layer - 1], network.a[layer - 1]
    kept = network.h[layer : layer + 1]  # a `forward` of one's own need not keep the outputs
    h = kept[0] if kept else network.f[layer - 1](a)
    largest = np.nan_to_num(h[:, 0], nan=-np.inf).argmax()
    (unit,) = unit_indices(network, layer, [largest if k is None else k])
    inputs = (column if layer == 1 else network.h[layer - 1])[:, 0]
    terms = W[unit] * inputs
    return Contributions(layer, unit, inputs, terms, float(b[unit, 0]), float(a[unit, 0]), float(h[unit, 0]))


def activations(network: NeuralNetwork, X: ArrayLike) -> list[Array]:
    """Run a forward pass, and return the inputs and each layer's activations, (n_units, n), the outputs last.

    It needs of a network's own `forward` no more than `h1`, `h2`, … of the hidden layers, and its result.
    """
    y = network.forward(X)
    return [np.asarray(X, network.dtype), *network.h[1 : network.n_layers], y]


def one_sample(network: NeuralNetwork, x: ArrayLike) -> Array:
    """Return one sample's inputs, shape (n_input,), as a column. Raises `ValueError` for another shape."""
    array, expected = np.asarray(x), network.layer_sizes[:1]
    if array.shape != expected:
        raise ValueError(f"x has shape {array.shape}; expected {expected}, one sample")
    return array.astype(network.dtype, copy=False)[:, None]


def check_layer(network: NeuralNetwork, layer: int, *, first: int = 1, hidden: bool = False) -> None:
    """Raise `ValueError` unless there is such a layer, from `first` on, hidden if that is asked."""
    last = network.n_layers - hidden
    if layer not in range(first, last + 1):
        raise ValueError(f"layer is {layer}; expected {first} to {last}")


def unit_indices(network: NeuralNetwork, layer: int, units: Any, *, hidden: bool = False) -> list[int]:
    """Return units of a layer, one or several, as a list. Raises `ValueError` if layer or unit is missing."""
    check_layer(network, layer, hidden=hidden)
    found, n = [*units] if isinstance(units, Iterable) else [units], network.layer_sizes[layer]
    for unit in found:
        if isinstance(unit, bool | np.bool_) or unit not in range(n):
            raise ValueError(f"there is no unit {unit}: layer {layer} has {n} units, counted from 0")
    return [int(unit) for unit in found]
