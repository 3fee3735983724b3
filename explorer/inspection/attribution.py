"""Why a network gives an answer: which pixels speak for a class, and the smallest change that flips it.

Everywhere `X`, shape (n_input, n), or `x`, shape (n_input,), are inputs in [0, 1], and `k` is a class, from 0; for
another shape or class, a function raises `ValueError`. Like `forward`, it replaces the arrays of the last pass.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.inspection.contributions import one_sample, unit_indices
from explorer.network import NeuralNetwork

Array = NDArray[Any]

_BEYOND = 1e-4  # the lead in weighted sum that a step of `flip` aims at: without it, none would leave a tie


@np.errstate(all="ignore")  # infinite or NaN weights show in the result
def d_input(network: NeuralNetwork, X: ArrayLike, k: ArrayLike) -> Array:
    """Return ∂a_k/∂X, the gradient of a class's weighted sum with respect to each input: (n_input, n).

    Its size is the saliency map of Simonyan, Vedaldi & Zisserman (2014), who leave out the output activation too:
    its slope vanishes where it is sure. `k` may also be one class for each sample, shape (n,). Of a network's own
    formulas, it follows those in its list `f`.
    """
    y = network.forward(X)
    delta = np.zeros_like(y)
    classes = np.broadcast_to(unit_indices(network, network.n_layers, k), y.shape[1])
    delta[classes, np.arange(y.shape[1])] = 1.0
    return _to_inputs(network, delta)


@np.errstate(all="ignore")
def d_loss(network: NeuralNetwork, X: ArrayLike, d: ArrayLike) -> Array:
    """Return ∂L/∂X, the gradient of the loss with respect to each input: (n_input, n).

    It is ``W1.T @ delta1``, the backward pass taken one layer farther than the weights need it. `d` are the
    desired outputs, (n_output, n).
    """
    return _to_inputs(network, network.output_delta(network.forward(X), np.asarray(d)))


def _to_inputs(network: NeuralNetwork, delta: Array) -> Array:
    """Take ∂/∂a of the output layer, after a forward pass, back to the inputs."""
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

    All squares are read in one pass (Zeiler & Fergus, 2014). Above 0, what is there speaks for the class. `x` is a
    square image, row by row, and `size` the side of the squares in pixels, odd; else it raises `ValueError`.
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

    Each step goes to where the nearest other class would draw level if the network were linear, and farther by the
    share `margin`, within [0, 1] (DeepFool: Moosavi-Dezfooli, Fawzi & Frossard, 2016). Bisection then shortens the
    change to where the answer flips, up to 1 % of its length. `target` is the class to reach, by default the
    nearest. The result has the shape of `x`; it is None if none of at most `steps` steps reaches another class, as
    with saturated units, or x is read as the target already.
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
