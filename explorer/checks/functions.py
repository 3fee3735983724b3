"""Checks of functions of numbers: activations and losses, and their slopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks.comparing import CheckError, Passed, cells, compare, name_of, same_shape
from explorer.checks.oracles import (
    STEP,
    measured_slopes,
    plain_loss,
    plain_relu,
    plain_sigmoid,
    plain_softmax,
)

__all__ = ["cross_entropy", "loss_slope", "relu", "sigmoid", "slope", "softmax", "squared_error"]

Array = NDArray[Any]
Function = Callable[[Any], Any]
Loss = Callable[[Any, Any], float]

_EXACT = 1e-12  # float64, a few operations
_MEASURED = 1e-8  # a slope by central differences in float64
_POINTS = (-20.0, -4.0, -1.5, -0.5, 0.0, 0.25, 1.0, 3.0, 20.0)


def sigmoid(f: Function) -> Passed:
    """Check a sigmoid against 1 / (1 + e⁻ᵃ) in plain numbers, and on numbers too large for e⁻ᵃ."""
    worst = compare(f"{name_of(f)} at", _values(f), _table(plain_sigmoid), _EXACT)
    low, high = _called(f, np.array([-1000.0, 1000.0]))
    compare(f"{name_of(f)} at", {-1000: low, 1000: high}, {-1000: 0.0, 1000: 1.0}, _EXACT)
    return Passed(
        f"{name_of(f)} against 1 / (1 + e⁻ᵃ) in plain numbers, at {len(_POINTS)} points and at ±1000", worst
    )


def relu(f: Function) -> Passed:
    """Check a rectifier against max(0, a) in plain numbers."""
    worst = compare(f"{name_of(f)} at", _values(f), _table(plain_relu), 0.0)
    return Passed(f"{name_of(f)} against the larger of 0 and a, at {len(_POINTS)} points", worst)


def slope(f: Function, d_f: Function) -> Passed:
    """Check a derivative against the slope of its function, measured between a − ε and a + ε.

    Where the function has a corner there is no slope to measure: 0 is left out.
    """
    points = [a for a in _POINTS if a != 0]
    measured = {a: float(f(a + STEP) - f(a - STEP)) / (2 * STEP) for a in points}
    worst = compare(f"{name_of(d_f)} at", {a: float(d_f(a)) for a in points}, measured, _MEASURED)
    return Passed(
        f"{name_of(d_f)} against the measured slope of {name_of(f)}, at {len(points)} points", worst
    )


def squared_error(loss: Loss) -> Passed:
    """Check a squared error against ½ Σ (y − d)², summed in a loop."""
    return _summed("squared_error", loss)


def cross_entropy(loss: Loss) -> Passed:
    """Check a cross-entropy against −Σ d log y, summed in a loop."""
    return _summed("cross_entropy", loss)


def loss_slope(loss: Loss, d_loss: Callable[[Any, Any], Any]) -> Passed:
    """Check a loss's derivative against its slope, measured by moving one output at a time."""
    y, d = _outputs_and_targets()
    found = np.asarray(d_loss(y, d))
    same_shape(name_of(d_loss), found, y)
    measured = measured_slopes(lambda moved: loss(moved, d), y)
    worst = compare(name_of(d_loss), cells(found), cells(measured), _MEASURED)
    return Passed(
        f"{name_of(d_loss)} against the measured slope of {name_of(loss)}, for {y.size} outputs", worst
    )


def softmax(f: Function) -> Passed:
    """Check a softmax against exponentials and their sum in plain numbers, column by column."""
    a = np.random.default_rng(5).normal(0, 3, (4, 6))
    plain = np.array([plain_softmax(column) for column in a.T.tolist()]).T
    found = _called(f, a)
    same_shape(name_of(f), found, a)
    worst = compare(f"{name_of(f)}(a)", cells(found), cells(plain), _EXACT)
    far = _called(f, a + 1000.0)
    compare(f"{name_of(f)}(a + 1000)", cells(far), cells(plain), 1e-9)  # a sum of this size is known to 1e-13
    sums = {k: float(found[:, k].sum()) for k in range(a.shape[1])}
    compare(f"the sum of column k of {name_of(f)}(a)", sums, dict.fromkeys(sums, 1.0), _EXACT)
    return Passed(
        f"{name_of(f)} against plain exponentials, its columns' sums against 1, and the same at a + 1000",
        worst,
    )


def _summed(name: str, loss: Loss) -> Passed:
    """Check a loss against the sum of what each output of each sample adds to it."""
    y, d = _outputs_and_targets()
    plain = 0.0
    for outputs, targets in zip(y.tolist(), d.tolist(), strict=True):
        for output, target in zip(outputs, targets, strict=True):
            plain += plain_loss(name, output, target)
    worst = compare(name_of(loss), {"(y, d)": loss(y, d)}, {"(y, d)": plain}, _EXACT)
    return Passed(f"{name_of(loss)} against a loop over {y.size} outputs", worst)


def _called(f: Function, a: Array) -> Array:
    try:
        with np.errstate(all="raise", under="ignore"):
            return np.asarray(f(a))
    except FloatingPointError as error:
        raise CheckError(f"{name_of(f)} of numbers as large as {np.abs(a).max():.0f}: {error}") from error


def _values(f: Function) -> dict[float, float]:
    return dict(zip(_POINTS, _called(f, np.array(_POINTS)).tolist(), strict=True))


def _table(plain: Callable[[float], float]) -> dict[float, float]:
    return {a: plain(a) for a in _POINTS}


def _outputs_and_targets() -> tuple[Array, Array]:
    """Return outputs between 0.05 and 0.95 and one-hot targets, shape (3, 4)."""
    y = np.random.default_rng(3).uniform(0.05, 0.95, (3, 4))
    return y, np.eye(3)[:, [0, 2, 1, 2]]
