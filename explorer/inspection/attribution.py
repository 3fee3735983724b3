"""Why a network gives an answer: which pixels speak for a class, and the smallest change that flips it."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.network import NeuralNetwork

Array = NDArray[Any]


def d_input(network: NeuralNetwork, X: ArrayLike, k: int) -> Array:
    """Return ∂a_k/∂X, the gradient of a class's weighted sum with respect to each input: (n_input, n).

    It is the backward pass from a δ of 1 at output k, taken one layer farther (Simonyan, Vedaldi & Zisserman,
    2014). The weighted sum is used because the output's own slope vanishes where it is sure.

    Parameters
    ----------
    network : NeuralNetwork
        The network; like `forward`, this replaces the arrays of its last pass.
    X : array_like, shape (n_input, n)
        Samples, in [0, 1].
    k : int
        The class.
    """
    y = network.forward(X)
    delta = np.zeros_like(y)
    delta[k] = 1.0
    for i in reversed(range(network.n_layers)):
        delta = network.W[i].T @ delta  # (n_in, n)
        if i > 0:
            delta = delta * network.f[i - 1].d(network.a[i - 1])
    return delta


def gradient_times_input(network: NeuralNetwork, x: ArrayLike, k: int) -> Array:
    """Return ∂a_k/∂x ∘ x, how much each pixel's ink speaks for (above 0) or against class k: (n_input,).

    For a network without hidden layers these terms and the bias add up to a_k; else it is the first term of a
    Taylor series, exact only for a small change of the ink (Shrikumar, Greenside & Kundaje, 2017).
    """
    x = np.asarray(x, network.dtype)
    return np.asarray(d_input(network, x[:, None], k)[:, 0] * x)


def occlusion(
    network: NeuralNetwork, x: ArrayLike, k: int, *, size: int = 5, side: int | None = None
) -> Array:
    """Return how much class k's output drops if a square around each pixel is blank: (side, side).

    All squares are read in one pass (Zeiler & Fergus, 2014). Above 0, what is there speaks for the class.

    Parameters
    ----------
    x : array_like, shape (side²,)
        An image, row by row.
    size : int
        Side of the square in pixels, odd.
    side : int, optional
        Pixels in a row; by default the square root of their number.

    Raises
    ------
    ValueError
        If the inputs are not a square image, or `size` is not odd.
    """
    x = np.asarray(x, network.dtype)
    side = round(x.size**0.5) if side is None else side
    if side * side != x.size:
        raise ValueError(f"x has {x.size} inputs; expected a square image")
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size is {size}; expected an odd number of pixels")
    rows, columns = np.divmod(np.arange(x.size), side)
    is_near = np.abs(rows[:, None] - rows) <= size // 2
    is_near &= np.abs(columns[:, None] - columns) <= size // 2
    y = network.forward(np.column_stack([x, np.where(is_near, 0, x[:, None])]))[k]
    return np.asarray(y[0] - y[1:]).reshape(side, side)


def flip(
    network: NeuralNetwork, x: ArrayLike, target: int | None = None, *, steps: int = 50, margin: float = 0.02
) -> Array | None:
    """Return a nearby image that the network reads as another class, close to the smallest change that does it.

    Each step goes to where the nearest other class would draw level if the network were linear (DeepFool:
    Moosavi-Dezfooli, Fawzi & Frossard, 2016), and stays within [0, 1]. Then the change is halved as long as the
    answer stays flipped.

    Parameters
    ----------
    x : array_like, shape (n_input,)
        The inputs, in [0, 1].
    target : int, optional
        The class to reach; by default, the nearest.
    steps : int
        Steps at most.
    margin : float
        Share of each step that is added, so that the boundary is crossed and not only reached.

    Returns
    -------
    ndarray, shape (n_input,), or None
        The changed inputs; None if no step has reached another class, as with saturated units.
    """
    x = np.asarray(x, network.dtype)
    decided, changed = int(network.forward(x[:, None]).argmax()), x
    others = [k for k in range(network.layer_sizes[-1]) if k != decided and target in (None, k)]
    for _ in range(steps if others else 0):
        away = _nearest_step(network, changed, decided, others)
        if away is None:
            return None
        changed = np.clip(changed + (1 + margin) * away, 0, 1).astype(network.dtype)
        if network.forward(changed[:, None]).argmax() in others:
            return _shortened(network, x, changed, others)
    return None


def _nearest_step(network: NeuralNetwork, x: Array, decided: int, others: list[int]) -> Array | None:
    """Return the shortest step to where another class draws level, as the gradients at x say."""
    sums = network.forward(x[:, None])
    sums = network.a[-1][:, 0]
    own, best = d_input(network, x[:, None], decided)[:, 0], None
    for k in others:
        slope = d_input(network, x[:, None], k)[:, 0] - own
        slope = np.where(((x <= 0) & (slope < 0)) | ((x >= 1) & (slope > 0)), 0, slope)  # the border holds it
        squared = float(slope @ slope)
        if not np.isfinite(squared) or squared == 0:
            continue
        step = slope * (max(0.0, float(sums[decided] - sums[k])) + 1e-4) / squared
        if best is None or step @ step < best @ best:
            best = step
    return best


def _shortened(network: NeuralNetwork, x: Array, changed: Array, others: list[int]) -> Array:
    """Return the point nearest to x on the way to `changed` that is still read as another class (by bisection)."""
    low, high = 0.0, 1.0
    for _ in range(8):
        middle = (low + high) / 2
        point = (x + middle * (changed - x)).astype(x.dtype)
        low, high = (low, middle) if network.forward(point[:, None]).argmax() in others else (middle, high)
    return (x + high * (changed - x)).astype(x.dtype)
