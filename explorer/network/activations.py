"""Activations: what a unit makes of its weighted sum, and how steeply.

Each is written once, as a class whose methods give the calls that write into given arrays; the plain functions
`sigmoid`, `d_sigmoid`, … and the network stand on the same lines. The slope is a function of the activation
itself, h(1 − h) for the sigmoid, so the backward pass needs nothing that the forward pass did not keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from explorer.network.calls import Calls, perform

__all__ = [
    "ACTIVATIONS",
    "OUTPUTS",
    "Activation",
    "Relu",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "d_relu",
    "d_sigmoid",
    "d_tanh",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]

Array = NDArray[Any]


class Activation(Protocol):
    """An activation for arrays of one floating dtype.

    Constants are 0-d arrays of that dtype: a ufunc takes one in half the time that a Python float needs,
    which is felt when a mini-batch is a single sample.
    """

    def __init__(self, dtype: DTypeLike) -> None: ...

    def value(self, a: Array, out: Array) -> Calls:
        """Return the calls that write the activation of `a` into `out`, of the same shape."""


class Sigmoid:
    """The logistic function 1 / (1 + e⁻ᵃ), with slope h(1 − h)."""

    def __init__(self, dtype: DTypeLike) -> None:
        self.one = np.ones((), dtype)

    def value(self, a: Array, out: Array) -> Calls:
        """Return the calls for σ(a). Where e⁻ᵃ overflows to infinity the result is 0, as it should be."""
        return (
            partial(np.negative, a, out),
            partial(np.exp, out, out),
            partial(np.add, out, self.one, out),
            partial(np.reciprocal, out, out),
        )

    def slope(self, h: Array, out: Array) -> Calls:
        """Return the calls that write σ′ = h(1 − h) into `out`, from the activation `h`."""
        return partial(np.subtract, self.one, h, out), partial(np.multiply, out, h, out)


class Relu:
    """The rectifier max(0, a), with slope 1 where h > 0 and 0 elsewhere (Nair & Hinton, 2010)."""

    def __init__(self, dtype: DTypeLike) -> None:
        self.zero = np.zeros((), dtype)

    def value(self, a: Array, out: Array) -> Calls:
        """Return the call that writes max(0, a) into `out`."""
        return (partial(np.maximum, a, self.zero, out=out),)

    def slope(self, h: Array, out: Array) -> Calls:
        """Return the call that writes the slope into `out`, from the activation `h`, which is never negative."""
        return (partial(np.sign, h, out),)


class Tanh:
    """The hyperbolic tangent, with slope 1 − h²."""

    def __init__(self, dtype: DTypeLike) -> None:
        self.one = np.ones((), dtype)

    def value(self, a: Array, out: Array) -> Calls:
        """Return the call that writes tanh(a) into `out`."""
        return (partial(np.tanh, a, out),)

    def slope(self, h: Array, out: Array) -> Calls:
        """Return the calls that write 1 − h² into `out`, from the activation `h`."""
        return partial(np.multiply, h, h, out), partial(np.subtract, self.one, out, out)


class Softmax:
    """Exponentials divided by their sum over the classes (Bridle, 1990).

    The largest input of each sample is subtracted first: that leaves the quotient as it is and keeps every
    exponential at or below 1. Here the classes are the LAST axis.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)

    def value(self, a: Array, out: Array) -> Calls:
        """Return the calls that write the softmax of `a` over its last axis into `out`."""
        largest, total = (np.empty((*a.shape[:-1], 1), self.dtype) for _ in range(2))
        ones = np.ones((a.shape[-1], 1), self.dtype)
        return (
            partial(np.maximum.reduce, a, -1, None, largest, True),  # with the axis kept
            partial(np.subtract, a, largest, out),
            partial(np.exp, out, out),
            partial(np.dot, out, ones, total),  # ten times as fast as a sum over rows of ten
            partial(np.divide, out, total, out),
        )


