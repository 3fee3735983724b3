"""The feed-forward network: weights, a forward pass, a backward pass, and a step down the gradient."""

from __future__ import annotations

import math
import numbers
import os
import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from explorer.network.activations import ACTIVATIONS, OUTPUTS
from explorer.network.calls import perform
from explorer.network.initializers import INITIALIZERS
from explorer.network.losses import LOSSES
from explorer.network.passes import Parameters, Pass

__all__ = ["NeuralNetwork"]

Array = NDArray[Any]
_PARAMETER = re.compile(r"([Wb])([1-9][0-9]?)")
_KEPT = re.compile(r"([ah])([1-9][0-9]?)")


class NeuralNetwork:
    """A fully connected network with any number of hidden layers.

    Parameters
    ----------
    n_input : int
        Inputs, at least 1.
    n_hidden : int, or sequence or one-dimensional array of int
        Units in the hidden layer, or in each of several hidden layers, at least 1.
    n_output : int
        Outputs, one per class, at least 1.
    hidden_activation : {"sigmoid", "relu", "tanh"}
        Activation of the hidden layers.
    output : {"sigmoid", "softmax"}
        Activation of the output layer.
    loss : {"squared_error", "cross_entropy"}
        Loss, a sum over classes and samples.
    initializer : {"glorot", "he", "normal", "uniform"}
        Distribution of the first weights; the first biases are 0.
    dtype : dtype
        float32, or float64 for checking gradients.
    seed : int, numpy.random.Generator or None
        Source of the weights and of the order of samples in `fit`; None draws a fresh one.

    Attributes
    ----------
    W1, b1, W2, b2, … : ndarray
        Parameters of layer 1, 2, …: weights of shape (n_out, n_in), biases (n_out, 1). They may be changed in
        place or assigned.
    a1, h1, a2, h2, … : ndarray
        Weighted sums and activations of the last forward pass, each of shape (n_units, n_samples). They are
        views: a `train_iteration` on as many samples writes its own into them, so copy what is to be kept.

    Raises
    ------
    ValueError
        If a size is not a positive whole number, or a name or dtype is unknown.

    Notes
    -----
    Samples are COLUMNS everywhere: inputs have shape (n_input, n_samples), outputs (n_output, n_samples).
    """

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
        dtype: DTypeLike = np.float32,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        hidden = _listed(n_hidden)
        if not hidden:
            raise ValueError("n_hidden is empty; wanted is at least one hidden layer")
        names = ("n_input", *["n_hidden"] * len(hidden), "n_output")
        sizes = tuple(_positive(n, size) for n, size in zip(names, (n_input, *hidden, n_output), strict=True))
        self.layer_sizes = sizes
        self.hidden_activation = _known("hidden_activation", hidden_activation, ACTIVATIONS)
        self.output = _known("output", output, OUTPUTS)
        self.loss = _known("loss", loss, LOSSES)
        self.initializer = _known("initializer", initializer, INITIALIZERS)
        self.dtype = _floating(dtype)
        self.rng = np.random.default_rng(seed)
        self.theta = Parameters.empty(sizes, self.dtype)
        self._pass: Pass | None = None
        self._outputs: Array | None = None
        self.init_weights()

    def init_weights(self) -> None:
        """Draw new weights with the initializer and set the biases to 0."""
        draw = INITIALIZERS[self.initializer]
        for V, b in self.parameters:
            V[:] = draw(self.rng, *V.shape).T
            b[:] = 0.0

    @property
    def parameters(self) -> tuple[tuple[Array, Array], ...]:
        """For each layer the transposes of W and b, as the passes use them; to be changed in place only."""
        return self.theta.layers

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases."""
        return self.theta.flat.size

    def forward(self, X: ArrayLike) -> Array:
        """Return the outputs for a batch, and keep each layer's sums and activations.

        Parameters
        ----------
        X : array_like, shape (n_input, n_samples)
            One sample per column.

        Returns
        -------
        ndarray, shape (n_output, n_samples)
            In [0, 1].

        Raises
        ------
        ValueError
            If `X` has another shape.

        Notes
        -----
        ``a1 = W1 X + b1``, ``h1 = f(a1)``, ``a2 = W2 h1 + b2``, … and the output activation at the end.
        """
        rows = self._inputs(X)
        self._pass = self.make_pass(len(rows))
        return self._forward(rows).T

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the class with the largest output for each sample: int64, shape (n_samples,).

        Parameters
        ----------
        X : array_like, shape (n_input, n_samples)
        """
        rows = self._inputs(X)
        outputs = np.empty((len(rows), self.layer_sizes[-1]), self.dtype)
        with np.errstate(all="ignore"):
            perform(self.make_pass(len(rows)).forward(rows, outputs))
        decided: NDArray[np.int64] = outputs.argmax(axis=1)
        return decided

    def backward(self, X: ArrayLike, y: ArrayLike, d: ArrayLike) -> tuple[Array, ...]:
        """Return the gradient of the loss with respect to each parameter, summed over the samples.

        Parameters
        ----------
        X : array_like, shape (n_input, n_samples)
            The inputs of the last forward pass.
        y : array_like, shape (n_output, n_samples)
            The outputs that it returned.
        d : array_like, shape (n_output, n_samples)
            The desired outputs.

        Returns
        -------
        tuple of ndarray
            ``(d_W1, d_b1, d_W2, d_b2, …)``, each of the shape of its parameter.

        Raises
        ------
        ValueError
            If a shape is wrong, or if `y` is not what the last forward pass returned.

        Notes
        -----
        Backpropagation (Rumelhart, Hinton & Williams, 1986): with ``delta2 = ∂L/∂a2``,
        ``d_W2 = delta2 h1ᵀ``, ``d_b2 = Σ delta2``, ``delta1 = (W2ᵀ delta2) ∘ f′(a1)``,
        ``d_W1 = delta1 Xᵀ``, ``d_b1 = Σ delta1``.
        """
        rows = self._inputs(X)
        y = self._rows("y", y, self.layer_sizes[-1], len(rows))
        d = self._rows("d", d, self.layer_sizes[-1], len(rows))
        if self._pass is None or self._outputs is None or len(self._outputs) != len(rows):
            raise ValueError(f"call forward(X) with these {len(rows)} samples before backward(X, y, d)")
        if not np.array_equal(y, self._outputs, equal_nan=True):
            raise ValueError("y is not what the last forward pass returned: call forward(X) again")
        with np.errstate(all="ignore"):
            perform(self._pass.backward(rows, y, d, np.ones((), self.dtype)))
        return tuple(step.T.copy() for layer in self._pass.steps.layers for step in layer)

    def train_iteration(self, X: ArrayLike, d: ArrayLike, lr: float = 1e-2) -> float:
        """Take one step down the gradient, and return the loss before the step.

        Parameters
        ----------
        X : array_like, shape (n_input, n_samples)
            The mini-batch.
        d : array_like, shape (n_output, n_samples)
            Its desired outputs.
        lr : float
            Learning rate, the factor on the SUMMED gradient; finite, greater than 0.

        Returns
        -------
        float
            The loss of the mini-batch, a sum, before the step.

        Raises
        ------
        ValueError
            If a shape or the learning rate is not as said.
        """
        lr = _rate(lr)
        rows = self._inputs(X)
        targets = self._rows("d", d, self.layer_sizes[-1], len(rows))
        if self._pass is None or len(self._pass.first.a) != len(rows):
            self._pass = self.make_pass(len(rows))
        y = self._forward(rows)
        with np.errstate(all="ignore"):
            loss = LOSSES[self.loss](y, targets)
            perform(self._pass.backward(rows, y, targets, np.array(lr, self.dtype)))
            perform(self._pass.descend())
        return loss

    def fit(
        self,
        X: ArrayLike,
        d: ArrayLike,
        batch_size: int,
        n_epochs: int = 10,
        lr: float = 1e-2,
        *,
        reduction: str = "sum",
    ) -> NDArray[np.float64]:
        """Train by mini-batch gradient descent, and return the mean loss per sample of each epoch.

        Every epoch shuffles the samples anew and uses each exactly once, in mini-batches of `batch_size`; the
        last one may be shorter. Each mini-batch is one call of `train_iteration`.

        Parameters
        ----------
        X : array_like, shape (n_input, n_samples)
            All training samples, finite.
        d : array_like, shape (n_output, n_samples)
            Their desired outputs, finite.
        batch_size : int
            Samples per step, at least 1; more than there are means all.
        n_epochs : int
            Passes over the samples, at least 1.
        lr : float
            Learning rate, finite and greater than 0.
        reduction : {"sum", "mean"}
            Whether `lr` multiplies the sum or the mean of the gradients of a mini-batch.

        Returns
        -------
        ndarray of float64, shape (n_epochs,)
            Mean loss per sample over the epoch's own forward passes, each before its step.

        Raises
        ------
        ValueError
            If a shape or value is not as said.
        """
        rows = self._rows("X", X, self.layer_sizes[0], finite=True)
        targets = self._rows("d", d, self.layer_sizes[-1], len(rows), finite=True)
        batch_size, n_epochs = _positive("batch_size", batch_size), _positive("n_epochs", n_epochs)
        lr = _rate(lr)
        _known("reduction", reduction, ("sum", "mean"))
        history = np.zeros(n_epochs)
        for epoch in range(n_epochs):
            order = self.rng.permutation(len(rows))
            for start in range(0, len(rows), batch_size):
                batch = order[start : start + batch_size]
                rate = lr if reduction == "sum" else lr / len(batch)
                history[epoch] += self.train_iteration(rows[batch].T, targets[batch].T, rate)
        return history / len(rows)

    def copy(self, dtype: DTypeLike | None = None) -> NeuralNetwork:
        """Return a network with the same layers, weights and random generator, and nothing in common with this.

        Parameters
        ----------
        dtype : dtype, optional
            What the copy counts in, float32 or float64; without it, what this network does.

        Raises
        ------
        ValueError
            If the dtype is another.
        """
        made = deepcopy(self)
        if dtype is not None:
            made.dtype = _floating(dtype)
            made.theta = Parameters(self.layer_sizes, self.theta.flat.astype(made.dtype))
        return made

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write layer sizes, functions and weights to a ``.npz`` file without pickles, all of it or nothing.

        Parameters
        ----------
        path : str or path-like
            Where to; nothing is added to the name. A ``~`` at the start is the home folder.
        overwrite : bool
            Whether a file that is there already is replaced.

        Raises
        ------
        ValueError
            If a weight is infinite or not a number.
        OSError
            If the file is there already and may not be replaced, or can't be written.
        """
        from explorer.network.weights_file import save_weights  # which needs this class

        save_weights(path, self, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> NeuralNetwork:
        """Return the network that `save`, the explorer's page or the command wrote to a file.

        Parameters
        ----------
        path : str or path-like
            The file. It may come from anywhere: nothing in it is run, and its sizes are checked before it is read.

        Raises
        ------
        ValueError
            If there is no such file, or it holds anything else. The message names the file, what was found and
            what was wanted.
        """
        from explorer.network.weights_file import load_network  # which needs this class

        return load_network(path)

    def make_pass(self, n_samples: int, input_scale: float = 1.0, small_product: int = 0) -> Pass:
        """Return the arrays and formulas for passes of `n_samples` rows through this network."""
        names = self.hidden_activation, self.output, self.loss
        return Pass(self.theta, *names, n_samples, input_scale, small_product)

    def weights(self) -> tuple[Array, ...]:
        """Return a read-only copy of the parameters, ``(W1, b1, W2, b2, …)``."""
        copies = tuple(array.T.copy() for layer in self.parameters for array in layer)
        for copy in copies:
            copy.flags.writeable = False
        return copies

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set all parameters, ``(W1, b1, W2, b2, …)`` as `weights` returns them.

        Raises
        ------
        ValueError
            If their number or a shape is not this network's.
        """
        if len(weights) != 2 * len(self.parameters):
            raise ValueError(f"weights has {len(weights)} arrays; wanted are {2 * len(self.parameters)}")
        names = [f"{letter}{number}" for number in range(1, len(self.parameters) + 1) for letter in "Wb"]
        arrays = [self._fitting(name, array) for name, array in zip(names, weights, strict=True)]
        for name, array in zip(names, arrays, strict=True):
            setattr(self, name, array)

    def __getattr__(self, name: str) -> Array:
        kept = _KEPT.fullmatch(name)
        if kept is not None:
            return self._kept(name, kept[1], int(kept[2]))
        parameter = self._parameter(name)
        if parameter is None:
            raise AttributeError(f"NeuralNetwork has no attribute {name!r}")
        return parameter

    def __setattr__(self, name: str, value: Any) -> None:
        parameter = self._parameter(name)
        if parameter is None:
            object.__setattr__(self, name, value)
        else:
            parameter[:] = self._fitting(name, value)

    def _fitting(self, name: str, value: ArrayLike) -> Array:
        """Return `value` as an array of the shape of the parameter `name`, or raise `ValueError`."""
        array, parameter = np.asarray(value), getattr(self, name)
        if array.shape != parameter.shape:
            raise ValueError(f"{name} has shape {parameter.shape}; it can't be set to shape {array.shape}")
        return array

    def __getstate__(self) -> dict[str, Any]:
        # What a pass holds are views into the weights; a copy makes its own at its first pass.
        return {**self.__dict__, "_pass": None, "_outputs": None}

    def __repr__(self) -> str:
        sizes = "-".join(str(size) for size in self.layer_sizes)
        return f"<NeuralNetwork {sizes}, {self.hidden_activation}, {self.output} + {self.loss}>"

    def _forward(self, rows: Array) -> Array:
        assert self._pass is not None
        self._outputs = np.empty((len(rows), self.layer_sizes[-1]), self.dtype)
        with np.errstate(all="ignore"):
            perform(self._pass.forward(rows, self._outputs))
        return self._outputs

    def _parameter(self, name: str) -> Array | None:
        match = _PARAMETER.fullmatch(name)
        if match is None or int(match[2]) >= len(self.layer_sizes):
            return None
        V, b = self.parameters[int(match[2]) - 1]
        return V.T if match[1] == "W" else b.T

    def _kept(self, name: str, kind: str, number: int) -> Array:
        if self._pass is None or number >= len(self.layer_sizes):
            raise AttributeError(f"{name} is there after a forward pass, for each of the network's layers")
        layer = self._pass.layers[number - 1]
        if kind == "a":
            return layer.a.T
        if layer is self._pass.last:
            assert self._outputs is not None
            return self._outputs.T
        return layer.h.T

    def _inputs(self, X: ArrayLike) -> Array:
        """Return the samples as rows, each with a 1 at its end for the bias."""
        rows = self._rows("X", X, self.layer_sizes[0])
        inputs = np.ones((rows.shape[0], rows.shape[1] + 1), self.dtype)
        inputs[:, :-1] = rows
        return inputs

    def _rows(
        self, name: str, value: ArrayLike, n_features: int, n_samples: int | None = None, finite: bool = False
    ) -> Array:
        """Return `value`, one sample per column, as rows that lie one after the other in memory."""
        array = np.asarray(value)
        wanted = f"({n_features}, {'n_samples' if n_samples is None else n_samples})"
        if array.ndim != 2 or array.shape[0] != n_features or array.shape[1] == 0:
            hint = ""
            if array.ndim == 2 and array.shape[1] == n_features:
                hint = f": samples are columns, so pass {name}.T"
            elif array.ndim == 1 and name == "d":
                hint = ": labels must be one-hot columns"
            raise ValueError(f"{name} has shape {array.shape}; wanted is {wanted}{hint}")
        if n_samples is not None and array.shape[1] != n_samples:
            raise ValueError(f"{name} has {array.shape[1]} samples and X has {n_samples}; they must be equal")
        rows = np.ascontiguousarray(array.T, self.dtype)
        if finite and not np.isfinite(rows).all():
            raise ValueError(f"{name} holds values that are infinite or not a number")
        return rows


