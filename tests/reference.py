"""The exercise's network in float64, as plain as it can be said: what the package is compared with.

Samples are columns. Parameters are a list ``[W1, b1, W2, b2, …]``, each 2-D. Nothing here is fast, nothing is
shared with the package, and every function returns new arrays.
"""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ACTIVATIONS = ("sigmoid", "relu", "tanh")
OUTPUTS = ("sigmoid", "softmax")
LOSSES = ("squared_error", "cross_entropy")
COMBINATIONS = [*itertools.product(ACTIVATIONS, OUTPUTS, LOSSES)]


def sigmoid(a: Array) -> Array:
    return np.exp(-np.logaddexp(0.0, -a))  # 1 / (1 + exp(−a)), by logarithms


def softmax(a: Array) -> Array:
    e = np.exp(a - a.max(axis=0))
    return e / e.sum(axis=0)


def hidden(name: str, a: Array) -> Array:
    return {"sigmoid": sigmoid, "relu": lambda a: a * (a > 0), "tanh": np.tanh}[name](a)


def d_hidden(name: str, a: Array) -> Array:
    """Return the derivative of a hidden activation at `a`."""
    if name == "sigmoid":
        return sigmoid(a) * sigmoid(-a)
    if name == "relu":
        return (a > 0) * 1.0
    return 1.0 / np.cosh(a) ** 2


def loss(name: str, y: Array, d: Array) -> float:
    """Return the loss, a sum over everything."""
    if name == "squared_error":
        return float(np.sum((y - d) ** 2) / 2)
    return float(-np.sum(d[d != 0] * np.log(y[d != 0])))


def forward(parameters: Sequence[Array], X: Array, activation: str, output: str) -> tuple[list, list]:
    """Return ``[a1, a2, …]`` and ``[X, h1, h2, …, y]``."""
    a, h = [], [np.asarray(X, dtype=np.float64)]
    layers = len(parameters) // 2
    for i in range(layers):
        W, b = parameters[2 * i], parameters[2 * i + 1]
        a.append(W @ h[-1] + b)
        if i < layers - 1:
            h.append(hidden(activation, a[-1]))
        else:
            h.append(sigmoid(a[-1]) if output == "sigmoid" else softmax(a[-1]))
    return a, h


def output_delta(y: Array, d: Array, output: str, loss: str) -> Array:
    """Return the derivative of the loss with respect to the last layer's weighted sums, sample by sample."""
    delta = np.empty_like(y)
    for n in range(y.shape[1]):
        yn, dn = y[:, n], d[:, n]
        if output == "softmax" and loss == "cross_entropy":
            delta[:, n] = yn * dn.sum() - dn
            continue
        g = yn - dn if loss == "squared_error" else np.divide(-dn, yn, out=np.zeros_like(yn), where=dn != 0)
        jacobian = np.diag(yn * (1 - yn)) if output == "sigmoid" else np.diag(yn) - np.outer(yn, yn)
        delta[:, n] = jacobian @ g
    return delta


def backward(
    parameters: Sequence[Array], X: Array, d: Array, activation: str, output: str, loss: str
) -> list[Array]:
    """Return ``[d_W1, d_b1, d_W2, d_b2, …]``, summed over the samples."""
    a, h = forward(parameters, X, activation, output)
    gradients: list[Array] = []
    delta = output_delta(h[-1], d, output, loss)
    for i in reversed(range(len(a))):
        gradients[:0] = [delta @ h[i].T, delta.sum(axis=1, keepdims=True)]
        if i:
            delta = (parameters[2 * i].T @ delta) * d_hidden(activation, a[i - 1])
    return gradients


def sgd(
    parameters: Sequence[Array],
    X: Array,
    D: Array,
    batches: Iterable[NDArray[np.int64]],
    *,
    lr: float,
    activation: str = "sigmoid",
    output: str = "sigmoid",
    loss: str = "squared_error",
    reduction: str = "sum",
) -> tuple[list[Array], list[float], list[int]]:
    """Take one step for each batch (the indices of its columns).

    Returns
    -------
    parameters, losses, right
        The weights after the last step; for each batch its loss (a sum) and the number of its samples that
        were classified correctly, both before its step.
    """
    parameters = [np.array(p, dtype=np.float64) for p in parameters]
    losses, right = [], []
    for batch in batches:
        x, d = X[:, batch], D[:, batch]
        y = forward(parameters, x, activation, output)[1][-1]
        losses.append(_loss(loss, y, d))
        right.append(int(np.sum(y.argmax(axis=0) == d.argmax(axis=0))))
        step = lr / (len(batch) if reduction == "mean" else 1)
        gradients = backward(parameters, x, d, activation, output, loss)
        parameters = [p - step * g for p, g in zip(parameters, gradients, strict=True)]
    return parameters, losses, right


_loss = loss  # `sgd` has an argument of this name


def slices(order: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """Cut one epoch's order into batches; the last may be short."""
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def central_differences(f, parameters: Sequence[Array], eps: float = 1e-5) -> list[Array]:
    """Return the derivative of the number ``f()`` by each entry of `parameters`, which it reads in place."""
    slopes = []
    for p in parameters:
        slope = np.empty_like(p)
        for i in np.ndindex(p.shape):
            old = p[i]
            p[i] = old + eps
            above = f()
            p[i] = old - eps
            below = f()
            p[i] = old
            slope[i] = (above - below) / (2 * eps)
        slopes.append(slope)
    return slopes
