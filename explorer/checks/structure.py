"""Reads a network of any kind: this package's, a subclass of it, or a student's class for the exercise.

Such a class needs only W1, b1, W2, b2, … and the methods that a check calls. Its layers follow from the shapes; if
it names no activation or loss, they are the exercise's: sigmoid and squared error.
"""

import copy
import inspect
import math
from collections.abc import Mapping, Sequence
from itertools import combinations, count
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.checks.results import CheckError, GapError, expect, numbers

Array = NDArray[Any]

# Spreads, in multiples of Glorot's: three times as much, or a third, is outside, whatever is drawn.
_WIDEST, _NARROWEST = 2.75, 0.36
_LARGE, _TINY = 300, 1e-4  # in smaller arrays, any spread above this one will do
_LARGEST_BIAS = 0.5
RATE = 0.02
"""The learning rate by which a `fit` is tried."""

_OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"hidden_activation": ("sigmoid", "relu", "tanh"), "output": ("sigmoid", "softmax")}
    | {"loss": ("squared_error", "cross_entropy"), "initializer": ("any", "glorot")}
)


def attribute(network: Any, name: str) -> Any:
    """Return an attribute that every network must have, or raise."""
    value = getattr(network, name, None)
    if value is ...:
        raise GapError(f"{name} waits for its code")
    if value is None:
        raise CheckError(f"{type(network).__name__}: expected an attribute {name}, got none")
    return value


def option(network: Any, name: str) -> str:
    """Return the name of an activation, loss or initializer, or the assumed one; else the exercise's."""
    known = _OPTIONS[name]
    value = getattr(network, "assumed", {}).get(name, getattr(network, name, None))
    return value if isinstance(value, str) and value in known else known[0]


def parameters(network: Any) -> dict[str, Array]:
    """Return W1, b1, W2, b2, … by name, or raise if one is missing or has the wrong shape."""
    found: dict[str, Array] = {}
    n_in = 0
    for number in count(1):
        if number > 2 and getattr(network, f"W{number}", None) is None:
            break
        names = f"W{number}", f"b{number}"
        W, b = (numbers(name, attribute(network, name)) for name in names)
        n_out, n_in = len(W), n_in or W.shape[-1]
        expect(names[0], f"shape {W.shape}", f"shape {(n_out, n_in)}")
        expect(names[1], f"shape {b.shape}", f"shape {(n_out, 1)}")
        found |= zip(names, (W, b), strict=True)
        n_in = n_out
    return found


def sizes_found(network: Any) -> tuple[int, ...]:
    """Return the number of units in every layer, inputs first."""
    weights = [array for name, array in parameters(network).items() if name.startswith("W")]
    return (weights[0].shape[1], *map(len, weights))


def unchanged(part: str, network: Any, before: Mapping[str, Array]) -> None:
    """Raise if a weight or bias has changed."""
    for name, array in parameters(network).items():
        if not np.array_equal(array, before[name]):
            raise CheckError(f"{part}: expected {name} as it was, got another")


def spread(W: Array) -> float:
    """Return the spread of weights, as a multiple of Glorot's rule."""
    return math.sqrt(3) * float(np.std(W)) / math.sqrt(6 / sum(W.shape))


def shared(*networks: Any) -> bool:
    """Return whether any two arrays of networks share memory."""
    arrays = [array for network in networks for array in parameters(network).values()]
    return any(np.shares_memory(*pair) for pair in combinations(arrays, 2))


def unfit(name: str, array: Array) -> str:
    """Return why weights or biases are unsuitable as initial ones, in words; empty if they are suitable."""
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        return "not numbers"
    if array.dtype.kind != "f" and (array.any() or name.startswith("b")):
        return "whole numbers"
    if name.startswith("b"):
        return "far from 0" if np.abs(array).max(initial=0) > _LARGEST_BIAS else ""
    if len(array) > 1 and not np.ptp(array, axis=0).any():
        return "the same for each unit"
    if array.min() >= 0 or array.max() <= 0:
        return "of one sign"
    if spread(array) > _WIDEST:
        return "too far from 0"
    return "too close to 0" if spread(array) < (_NARROWEST if array.size > _LARGE else _TINY) else ""


def in_double(network: Any) -> Any:
    """Return a copy that computes in float64 if it can."""
    twin = copy.deepcopy(network)
    if "dtype" in vars(twin):
        twin.dtype = np.dtype(np.float64)
    for name, array in parameters(network).items():
        setattr(twin, name, array.astype(np.float64))
    return twin


def outputs(network: Any, X: Array) -> Array:
    """Return the result of `forward`, or raise if its shape is wrong."""
    y = numbers("forward(X)", attribute(network, "forward")(X))
    expect("forward(X)", f"shape {y.shape}", f"shape {(sizes_found(network)[-1], X.shape[1])}")
    return y


class Step(NamedTuple):
    """The arguments of one step, and the loss that it returned."""

    X: Array
    d: Array
    lr: float
    loss: float

    @property
    def samples(self) -> list[int]:
        """The samples' numbers; −1 for inputs that are no numbers."""
        numbers = np.rint(1000 * np.atleast_2d(self.X.T).T[0])
        return [*map(int, np.nan_to_num(numbers, nan=-1, posinf=-1, neginf=-1))]

    @property
    def targets(self) -> list[int]:
        """The targets' classes."""
        return [*map(int, np.atleast_2d(self.d).argmax(axis=0))]


def numbered(sizes: Sequence[int], n_samples: int) -> tuple[Array, Array]:
    """Return inputs whose first row has the samples' numbers, in thousandths, and targets."""
    X = np.arange(n_samples) / 1000 + np.arange(sizes[0])[:, None]
    return X, np.eye(sizes[-1])[:, np.arange(n_samples) % sizes[-1]]


def fit_noted(
    steps: list[Step], network: Any, X: Array, d: Array, batch_size: int, n_epochs: int, lr: float = RATE
) -> Any:
    """Call a network's `fit` with steps that only record their arguments, and return a predefined loss."""
    signature = inspect.signature(attribute(network, "train_iteration"))

    def take_note(*args: Any, **kwargs: Any) -> float:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        X, d, lr = [*given.arguments.values()][:3]
        steps.append(Step(np.array(X), np.array(d), lr, (len(steps) + 1.0) * np.atleast_2d(X).shape[1]))
        return steps[-1].loss

    network.train_iteration = take_note
    return attribute(network, "fit")(X, d, batch_size, n_epochs, lr)