def _positive(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} is {value!r}; allowed is a whole number of at least 1")
    return int(value)


def _listed(sizes: Any) -> tuple[object, ...]:
    """Return the sizes one by one; what is no row of them stands alone, for `_positive` to judge."""
    if isinstance(sizes, np.ndarray) and sizes.ndim == 1:
        return tuple(sizes.tolist())
    return tuple(sizes) if isinstance(sizes, Sequence) else (sizes,)


def _rate(lr: object) -> float:
    if type(lr) is float and 0.0 < lr < math.inf:  # soon done, for each mini-batch comes by here
        return lr
    try:
        rate = math.nan if isinstance(lr, bool) or not isinstance(lr, numbers.Real) else float(lr)
    except OverflowError:  # a whole number beyond all floats
        rate = lr = math.inf
    if not 0.0 < rate < math.inf:
        raise ValueError(f"lr is {lr!r}; allowed is a finite number greater than 0")
    return rate


def _floating(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        found = None if dtype is None else np.dtype(dtype)  # NumPy takes None for float64
    except (TypeError, ValueError):
        found = None
    if found not in (np.float32, np.float64):
        raise ValueError(f"dtype is {dtype if found is None else found}; allowed are float32 and float64")
    return found


def _known(name: str, value: str, known: Any) -> str:
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} is {value!r}; allowed is one of {', '.join(known)}")
    return value
