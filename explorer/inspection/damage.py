"""Break a network: every function returns a damaged copy, and leaves the network that it was given alone.

Units are counted from 0, layers from 1, the first hidden one, to the output layer.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.network import NeuralNetwork

Array = NDArray[Any]


def ablate(network: NeuralNetwork, units: int | Iterable[int], *, layer: int = 1) -> NeuralNetwork:
    """Return a copy in which hidden units are switched off: nothing reads what they say.

    Raises `ValueError` if `layer` is not a hidden layer, or has no such unit.
    """
    copy = network.copy()
    off = np.atleast_1d(np.asarray([*units] if isinstance(units, Iterable) else units, np.intp))
    _check_units(network, layer, off, last=network.n_layers - 1)
    copy.W[layer][:, off] = 0.0  # the weights of the layer after it
    return copy


def prune(network: NeuralNetwork, share: float) -> NeuralNetwork:
    """Return a copy without that share of all weights, 0 to 1, the smallest in size: they are 0 (LeCun, 1990).

    Biases stay. Raises `ValueError` for another share.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; expected 0 to 1")
    copy = network.copy()
    sizes = np.concatenate([np.abs(W).ravel() for W in copy.W])
    n = round(share * sizes.size)
    gone = np.zeros(sizes.size, bool)
    gone[np.argpartition(sizes, n - 1)[:n] if n else []] = True
    for W, of_layer in zip(copy.W, np.split(gone, np.cumsum([W.size for W in copy.W])[:-1]), strict=True):
        W[of_layer.reshape(W.shape)] = 0.0
    return copy


def quantize(network: NeuralNetwork, bits: int) -> NeuralNetwork:
    """Return a copy whose weights have 2^bits - 1 values at most, evenly spaced and symmetric around 0.

    Each layer has a scale of its own, up to its largest weight; with 1 bit, a weight is its sign times the layer's
    mean size (Rastegari et al., 2016). Biases stay. Raises `ValueError` unless `bits` is 1 to 16.
    """
    if not 1 <= bits <= 16:
        raise ValueError(f"bits is {bits}; expected 1 to 16")
    copy = network.copy()
    for W in copy.W:
        if bits == 1:
            W[:] = np.sign(W) * np.abs(W).mean()
            continue
        step = np.abs(W).max() / (2 ** (bits - 1) - 1)
        W[:] = np.rint(W / step) * step if step else W
    return copy


def add_noise(network: NeuralNetwork, size: float, *, seed: int = 0) -> NeuralNetwork:
    """Return a copy with normal noise on every weight, of `size` times the standard deviation of its layer."""
    copy, rng = network.copy(), np.random.default_rng(seed)
    for W in copy.W:
        W += (size * W.std() * rng.standard_normal(W.shape)).astype(W.dtype)
    return copy


def shuffle_weights(network: NeuralNetwork, *, layer: int = 1, seed: int = 0) -> NeuralNetwork:
    """Return a copy in which the weights of each unit of a layer are shuffled among its inputs."""
    copy, rng = network.copy(), np.random.default_rng(seed)
    _check_units(network, layer, np.zeros(1, np.intp), last=network.n_layers)
    W = copy.W[layer - 1]
    W[:] = rng.permuted(W, axis=1)
    return copy


def shift_bias(network: NeuralNetwork, unit: int, by: float, *, layer: int = 1) -> NeuralNetwork:
    """Return a copy in which `by` is added to one unit's bias."""
    copy = network.copy()
    _check_units(network, layer, np.array([unit]), last=network.n_layers)
    copy.b[layer - 1][unit] += by
    return copy


def swap_units(
    network: NeuralNetwork, first: int, second: int, *, layer: int = 1, whole: bool = False
) -> NeuralNetwork:
    """Return a copy in which two hidden units trade places.

    With `whole`, their outgoing weights trade places too, and the network computes the same as before: the units
    of a layer have no order. Without, each answers to what the other did.
    """
    copy, both, swapped = network.copy(), [first, second], [second, first]
    _check_units(network, layer, np.array(both), last=network.n_layers - 1)
    for array in (copy.W[layer - 1], copy.b[layer - 1]):
        array[both] = array[swapped]
    if whole:
        copy.W[layer][:, both] = copy.W[layer][:, swapped]
    return copy


def importance(network: NeuralNetwork, X: ArrayLike, labels: ArrayLike, *, layer: int = 1) -> Array:
    """Return how much accuracy is lost, 0 to 1, with each hidden unit of a layer switched off: (n_units,).

    Negative where the network is better without a unit. The layers up to this one are computed once.

    Parameters
    ----------
    X : array_like, shape (n_input, n)
        Samples.
    labels : array_like of int, shape (n,)
        Their classes.
    """
    labels = np.asarray(labels)
    whole = network.forward(X).argmax(axis=0)
    _check_units(network, layer, np.zeros(1, np.intp), last=network.n_layers - 1)
    h, a = network.h[layer], network.a[layer]  # of this layer, and the sums of the next
    correct, lost = np.count_nonzero(whole == labels), np.empty(len(h))
    for unit, activations in enumerate(h):
        lost[unit] = correct - np.count_nonzero(_decided(network, layer, a, unit, activations) == labels)
    return lost / labels.size


def _decided(network: NeuralNetwork, layer: int, a: Array, unit: int, activations: Array) -> Array:
    """Return the classes without a unit, from the sums `a` of the next layer with it."""
    sums = a - network.W[layer][:, [unit]] * activations
    for W, b, f in zip(network.W[layer + 1 :], network.b[layer + 1 :], network.f[layer:], strict=False):
        sums = W @ f(sums) + b
    return np.asarray(sums.argmax(axis=0))  # the output activation keeps the order


def _check_units(network: NeuralNetwork, layer: int, units: Array, *, last: int) -> None:
    if not 1 <= layer <= last:
        raise ValueError(f"layer is {layer}; expected 1 to {last}")
    n = network.layer_sizes[layer]
    if units.size and not (units.min() >= 0 and units.max() < n):
        raise ValueError(
            f"there is no unit {units[(units < 0) | (units >= n)][0]}: layer {layer} has {n} units"
        )
