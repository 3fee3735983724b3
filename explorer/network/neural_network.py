"""The public network class: the formulas of `network` with all methods, and checked arguments."""

import os
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import arguments
from .methods import Dropout, Optimization, Penalties, Schedule
from .network import Array
from .optimizers import OPTIMIZERS

_NUMBERED = re.compile(r"([Wbah])([1-9][0-9]?)")


class Layers:
    """The exercise's names for the arrays of each layer: ``W1``, ``b1``, ``a1`` and ``h1`` are the first's.

    Such a name accesses an entry of the list ``W``, ``b``, ``a`` or ``h``, which is created or extended as needed.
    The list ``h`` starts with the inputs of the network, ``h[0]``.
    """

    def __getattr__(self, name: str) -> Any:
        found, hint = _place(name), ""
        if found is not None:
            kind, index = found
            arrays = vars(self).get(kind, ())
            if index < len(arrays) and arrays[index] is not None:
                return arrays[index]
            hint = ": forward(X) makes it, for each of the network's layers" if kind in "ah" else ""
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}")

    def __setattr__(self, name: str, value: Any) -> None:
        found = _place(name) if name[-1].isdigit() else None
        arrays = [] if found is None else vars(self).setdefault(found[0], [])
        if found is None or not isinstance(arrays, list):  # the letter has another use in a subclass
            super().__setattr__(name, value)
        else:
            arrays.extend([None] * (found[1] + 1 - len(arrays)))
            arrays[found[1]] = value


def _place(name: str) -> tuple[str, int] | None:
    """Return the list and index that a name such as ``"W1"`` refers to; None for other names."""
    found = _NUMBERED.fullmatch(name)
    return (found[1], int(found[2]) - (found[1] != "h")) if found else None


