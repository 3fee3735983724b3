"""Validation: each function returns an argument as the formulas use it, or raises a `ValueError`."""

import math
import numbers
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .activations import ACTIVATIONS, OUTPUTS
from .initializers import INITIALIZERS
from .losses import LOSSES

Array = NDArray[Any]

FUNCTIONS: Mapping[str, Collection[str]] = MappingProxyType(
    {"hidden_activation": ACTIVATIONS, "output": OUTPUTS, "loss": LOSSES, "initializer": INITIALIZERS}
)
"""The network's arguments that name a function, with the known names."""


def columns(
    name: str, value: ArrayLike, n_rows: int, dtype: np.dtype[Any], n_columns: int | None = None
) -> Array:
    """Return samples in columns, shape (n_rows, n_columns), as `dtype`; without `n_columns`, at least 1."""
    array = np.asarray(value)
    if array.ndim != 2 or array.shape[0] != n_rows or array.shape[1] == 0:
        expected = f"({n_rows}, {'n_samples' if n_columns is None else n_columns})"
        hint = ""
        if array.ndim == 2 and array.shape[1] == n_rows:
            hint = f": samples are columns, so pass {name}.T"
        elif array.ndim == 1 and name == "d":
            hint = ": labels must be one-hot columns"
        elif array.ndim == 1 and len(array) == n_rows:
            hint = f": a single sample is a column, so pass {name}.reshape(-1, 1)"
        raise ValueError(f"{name} has shape {array.shape}; expected {expected}{hint}")
    if n_columns is not None and array.shape[1] != n_columns:
        raise ValueError(f"{name} has {array.shape[1]} samples and X has {n_columns}; they must be equal")
    return array.astype(dtype, copy=False)


def samples(
    name: str, value: ArrayLike, n_rows: int, dtype: np.dtype[Any], n_columns: int | None = None
) -> Array:
    """Return finite `columns`, each sample's numbers contiguous in memory, so that selecting samples is fast."""
    array = np.asfortranarray(columns(name, value, n_rows, dtype, n_columns))
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds values that are infinite or not a number; expected finite numbers")
    return array


def parameter(name: str, value: ArrayLike, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return a copy of a weight matrix or bias column, checked to have `shape`, as `dtype`."""
    array = np.array(value, dtype)
    if array.shape != shape:
        hint = ""
        if array.T.shape == shape:
            hint = f": it is transposed, so pass {name}.T"
        elif array.shape == shape[:1]:
            hint = ": a bias is a column, so pass it with .reshape(-1, 1)"
        raise ValueError(f"{name} has shape {array.shape}; expected {shape}{hint}")
    return array


def layer_sizes(n_input: int, n_hidden: Any, n_output: int) -> tuple[int, ...]:
    """Return the units of every layer, inputs first: positive integers."""
    if isinstance(n_hidden, np.ndarray) and n_hidden.ndim == 1:
        n_hidden = n_hidden.tolist()
    hidden = tuple(n_hidden) if isinstance(n_hidden, Sequence) else (n_hidden,)
    if not hidden:
        raise ValueError("n_hidden is empty; expected at least one hidden layer")
    sizes = (count("n_hidden", size) for size in hidden)
    return count("n_input", n_input), *sizes, count("n_output", n_output)


def count(name: str, value: object) -> int:
    """Return an integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} is {value!r}; expected a whole number of at least 1")
    return int(value)


def learning_rate(lr: object) -> float:
    """Return a finite number greater than 0 as a float."""
    rate = _real(lr)
    if not 0.0 < rate < math.inf:
        found = rate if rate == math.inf else lr
        raise ValueError(f"lr is {found!r}; expected a finite number greater than 0")
    return rate


def number(name: str, value: object, below: float = math.inf) -> float:
    """Return a number of at least 0 and less than `below` as a float."""
    found = _real(value)
    if not 0.0 <= found < below:
        expected = "finite number" if below == math.inf else f"number below {below:g}"
        raise ValueError(f"{name} is {value!r}; expected a {expected} of at least 0")
    return found


def _real(value: object) -> float:
    """Return a real number as a float, anything else as NaN."""
    try:
        return math.nan if isinstance(value, bool) or not isinstance(value, numbers.Real) else float(value)
    except OverflowError:  # an integer beyond all floats
        return math.inf


def float_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return float32 or float64 as a dtype."""
    try:
        found = None if dtype is None else np.dtype(dtype)  # NumPy interprets None as float64
    except (TypeError, ValueError):
        found = None
    if found not in (np.float32, np.float64):
        raise ValueError(f"dtype is {dtype if found is None else found}; expected float32 or float64")
    return found


def choice(name: str, value: Any, known: Collection[str]) -> str:
    """Return `value` if it is one of the known names."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(known)}")
    return value
