"""Checks of scalar functions: activations, losses, and their derivatives."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks.observations import apart
from explorer.checks.oracles import PLAIN, POINTS, measured_slopes, plain_columns, plain_loss, precision
from explorer.checks.results import CheckError, Passed, check, compare, name_of, numbers

__all__ = ["cross_entropy", "loss_slope", "relu", "sigmoid", "slope", "softmax", "squared_error"]

Array = NDArray[Any]
Function = Callable[[Any], Any]
Loss = Callable[[Any, Any], Any]

_EXACT = 1e-12  # float64, a few operations
_CLIPPED = 1e-5  # a logarithm whose argument is kept away from 0 by a small number
_COSTLY = 4.6  # −log 0.01: the least cost of an output of 0
_FAR = np.array([[-1000.0, 0.0, 1000.0]])


@check
def sigmoid(f: Function) -> Passed:
    """Check a sigmoid against 1 / (1 + e⁻ᵃ) in plain numbers, even where e⁻ᵃ exceeds the range of a float."""
    return _elementwise("sigmoid", f, "1 / (1 + e⁻ᵃ) in plain numbers")


@check
def relu(f: Function) -> Passed:
    """Check a rectifier against max(0, a) in plain numbers."""
    return _elementwise("relu", f, "the larger of 0 and a")


@check
def slope(f: Function, d_f: Function) -> Passed:
    """Check a derivative against its function's slope, measured between a − ε and a + ε."""
    step, tolerance = precision(f(POINTS.copy()))
    worst = 0.0
    for points, move in ((POINTS, step), (_FAR[:, ::2], 1.0)):  # far from 0 nothing curves
        with np.errstate(over="ignore" if points is not POINTS else "warn"):
            low, high = (numbers(name_of(f), f(points + shift)) for shift in (-move, move))
            found = d_f(points.copy())
        measured = (high - low) / (2 * move)
        worst = max(worst, compare(name_of(d_f), found, measured, tolerance, _at(d_f, points)))
    _between(f, d_f, step)
    what = f"{name_of(d_f)} against the measured slope of {name_of(f)}, at {POINTS.size} points"
    return Passed(what, worst)


@check
def squared_error(loss: Loss) -> Passed:
    """Check a squared error against ½ Σ (y − d)², summed in a loop."""
    return _summed("squared_error", loss)


@check
def cross_entropy(loss: Loss) -> Passed:
    """Check a cross-entropy against −Σ d log y, summed in a loop, even where an output is exactly 0."""
    passed = _summed("cross_entropy", loss, _CLIPPED)
    d = _outputs_and_targets()[1]
    compare(f"{name_of(loss)}(d, d)", np.asarray(loss(d.copy(), d)).reshape(()), 0.0, _CLIPPED)
    try:
        cost = float(loss(np.where(d > 0, 0, 1 / (len(d) - 1)), d))
    except ValueError:  # `math.log` is undefined at 0, which is as good as infinity
        return passed
    if not cost > _COSTLY * d.shape[1]:
        where = f"{name_of(loss)} where each target's output is 0"
        raise CheckError(f"{where}: expected more than {_COSTLY * d.shape[1]:g}, got {cost:.8g}")
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
    worst = compare(f"{name}(a)", f(a.copy()), plain_columns(a), _EXACT)
    for where, moved in (("a + 1000", a + 1000.0), ("columns that lie apart", apart(a))):
        compare(
            f"{name}({where})", f(moved.copy()), plain_columns(moved), 1e-9
        )  # such sums are known to 1e-13
    return Passed(f"{name} against plain exponentials divided by their sum, also 1000 above and apart", worst)


def _elementwise(kind: str, f: Function, formula: str) -> Passed:
    worst = 0.0
    for points in (POINTS, _FAR):
        expected = [[*map(PLAIN[kind], row)] for row in points.tolist()]
        worst = max(worst, compare(name_of(f), f(points.copy()), expected, _EXACT, _at(f, points)))
    return Passed(f"{name_of(f)} against {formula}, from a = −1000 to 1000", worst)


def _between(f: Function, d_f: Function, step: float) -> None:
    """Check a derivative at 0, where a function may have a kink: between the slopes on either side."""
    zero = np.zeros((1, 1))
    left, middle, right = (numbers(name_of(f), f(zero + move)) for move in (-step, 0.0, step))
    either = np.sort([(middle - left) / step, (right - middle) / step], axis=0)
    nearest = np.clip(np.nan_to_num(numbers(name_of(d_f), d_f(zero.copy()))), *either)
    compare(name_of(d_f), d_f(zero.copy()), nearest, 10 * step, _at(d_f, zero))


def _at(f: Function, points: Array) -> Callable[[tuple[int, ...]], str]:
    return lambda index: f"{name_of(f)}({points[index]:g})"


def _summed(kind: str, loss: Loss, tolerance: float = _EXACT) -> Passed:
    """Check a loss against a sum over each output of each sample."""
    (y, d), part = _outputs_and_targets(), f"{name_of(loss)}(y, d)"
    found = numbers(part, loss(y.copy(), d))
    found = found.reshape(()) if found.size == 1 else found
    worst = compare(part, found, plain_loss(kind, y, d), tolerance)
    return Passed(f"{name_of(loss)} against a loop over {y.size} outputs", worst)


def _outputs_and_targets() -> tuple[Array, Array]:
    """Return outputs between 0.05 and 0.95 and one-hot targets, shape (3, 4)."""
    y = np.random.default_rng(3).uniform(0.05, 0.95, (3, 4))
    return y, np.eye(3)[:, [0, 2, 1, 2]]