ACTIVATIONS: Mapping[str, type[Sigmoid] | type[Relu] | type[Tanh]] = MappingProxyType(
    {"sigmoid": Sigmoid, "relu": Relu, "tanh": Tanh}
)
"""The activations of hidden layers, by name."""

OUTPUTS: Mapping[str, type[Sigmoid] | type[Softmax]] = MappingProxyType(
    {"sigmoid": Sigmoid, "softmax": Softmax}
)
"""The activations of the output layer, by name."""


def sigmoid(a: ArrayLike) -> Any:
    """Return the logistic function of every element.

    Parameters
    ----------
    a : array_like
        Any shape, or a scalar; any finite value.

    Returns
    -------
    ndarray or scalar
        1 / (1 + e⁻ᵃ), of the shape of `a`, in [0, 1]; a floating dtype.
    """
    return _value(Sigmoid, a)


def d_sigmoid(a: ArrayLike) -> Any:
    """Return the derivative of the logistic function at every element.

    Parameters
    ----------
    a : array_like
        Any shape, or a scalar: the weighted sum, not the activation.

    Returns
    -------
    ndarray or scalar
        σ(a)(1 − σ(a)), of the shape of `a`, in [0, 0.25].
    """
    return _slope(Sigmoid, a)


def relu(a: ArrayLike) -> Any:
    """Return max(0, a) for every element (Nair & Hinton, 2010).

    Parameters
    ----------
    a : array_like
        Any shape, or a scalar.

    Returns
    -------
    ndarray or scalar
        Of the shape of `a`, at least 0.
    """
    return _value(Relu, a)


def d_relu(a: ArrayLike) -> Any:
    """Return the derivative of the rectifier at every element: 1 where a > 0, else 0.

    Parameters
    ----------
    a : array_like
        Any shape, or a scalar. At a = 0, where there is no derivative, 0 is taken.

    Returns
    -------
    ndarray or scalar
        Of the shape of `a`, 0 or 1.
    """
    return _slope(Relu, a)


def tanh(a: ArrayLike) -> Any:
    """Return the hyperbolic tangent of every element.

    Parameters
    ----------
    a : array_like
        Any shape, or a scalar.

    Returns
    -------
    ndarray or scalar
        Of the shape of `a`, in [−1, 1].
    """
    return _value(Tanh, a)


def d_tanh(a: ArrayLike) -> Any:
    """Return the derivative of the hyperbolic tangent at every element.

    Parameters
    ----------
    a : array_like
        Any shape, or a scalar.

    Returns
    -------
    ndarray or scalar
        1 − tanh²(a), of the shape of `a`, in [0, 1].
    """
    return _slope(Tanh, a)


def softmax(a: ArrayLike) -> Any:
    """Return the softmax over axis 0: samples are columns (Bridle, 1990).

    Parameters
    ----------
    a : array_like, shape (n_classes,) or (n_classes, n_samples)
        Any finite value, however large.

    Returns
    -------
    ndarray
        Of the shape of `a`, in [0, 1]; every column sums to 1.
    """
    a = _floating(a)
    out = np.empty(a.shape[::-1], a.dtype)
    with np.errstate(over="ignore"):
        perform(Softmax(a.dtype).value(a.T, out))
    return np.ascontiguousarray(out.T)


def _floating(a: ArrayLike) -> Array:
    a = np.asarray(a)
    return a if np.issubdtype(a.dtype, np.floating) else a.astype(np.float64)


def _value(activation: type[Activation], a: ArrayLike) -> Any:
    a = _floating(a)
    out = np.empty_like(a)
    with np.errstate(over="ignore"):
        perform(activation(a.dtype).value(a, out))
    return out[()]


def _slope(activation: type[Sigmoid] | type[Relu] | type[Tanh], a: ArrayLike) -> Any:
    h = np.asarray(_value(activation, a))
    out = np.empty_like(h)
    perform(activation(h.dtype).slope(h, out))
    return out[()]
