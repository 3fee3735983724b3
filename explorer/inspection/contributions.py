"""How a network's answer comes about: what each unit adds to one class's weighted sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.network import NeuralNetwork

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """One unit's weighted sum for one sample, term by term: ``terms.sum() + bias = total``, and f(total) = output.

    Parameters
    ----------
    layer, unit : int
        The layer, 1 for the first hidden one, and the unit in it, from 0; in the output layer that is a class.
    inputs, terms : ndarray, shape (n_inputs,)
        The activations h of the layer before (in layer 1, the pixels), and W[unit, j] · h[j].
    bias, total, output : float
        b[unit], the weighted sum a[unit], and the activation of that sum.
    """

    layer: int
    unit: int
    inputs: Array
    terms: Array
    bias: float
    total: float
    output: float

    def largest(self, n: int) -> NDArray[np.intp]:
        """Return the indices of the n largest terms by size, largest first; NaN comes last."""
        return np.argsort(-np.nan_to_num(np.abs(self.terms), nan=-1.0), kind="stable")[:n]


def contributions(
    network: NeuralNetwork, x: ArrayLike, k: int | None = None, *, layer: int | None = None
) -> Contributions:
    """Return what each unit of the layer before contributes to one unit's weighted sum, W[k, j] · h[j].

    Parameters
    ----------
    network : NeuralNetwork
        The network; like `forward`, this replaces the arrays of its last pass.
    x : array_like, shape (n_input,)
        One sample's inputs, in [0, 1].
    k : int, optional
        The unit, from 0; by default, the one with the largest output.
    layer : int, optional
        Its layer, 1 for the first hidden one; by default, the output layer.

    Raises
    ------
    ValueError
        If `x` has another shape, or there is no such layer or unit.

    Examples
    --------
    >>> found = contributions(NeuralNetwork(4, 3, 2, seed=0), [0.0, 0.5, 1.0, 0.0], 1)
    >>> bool(np.isclose(found.terms.sum() + found.bias, found.total))
    True
    """
    column = np.asarray(x, network.dtype)[:, None] if np.ndim(x) == 1 else np.asarray(x)
    with np.errstate(all="ignore"):  # infinite or NaN weights show in the result
        network.forward(column)
        return last_contributions(network, column[:, 0], k, layer=layer)


def last_contributions(
    network: NeuralNetwork, x: Array, k: int | None = None, *, layer: int | None = None
) -> Contributions:
    """Return the contributions in the network's last pass, which was for the one sample `x`, shape (n_input,)."""
    layer = network.n_layers if layer is None else layer
    if not 1 <= layer <= network.n_layers:
        raise ValueError(f"layer is {layer}; expected 1 to {network.n_layers}")
    W, b, a, h = (np.asarray(getattr(network, f"{name}{layer}")) for name in "Wbah")
    unit = int(np.nan_to_num(h[:, 0], nan=-np.inf).argmax()) if k is None else k
    if not 0 <= unit < len(W):
        raise ValueError(f"k is {k}; expected 0 to {len(W) - 1}, the units of layer {layer}")
    inputs = x if layer == 1 else np.asarray(getattr(network, f"h{layer - 1}"))[:, 0]
    with np.errstate(all="ignore"):
        terms = W[unit] * inputs
    return Contributions(layer, unit, inputs, terms, float(b[unit, 0]), float(a[unit, 0]), float(h[unit, 0]))


def rounded_to_sum(terms: Sequence[float], total: float, decimals: int = 2) -> list[float]:
    """Round terms so that they add up to the rounded total, each by less than one unit of the last decimal.

    This is the method of largest remainders (Hamilton, 1792): all are rounded down, and those with the largest
    remainders up, as many as the total asks for. If `total` is farther from the terms' sum than that allows, or
    anything is not finite, the terms are rounded one by one.
    """
    scaled, unit = np.asarray(terms, float) * 10**decimals, float(10**decimals)
    if not (np.isfinite(scaled).all() and np.isfinite(total)):
        return [round(float(term), decimals) for term in terms]
    down = np.floor(scaled)
    missing = round(total * unit) - int(down.sum())
    if 0 <= missing <= len(down):
        down[np.argsort(down - scaled, kind="stable")[:missing]] += 1
        return [float(value) / unit for value in down]
    return [round(float(term), decimals) for term in terms]