class NeuralNetwork(Layers, Dropout, Penalties, Schedule, Optimization):
    """A fully connected network. Every formula is a method, which a subclass may replace: `fit` uses it.

    Raises `ValueError` if an argument, here or in a method, is invalid; the message names it.

    Parameters
    ----------
    n_input, n_hidden, n_output : int
        Inputs, units of the hidden layer (of several: a sequence or an array), and classes, each at least 1.
    hidden_activation : {"sigmoid", "relu", "tanh"}
    output : {"sigmoid", "softmax"}
        Activations of the hidden layers and of the output layer.
    loss : {"squared_error", "cross_entropy"}
        Loss, a sum over classes and samples.
    initializer : {"glorot", "he", "normal", "uniform"}
        Distribution of the initial weights; the initial biases are 0.
    optimizer : {"sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"}
        Method that turns the gradient into a step; see `explorer.network.optimizers`.
    l2, l1 : float
        Penalties on the weights, at least 0, in the loss of each sample; with AdamW, `l2` is their decay instead.
    dropout, input_dropout : float
        Share of the hidden units, and of the inputs, dropped in a step, at least 0 and below 1.
    max_norm : float
        Maximum length of the vector of a hidden unit's incoming weights; 0 for no limit.
    dtype : dtype
        float32, or float64 for checking gradients.
    seed, rng : int, numpy.random.Generator or None
        Source of the weights and of the order of samples in `fit`: `seed` is a number, as the setting of a run;
        `rng` is anything that `numpy.random.default_rng` accepts. Without either it is a random one.

    Attributes
    ----------
    W1, b1, W2, b2, … : ndarray
        Parameters of each layer: weights (n_out, n_in), biases (n_out, 1); can be changed in place or assigned.
    a1, h1, a2, h2, … : ndarray
        Weighted sums and activations of the last forward pass, shape (n_out, n); all in lists, as in `Network`.
    layer_sizes, shapes : tuple of int, dict of str to tuple of int
        Units of every layer, the inputs first; the shape of each parameter by its name, in the order W1, b1, …
    """

    dtype: np.dtype[np.floating]

    def __init__(
        self,
        n_input: int,
        n_hidden: int | Sequence[int] | NDArray[np.integer],
        n_output: int,
        *,
        hidden_activation: str = "sigmoid",
        output: str = "sigmoid",
        loss: str = "squared_error",
        initializer: str = "glorot",
        optimizer: str = "sgd",
        l2: float = 0.0,
        l1: float = 0.0,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        max_norm: float = 0.0,
        dtype: DTypeLike = np.float32,
        seed: int | None = None,
        rng: int | np.random.SeedSequence | np.random.BitGenerator | np.random.Generator | None = None,
    ) -> None:
        if seed is not None and rng is not None:
            raise ValueError(f"seed is {seed!r} and rng is given, too; expected one of them")
        n_input, *hidden, n_output = arguments.layer_sizes(n_input, n_hidden, n_output)
        self.shapes: dict[str, tuple[int, int]] = {}
        for layer, (n_in, n_out) in enumerate(pairwise((n_input, *hidden, n_output)), 1):
            self.shapes |= {f"W{layer}": (n_out, n_in), f"b{layer}": (n_out, 1)}
        self.optimizer = arguments.choice("optimizer", optimizer, OPTIMIZERS)
        self.l2, self.l1 = arguments.number("l2", l2), arguments.number("l1", l1)
        self.dropout = arguments.number("dropout", dropout, 1.0)
        self.input_dropout = arguments.number("input_dropout", input_dropout, 1.0)
        self.max_norm = arguments.number("max_norm", max_norm)
        names = hidden_activation, output, loss, initializer
        how: dict[str, Any] = {"dtype": arguments.float_dtype(dtype), "seed": rng if seed is None else seed}
        for (argument, known), name in zip(arguments.FUNCTIONS.items(), names, strict=True):
            how[argument] = arguments.choice(argument, name, known)
        super().__init__(n_input, hidden, n_output, **how)

    @property
    def n_layers(self) -> int:
        """Number of layers with weights, including the output layer."""
        return len(self.layer_sizes) - 1

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases."""
        return sum(rows * columns for rows, columns in self.shapes.values())

    @property
    def functions(self) -> dict[str, str]:
        """The names of the functions, as keyword arguments of this class."""
        return {name: getattr(self, name) for name in arguments.FUNCTIONS}

    @np.errstate(invalid="ignore")  # some BLAS warn of values they never compute (numpy#24067)
    def forward(self, X: ArrayLike) -> Array:
        """Return the outputs (n_output, n), in [0, 1], for `X` (n_input, n), and keep `a1`, `h1` and so on."""
        return super().forward(arguments.columns("X", X, self.layer_sizes[0], self.dtype))

    @np.errstate(invalid="ignore")  # as in forward
    def backward(self, X: ArrayLike, y: ArrayLike, d: ArrayLike) -> tuple[Array, ...]:
        """Return the gradient of `total_loss`, ``(d_W1, d_b1, …)``; `y` is what ``forward(X)`` just returned."""
        X = arguments.columns("X", X, self.layer_sizes[0], self.dtype)
        y = arguments.columns("y", y, self.layer_sizes[-1], self.dtype, X.shape[1])
        d = arguments.columns("d", d, self.layer_sizes[-1], self.dtype, X.shape[1])
        a, h = (getattr(self, f"{name}{self.n_layers}", None) for name in "ah")
        if a is None or a.shape != y.shape:
            raise ValueError(f"call forward(X) with these {y.shape[1]} samples before backward(X, y, d)")
        if h is not None and y is not h and not np.array_equal(y, h, equal_nan=True):
            raise ValueError("y is not what the last forward pass returned; call forward(X) again")
        return super().backward(X, y, d)

    def train_iteration(self, X: ArrayLike, d: ArrayLike, lr: float = 1e-2) -> float:
        """Make one step with the optimizer on `X` (n_input, n), `d` (n_output, n); return `total_loss` before it.

        The learning rate is the factor on the SUMMED gradient (on the mean, with RMSProp and Adam).
        """
        lr = arguments.learning_rate(lr)
        X = arguments.columns("X", X, self.layer_sizes[0], self.dtype)
        d = arguments.columns("d", d, self.layer_sizes[-1], self.dtype, X.shape[1])
        return super().train_iteration(X, d, lr)

    def fit(
        self,
        X: ArrayLike,
        d: ArrayLike,
        batch_size: int,
        n_epochs: int = 10,
        lr: float | Callable[[float], float] = 1e-2,
        *,
        reduction: str = "sum",
    ) -> NDArray[np.float64]:
        """Train by mini-batch gradient descent, and return the mean loss per sample of each epoch: (n_epochs,).

        Every epoch uses each sample of `X` (n_input, n) and `d` (n_output, n), all finite, once, in a new order.
        Each mini-batch, of which the last may be shorter, is one call of `train_iteration`. `lr` is greater than
        0, or a function of the epochs up to a mini-batch's middle; the `reduction`, "sum" or "mean", says which of
        the gradients it multiplies (the mean, with RMSProp and Adam).
        """
        X = arguments.samples("X", X, self.layer_sizes[0], self.dtype)
        d = arguments.samples("d", d, self.layer_sizes[-1], self.dtype, X.shape[1])
        batch_size = arguments.count("batch_size", batch_size)
        n_epochs = arguments.count("n_epochs", n_epochs)
        given = lr if callable(lr) else arguments.learning_rate(lr)
        by_mean = arguments.choice("reduction", reduction, ("sum", "mean")) == "mean"
        by_mean = by_mean and not OPTIMIZERS[self.optimizer].is_scale_free

        def rate(t: float, n: int) -> float:
            now = given(t) if callable(given) else given
            return now / n if by_mean else now

        return super().fit(X, d, batch_size, n_epochs, rate)

    def named(self) -> dict[str, Array]:
        """Return the parameters by name."""
        return dict(zip(self.shapes, self.parameters, strict=True))

    def weights(self) -> tuple[Array, ...]:
        """Return a read-only copy of the parameters, ``(W1, b1, W2, b2, …)``."""
        copies = tuple(parameter.copy() for parameter in self.parameters)
        for copy in copies:
            copy.flags.writeable = False
        return copies

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set all parameters, ``(W1, b1, …)``. Raises `ValueError`, and sets none, if a shape differs."""
        if len(weights) != len(self.shapes):
            raise ValueError(f"weights has {len(weights)} arrays; expected {len(self.shapes)}")
        named = zip(self.shapes, weights, strict=True)
        for name, array in [(name, self._fitting(name, array)) for name, array in named]:
            super().__setattr__(name, array)

    def copy(self, dtype: DTypeLike | None = None) -> Self:
        """Return an independent network with the same weights and random generator; `dtype` may be another."""
        made = deepcopy(self)
        if dtype is not None:
            made.dtype = arguments.float_dtype(dtype)
            made.set_weights(self.parameters)
        return made

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write sizes, functions and weights to a ``.npz`` file without pickles, atomically.

        The optimizer and the regularization are not stored. A ``~`` at the start is the home folder. Raises
        `OSError` if the file can't be written, or exists and `overwrite` is False; `WeightsError` if a weight is
        not finite.
        """
        from explorer.safe_write import whole_file  # file handling is imported on demand

        from .weights_file import weights_bytes

        content = weights_bytes(self.named(), self.functions)
        with whole_file(path, overwrite=overwrite) as stream:
            stream.write(content)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Load a network from a file, which may be untrusted; see `weights_file.load_weights`."""
        from .weights_file import load_weights, sizes_of

        saved = load_weights(path)
        n_input, *n_hidden, n_output = sizes_of(saved.weights)
        options: dict[str, Any] = {**saved.functions, "dtype": saved.weights["W1"].dtype}
        made = cls(n_input, n_hidden, n_output, seed=0, **options)
        made.set_weights(tuple(saved.weights.values()))
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        if name[:1] in ("W", "b") and name[1:].isdigit():
            if name not in self.shapes:
                raise AttributeError(f"there is no {name}: the network has {self.n_layers} layers")
            value = self._fitting(name, value)
        super().__setattr__(name, value)

    def _fitting(self, name: str, value: ArrayLike) -> Array:
        return arguments.parameter(name, value, self.shapes[name], self.dtype)

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.layer_sizes))
        return f"<{type(self).__name__} {sizes}, {self.hidden_activation}, {self.output} + {self.loss}>"
