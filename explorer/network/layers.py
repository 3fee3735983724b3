"""The parameters of a network's layers, and what a forward pass keeps of each."""

import re
from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any, Self

from numpy.typing import ArrayLike, DTypeLike, NDArray

from explorer.network import arguments

__all__ = ["Layers"]

Array = NDArray[Any]
_NUMBERED = re.compile(r"([Wbah])([1-9][0-9]?)")


class Layers:
    """Arrays by layer, ``W[1]``, ``b[1]``, ``a[1]``, ``h[1]`` …, which are also attributes: ``W1``, ``b1``, ….

    Weights and biases that are assigned keep their shape and dtype; a copy is taken. Raises `ValueError` for
    another shape, and for a dtype that is neither float32 nor float64.

    Parameters
    ----------
    layer_sizes : tuple of int
        Units of every layer, the inputs first.
    dtype : dtype
        float32 or float64.

    Attributes
    ----------
    W, b : dict of int to ndarray
        Parameters of layer 1, 2, …: weights of shape (n_out, n_in), biases (n_out, 1).
    a, h : dict of int to ndarray
        What the last forward pass kept: weighted sums and activations of shape (n_out, n).
    shapes : dict of str to tuple of int
        The shape of each parameter by its name, in the order W1, b1, W2, b2, …
    """

    def __init__(self, layer_sizes: tuple[int, ...], dtype: DTypeLike) -> None:
        self.layer_sizes, self.n_layers = layer_sizes, len(layer_sizes) - 1
        self.dtype = arguments.float_dtype(dtype)
        self.W: dict[int, Array] = {}
        self.b: dict[int, Array] = {}
        self.a: dict[int, Array] = {}
        self.h: dict[int, Array] = {}
        self.shapes: dict[str, tuple[int, int]] = {}
        for layer, (n_in, n_out) in enumerate(pairwise(layer_sizes), 1):
            self.shapes |= {f"W{layer}": (n_out, n_in), f"b{layer}": (n_out, 1)}

    @property
    def layers(self) -> range:
        """The numbers of the layers, from 1 for the first hidden layer to that of the output layer."""
        return range(1, self.n_layers + 1)

    @property
    def parameters(self) -> tuple[Array, ...]:
        """The parameters themselves, ``(W1, b1, W2, b2, …)``."""
        return tuple(array for layer in self.layers for array in (self.W[layer], self.b[layer]))

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases."""
        return sum(rows * columns for rows, columns in self.shapes.values())

    def named(self) -> dict[str, Array]:
        """Return the parameters by their names."""
        return dict(zip(self.shapes, self.parameters, strict=True))

    def weights(self) -> tuple[Array, ...]:
        """Return a read-only copy of the parameters, ``(W1, b1, W2, b2, …)``."""
        copies = tuple(parameter.copy() for parameter in self.parameters)
        for copy in copies:
            copy.flags.writeable = False
        return copies

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set all parameters, ``(W1, b1, …)``. Raises `ValueError`, and sets none, if one has another shape."""
        if len(weights) != len(self.shapes):
            raise ValueError(f"weights has {len(weights)} arrays; expected {len(self.shapes)}")
        named = zip(self.shapes, weights, strict=True)
        for name, array in [(name, self._fitting(name, array)) for name, array in named]:
            setattr(self, name, array)

    def copy(self, dtype: DTypeLike | None = None) -> Self:
        """Return a network with the same layers, weights and random generator, which shares nothing with this one.

        It computes in `dtype`, by default this network's. Raises `ValueError` if that isn't float32 or float64.
        """
        made = deepcopy(self)
        if dtype is not None:
            made.dtype = arguments.float_dtype(dtype)
            made.set_weights(self.parameters)
        return made

    def _fitting(self, name: str, value: ArrayLike) -> Array:
        return arguments.parameter(name, value, self.shapes[name], self.dtype)

    def __getattr__(self, name: str) -> Any:
        found = _NUMBERED.fullmatch(name)
        if found:
            array = vars(self).get(found[1], {}).get(int(found[2]))
            if array is not None:
                return array
        hint = ": forward(X) makes it, for each of the network's layers" if found and found[1] in "ah" else ""
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}")

    def __setattr__(self, name: str, value: Any) -> None:
        found = _NUMBERED.fullmatch(name)
        if found is None:
            super().__setattr__(name, value)
        elif found[1] in "ah":
            vars(self)[found[1]][int(found[2])] = value
        elif name not in self.shapes:
            raise AttributeError(f"there is no {name}: the network has {self.n_layers} layers")
        else:
            vars(self)[found[1]][int(found[2])] = self._fitting(name, value)
