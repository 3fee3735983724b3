"""How an answer comes about: what each unit adds, which pixels speak for a class, the smallest change to another.

Layers are counted from 1, the first hidden one, to the output layer; units, or classes `k`, from 0. `X`, shape
(n_input, n), or `x`, shape (n_input,), are inputs in [0, 1]; for another shape, layer, unit or class, a function
raises `ValueError`. Like `forward`, it replaces the arrays of the network's last pass.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.network import NeuralNetwork

Array = NDArray[Any]
_BEYOND = 1e-4  # the lead in weighted sum that a step of `flip` aims at: without it, none would leave a tie


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

    `k` and `layer` are the unit and its layer, by default the output layer, and the unit with the largest output.
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


@np.errstate(all="ignore")  # infinite or NaN weights show in the result
def d_input(network: NeuralNetwork, X: ArrayLike, k: ArrayLike) -> Array:
    """Return ∂a_k/∂X, the gradient of a class's weighted sum with respect to each input: (n_input, n).

    Its size is the saliency map of Simonyan, Vedaldi & Zisserman (2014), who leave out the output activation too:
    its slope vanishes where it is sure. `k` may also be one class for each sample, shape (n,).
    """
    y = network.forward(X)
    delta = np.zeros_like(y)
    classes = np.broadcast_to(unit_indices(network, network.n_layers, k), y.shape[1])
    delta[classes, np.arange(y.shape[1])] = 1.0
    return _to_inputs(network, delta)


@np.errstate(all="ignore")
def d_loss(network: NeuralNetwork, X: ArrayLike, d: ArrayLike) -> Array:
    """Return ∂L/∂X, (n_input, n): ``W1.T @ delta1``, one layer farther than the weights need the backward pass."""
    return _to_inputs(network, network.output_delta(network.forward(X), np.asarray(d)))


def _to_inputs(network: NeuralNetwork, delta: Array) -> Array:
    for i in reversed(range(network.n_layers)):
        delta = network.W[i].T @ delta  # (n_in, n)
        if i > 0:
            delta = delta * network.f[i - 1].d(network.a[i - 1])
    return delta


def gradient_times_input(network: NeuralNetwork, x: ArrayLike, k: int) -> Array:
    """Return ∂a_k/∂x ∘ x, how much each pixel's ink speaks for (above 0) or against class k: (n_input,).

    Where the network is linear between a blank image and x, as with relu units of which none turns on or off, the
    terms add up to the difference in a_k; else they estimate it to first order (Shrikumar et al., 2016).
    """
    column = one_sample(network, x)
    return np.asarray(d_input(network, column, k) * column)[:, 0]


@np.errstate(all="ignore")
def occlusion(network: NeuralNetwork, x: ArrayLike, k: int, *, size: int = 5) -> Array:
    """Return how much class k's output drops if a square around each pixel is blank: (side, side), in [−1, 1].

    All squares, of odd side `size` in pixels, are read in one pass (Zeiler & Fergus, 2014). Above 0, what is there
    speaks for the class. Raises `ValueError` if `x` is no square image.
    """
    column, (k,) = one_sample(network, x), unit_indices(network, network.n_layers, k)
    side = round(len(column) ** 0.5)
    if side * side != len(column):
        raise ValueError(f"x has {len(column)} inputs; expected a square image")
    if size < 1 or size % 2 != 1:
        raise ValueError(f"size is {size}; expected an odd number of pixels")
    rows, columns = np.divmod(np.arange(len(column)), side)
    is_near = np.abs(rows[:, None] - rows) <= size // 2
    is_near &= np.abs(columns[:, None] - columns) <= size // 2
    y = network.forward(np.hstack([column, np.where(is_near, 0, column)]))[k]
    return np.asarray(y[0] - y[1:]).reshape(side, side)


@np.errstate(all="ignore")
def flip(
    network: NeuralNetwork, x: ArrayLike, target: int | None = None, *, steps: int = 50, margin: float = 0.02
) -> Array | None:
    """Return a nearby image that the network reads as another class, close to the smallest change that does it.

    Each step goes to where the nearest other class, or `target`, would draw level if the network were linear, and
    farther by the share `margin`, within [0, 1] (DeepFool: Moosavi-Dezfooli, Fawzi & Frossard, 2016). Bisection
    then shortens the change to where the answer flips, up to 1 % of its length. The result is None if none of at
    most `steps` steps reaches another class, as with saturated units, or x is read as the target already.
    """
    start = changed = one_sample(network, x)
    decided = int(network.forward(start).argmax())
    classes = range(network.layer_sizes[-1]) if target is None else target
    others = [k for k in unit_indices(network, network.n_layers, classes) if k != decided]
    for _ in range(steps if others else 0):
        away = _nearest_step(network, changed, decided, others)
        if away is None:
            return None
        changed = np.clip(changed + (1 + margin) * away, 0, 1).astype(network.dtype)
        if network.forward(changed).argmax() in others:
            return _shortened(network, start, changed, others)[:, 0]
    return None


def _nearest_step(network: NeuralNetwork, x: Array, decided: int, others: list[int]) -> Array | None:
    """Return the shortest step from a column to where another class draws level, as the gradients there say."""
    n = network.layer_sizes[-1]
    slopes = d_input(network, np.repeat(x, n, axis=1), np.arange(n)).astype(np.float64)  # (n_input, n_output)
    slopes = slopes[:, others] - slopes[:, [decided]]
    slopes[((x <= 0) & (slopes < 0)) | ((x >= 1) & (slopes > 0))] = 0  # the border holds it
    a = network.a[-1][:, 0]
    gaps, squared = np.maximum(0, a[decided] - a[others]) + _BEYOND, (slopes**2).sum(axis=0)
    lengths = gaps / np.sqrt(squared)
    lengths[~(np.isfinite(lengths) & np.isfinite(squared))] = np.inf
    best = int(lengths.argmin())
    return None if np.isinf(lengths[best]) else slopes[:, [best]] * (gaps[best] / squared[best])


def _shortened(network: NeuralNetwork, x: Array, changed: Array, others: list[int]) -> Array:
    """Return where on the way from x to `changed` the answer flips to one of the others, by bisection."""
    low, high, flipped = 0.0, 1.0, changed
    while high - low > max(0.01 * high, 1e-6):
        middle = (low + high) / 2
        point = (x + middle * (changed - x)).astype(x.dtype)
        if network.forward(point).argmax() in others:
            high, flipped = middle, point
        else:
            low = middle
    return flipped


def activations(network: NeuralNetwork, X: ArrayLike) -> list[Array]:
    """Run a forward pass, and return the inputs and each layer's activations, (n_units, n), the outputs last."""
    y = network.forward(X)  # a `forward` of one's own may keep no more than the hidden layers' activations
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
