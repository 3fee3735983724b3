"""Break a network: every function returns a damaged copy, and leaves the network that it was given alone.

Units are counted from 0, layers from 1, the first hidden one, to the output layer; if there is none such, or
another number makes no sense, it raises `ValueError`.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.inspection.contributions import activations, check_layer, unit_indices
from explorer.network import NeuralNetwork


def ablate(network: NeuralNetwork, units: int | Iterable[int], *, layer: int = 1) -> NeuralNetwork:
    """Return a copy in which hidden units are switched off: the next layer's weights from them are 0."""
    off, copy = unit_indices(network, layer, units, hidden=True), network.copy()
    copy.W[layer][:, off] = 0.0
    return copy


def prune(network: NeuralNetwork, share: float) -> NeuralNetwork:
    """Return a copy in which that share of all weights, 0 to 1, the smallest in size, is 0 (Han et al., 2015).

    Biases stay. Of equal weights, those of earlier layers go first.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; expected 0 to 1")
    copy = network.copy()
    flat = np.concatenate([W.ravel() for W in copy.W])
    flat[np.argsort(np.abs(flat), kind="stable")[: round(share * flat.size)]] = 0.0
    for W, kept in zip(copy.W, np.split(flat, np.cumsum([W.size for W in copy.W])[:-1]), strict=True):
        W[:] = kept.reshape(W.shape)
    return copy


@np.errstate(all="ignore")  # infinite or NaN weights show in the result
def quantize(network: NeuralNetwork, bits: int) -> NeuralNetwork:
    """Return a copy whose weights are rounded to `bits` bits, 1 to 16; biases stay.

    A layer's weights become multiples of one step, −m to m times, with m = 2^(bits − 1) − 1 and its largest weight
    at the end. With 1 bit, a weight is its sign times the mean size in its layer (Rastegari et al., 2016, who take
    the mean unit by unit); 0 stays 0.
    """
    if bits not in range(1, 17):
        raise ValueError(f"bits is {bits}; expected 1 to 16")
    copy = network.copy()
    for W in copy.W:
        step = np.abs(W).mean() if bits == 1 else np.abs(W).max() / (2 ** (bits - 1) - 1)
        if step != 0:
            W[:] = (np.sign(W) if bits == 1 else np.rint(W / step)) * step
    return copy


def add_noise(network: NeuralNetwork, size: float, *, seed: int = 0) -> NeuralNetwork:
    """Return a copy with normal noise on every weight, of `size` times the standard deviation of its layer."""
    if not 0 <= size < np.inf:
        raise ValueError(f"size is {size}; expected a finite number of at least 0")
    copy, rng = network.copy(), np.random.default_rng(seed)
    for W in copy.W:
        W += (size * W.std() * rng.standard_normal(W.shape)).astype(W.dtype)
    return copy


def shuffle_weights(network: NeuralNetwork, *, layer: int = 1, seed: int = 0) -> NeuralNetwork:
    """Return a copy in which the weights of each unit of a layer are shuffled among its inputs."""
    check_layer(network, layer)
    copy = network.copy()
    copy.W[layer - 1][:] = np.random.default_rng(seed).permuted(copy.W[layer - 1], axis=1)
    return copy


@np.errstate(all="ignore")
def scale_weights(network: NeuralNetwork, factor: float, *, layer: int = 1) -> NeuralNetwork:
    """Return a copy in which a layer's weights are `factor` times as large; −1 flips their sign. Biases stay."""
    check_layer(network, layer)
    if not np.isfinite(factor):
        raise ValueError(f"factor is {factor}; expected a finite number")
    copy = network.copy()
    copy.W[layer - 1][:] *= factor
    return copy


def shift_bias(network: NeuralNetwork, unit: int, by: float, *, layer: int = 1) -> NeuralNetwork:
    """Return a copy in which `by` is added to one unit's bias."""
    shifted, copy = unit_indices(network, layer, unit), network.copy()
    copy.b[layer - 1][shifted] += by
    return copy


def flip_bias(network: NeuralNetwork, unit: int, *, layer: int = 1) -> NeuralNetwork:
    """Return a copy in which one unit's bias has the opposite sign."""
    flipped, copy = unit_indices(network, layer, unit), network.copy()
    copy.b[layer - 1][flipped] *= -1
    return copy


def swap_units(
    network: NeuralNetwork, first: int, second: int, *, layer: int = 1, whole: bool = False
) -> NeuralNetwork:
    """Return a copy in which two hidden units trade places: their weights from the layer before, and biases.

    With `whole`, their outgoing weights trade places too, and the network computes the same as before: the units
    of a layer have no order. Without, each answers to what the other did.
    """
    both, copy = unit_indices(network, layer, [first, second], hidden=True), network.copy()
    for array in (copy.W[layer - 1], copy.b[layer - 1], *([copy.W[layer].T] if whole else [])):
        array[both] = array[both[::-1]]
    return copy


@np.errstate(all="ignore")
def importance(network: NeuralNetwork, X: ArrayLike, labels: ArrayLike, *, layer: int = 1) -> NDArray[Any]:
    """Return how much accuracy is lost, −1 to 1, with each hidden unit of a layer switched off: (n_units,).

    `X` are samples, shape (n_input, n), and `labels` their classes, shape (n,). Below 0, the network is better
    without the unit. The layers up to this one are computed once, unless the network has a `forward` of its own.
    """
    check_layer(network, layer, hidden=True)
    copy, labels = network.copy(), np.asarray(labels)
    h, W = activations(copy, X), copy.W[layer]
    if labels.shape != h[-1].shape[1:]:
        raise ValueError(f"labels has shape {labels.shape}; expected {h[-1].shape[1:]}")
    is_textbook = type(network).forward is NeuralNetwork.forward
    correct, lost = np.count_nonzero(h[-1].argmax(axis=0) == labels), np.empty(network.layer_sizes[layer])
    for unit in range(len(lost)):
        outgoing = W[:, unit].copy()
        W[:, unit] = 0.0
        y = h[layer]
        if is_textbook:
            for later, b, f in zip(copy.W[layer:], copy.b[layer:], copy.f[layer:], strict=True):
                y = f(later @ y + b)
        else:
            y = copy.forward(X)
        lost[unit] = correct - np.count_nonzero(y.argmax(axis=0) == labels)
        W[:, unit] = outgoing
    return lost / labels.size
