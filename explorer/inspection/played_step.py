"""One step of training, in slow motion: forward, loss, backward, step, and the same samples again."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.inspection.contributions import activations
from explorer.network import NeuralNetwork

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class PlayedStep:
    """Every number of a step on a copy of a network, lists in the order of the layers."""

    X: Array
    d: Array
    """The mini-batch, (n_input, n), and its desired outputs, (n_output, n)."""
    a: list[Array]
    h: list[Array]
    """Weighted sums and activations before the step, each (n_units, n); the last of `h` is the output y."""
    loss: float
    """The total loss of the mini-batch, penalties included, before the step."""
    deltas: list[Array]
    """∂L/∂a for each sample, each (n_units, n); summed over the samples, they are the gradient of the biases."""
    gradient: tuple[Array, ...]
    """``(d_W1, d_b1, …)`` of the total loss."""
    before: tuple[Array, ...]
    after: tuple[Array, ...]
    """The parameters ``(W1, b1, …)`` before and after the step."""
    y_after: Array
    loss_after: float
    """The outputs for the same samples after the step, (n_output, n), and their total loss."""
    lr: float


@np.errstate(all="ignore")  # infinite or NaN weights show in the result
def play_step(network: NeuralNetwork, X: ArrayLike, d: ArrayLike, lr: float = 0.01) -> PlayedStep:
    """Make one `train_iteration` on a copy of a network, without dropout, and return all its numbers."""
    copy = network.copy()
    copy.dropout = copy.input_dropout = 0.0  # units that come and go at random would hide what the step does
    X, d = np.array(X, copy.dtype), np.array(d, copy.dtype)
    h = activations(copy, X)[1:]
    a, y = [*copy.a], h[-1]
    loss, gradient, before = copy.total_loss(y, d), copy.backward(X, y, d), copy.weights()
    # ∂L/∂a of every layer for each sample: of one sample, it is the gradient of the biases.
    columns = ((X[:, [i]], d[:, [i]]) for i in range(X.shape[1]))
    passes = [copy.backward(x, copy.forward(x), wanted)[1::2] for x, wanted in columns]
    deltas = [np.hstack(of_layer) for of_layer in zip(*passes, strict=True)]
    copy.train_iteration(X, d, lr)
    after, y_after = copy.weights(), copy.forward(X)
    loss_after = copy.total_loss(y_after, d)
    return PlayedStep(X, d, a, h, loss, deltas, gradient, before, after, y_after, loss_after, lr)
