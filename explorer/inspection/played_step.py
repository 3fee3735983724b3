"""One step of training, in slow motion: forward, loss, backward, step, and the same samples again."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.network import NeuralNetwork

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class PlayedStep:
    """Every number of a step on a copy of a network, lists in the order of the layers.

    Parameters
    ----------
    X, d : ndarray, shapes (n_input, n) and (n_output, n)
        The mini-batch, and its desired outputs.
    a, h : list of ndarray, each (n_units, n)
        Weighted sums and activations before the step; the last of `h` is the output y.
    loss, loss_after : float
        The total loss over the mini-batch before and after the step.
    deltas : list of ndarray, each (n_units, n)
        ∂L/∂a, from the textbook's backward pass sample by sample.
    gradient : tuple of ndarray
        ``(d_W1, d_b1, …)``, without the penalties' share if there is none.
    before, after : tuple of ndarray
        The weights ``(W1, b1, …)`` before and after the step.
    y_after : ndarray, shape (n_output, n)
        The outputs for the same samples after the step.
    lr : float
        The learning rate.
    """

    X: Array
    d: Array
    a: list[Array]
    h: list[Array]
    loss: float
    deltas: list[Array]
    gradient: tuple[Array, ...]
    before: tuple[Array, ...]
    after: tuple[Array, ...]
    y_after: Array
    loss_after: float
    lr: float


@np.errstate(all="ignore")  # infinite or NaN weights show in the result
def play_step(network: NeuralNetwork, X: ArrayLike, d: ArrayLike, lr: float = 0.01) -> PlayedStep:
    """Make one `train_iteration` on a copy of a network, without dropout, and return all its numbers.

    Parameters
    ----------
    network : NeuralNetwork
        The network, which stays as it is.
    X, d : array_like, shapes (n_input, n) and (n_output, n)
        A mini-batch, and its desired outputs.
    lr : float
        Learning rate, as in `train_iteration`.

    Raises
    ------
    ValueError
        As `train_iteration` does.
    """
    copy = network.copy()
    copy.dropout = copy.input_dropout = 0.0  # units that come and go at random would hide what the step does
    X, d = np.asarray(X, copy.dtype), np.asarray(d, copy.dtype)
    y = copy.forward(X)
    a, h, loss = (
        [array.copy() for array in copy.a],
        [array.copy() for array in copy.h[1:]],
        copy.total_loss(y, d),
    )
    gradient = copy.backward(X, y, d)
    deltas = _deltas(copy, y, d)
    before = copy.weights()
    copy.train_iteration(X, d, lr)
    y_after = copy.forward(X)
    return PlayedStep(
        X, d, a, h, loss, deltas, gradient, before, copy.weights(), y_after, copy.total_loss(y_after, d), lr
    )


def _deltas(network: NeuralNetwork, y: Array, d: Array) -> list[Array]:
    """Return ∂L/∂a of every layer for each sample; the textbook's backward pass keeps only their sums."""
    deltas = [network.output_delta(y, d)]
    for i in range(network.n_layers - 1, 0, -1):
        deltas.insert(0, (network.W[i].T @ deltas[0]) * network.f[i - 1].d(network.a[i - 1]))
    return deltas
