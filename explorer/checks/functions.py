"""Checks of functions of numbers: activations and losses, and their slopes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks.oracles import PLAIN, POINTS, measured_slopes, plain_loss, plain_softmax, precision
from explorer.checks.results import Passed, check, compare, name_of, numbers

__all__ = ["cross_entropy", "loss_slope", "relu", "sigmoid", "slope", "softmax", "squared_error"]

Array = NDArray[Any]
Function = Callable[[Any], Any]
Loss = Callable[[Any, Any], Any]

_EXACT = 1e-12  # float64, a few operations
_CLIPPED = 1e-5  # a logarithm that is kept away from 0 by a small number
_FAR = np.array([[-1000.0, 0.0, 1000.0]])


@check
def sigmoid(f: Function) -> Passed:
    """Check a sigmoid against 1 / (1 + e⁻ᵃ) in plain numbers, also where e⁻ᵃ is too large for a float."""
    return _elementwise("sigmoid", f, "1 / (1 + e⁻ᵃ) in plain numbers")


@check
def relu(f: Function) -> Passed:
    """Check a rectifier against max(0, a) in plain numbers."""
    return _elementwise("relu", f, "the larger of 0 and a")


@check
def slope(f: Function, d_f: Function) -> Passed:
    """Check a derivative against the slope of its function, measured between a − ε and a + ε."""
    step, tolerance = precision(f(POINTS.copy()))
    low, high = (numbers(name_of(f), f(POINTS + move)) for move in (-step, step))
    measured = (high - low) / (2 * step)
    worst = compare(name_of(d_f), d_f(POINTS.copy()), measured, tolerance, _at(d_f, POINTS))
    what = f"{name_of(d_f)} against the measured slope of {name_of(f)}, at {POINTS.size} points"
    return Passed(what, worst)


@check
def squared_error(loss: Loss) -> Passed:
    """Check a squared error against ½ Σ (y − d)², summed in a loop."""
    return _summed("squared_error", loss)


@check
def cross_entropy(loss: Loss) -> Passed:
    """Check a cross-entropy against −Σ d log y, summed in a loop, also where an output is exactly 0."""
    passed = _summed("cross_entropy", loss, _CLIPPED)
    d = _outputs_and_targets()[1]
    compare(f"{name_of(loss)}(d, d)", np.asarray(loss(d.copy(), d)).reshape(()), 0.0, _CLIPPED)
    return passed


@check
def loss_slope(loss: Loss, d_loss: Loss) -> Passed:
    """Check a loss's derivative against its slope, measured by moving one output at a time."""
    y, d = _outputs_and_targets()
    measured, tolerance = measured_slopes(lambda moved: loss(moved, d), y)
    worst = compare(name_of(d_loss), d_loss(y.copy(), d), measured, tolerance)
    what = f"{name_of(d_loss)} against the measured slope of {name_of(loss)}, for {y.size} outputs"
    return Passed(what, worst)


@check
def softmax(f: Function) -> Passed:
    """Check a softmax against exponentials and their sum in plain numbers, column by column."""
    a, name = np.random.default_rng(5).normal(0, 3, (4, 6)), name_of(f)
    plain = np.array([plain_softmax(column) for column in a.T.tolist()]).T
    worst = compare(f"{name}(a)", f(a.copy()), plain, _EXACT)
    compare(f"{name}(a + 1000)", f(a + 1000.0), plain, 1e-9)  # a sum of this size is known to 1e-13
    return Passed(f"{name} against plain exponentials divided by their sum, and the same at a + 1000", worst)


def _elementwise(kind: str, f: Function, formula: str) -> Passed:
    worst = 0.0
    for points in (POINTS, _FAR):
        expected = [[*map(PLAIN[kind], row)] for row in points.tolist()]
        worst = max(worst, compare(name_of(f), f(points.copy()), expected, _EXACT, _at(f, points)))
    return Passed(f"{name_of(f)} against {formula}, from a = −1000 to 1000", worst)


def _at(f: Function, points: Array) -> Callable[[tuple[int, ...]], str]:
    return lambda index: f"{name_of(f)}({points[index]:g})"


def _summed(kind: str, loss: Loss, tolerance: float = _EXACT) -> Passed:
    """Check a loss against the sum of what each output of each sample adds to it."""
    (y, d), part = _outputs_and_targets(), f"{name_of(loss)}(y, d)"
    found = numbers(part, loss(y.copy(), d))
    found = found.reshape(()) if found.size == 1 else found
    worst = compare(part, found, plain_loss(kind, y, d), tolerance)
    return Passed(f"{name_of(loss)} against a loop over {y.size} outputs", worst)


def _outputs_and_targets() -> tuple[Array, Array]:
    """Return outputs between 0.05 and 0.95 and one-hot targets, shape (3, 4)."""
    y = np.random.default_rng(3).uniform(0.05, 0.95, (3, 4))
    return y, np.eye(3)[:, [0, 2, 1, 2]]
