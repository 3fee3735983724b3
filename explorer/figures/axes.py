"""Shared parts of curve figures: axes with round limits that ignore small changes, points, and marks."""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.figures.palette import PALETTES, Theme

Metric = Literal["loss", "accuracy"]
Scale = Literal["linear", "log"]

FACTORS: Mapping[Metric, float] = MappingProxyType({"loss": 1.0, "accuracy": 100.0})
"""Factors from a record's value to the displayed one."""
HOVERS: Mapping[Metric, str] = MappingProxyType({"loss": "loss %{y:.4f}", "accuracy": "%{y:.2f} %"})
"""The y value in a hover text, in Plotly's template language."""

_ENDS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
_STEPS = (1, 2, 5, 10)
_FLOORS = (90.0, 80.0, 70.0, 60.0, 50.0, 0.0)  # percent
_MOST_MARKERS = 50  # beyond, markers merge into a thick line


def linear_range(own: Iterable[float], others: Iterable[float]) -> list[float]:
    """Return a range from 0 to a round number above `own`; values of `others` extend it at most twofold."""
    top = max(filter(math.isfinite, own), default=0.0) or 1.0
    highest = max(filter(math.isfinite, others), default=0.0)
    return [0.0, 1.02 * _round_up(max(top, min(highest, 2 * top)), _ENDS)]  # a line at the top is visible


def log_range(own: Iterable[float]) -> list[float]:
    """Return a range that includes every positive finite value, as powers of ten for Plotly."""
    shown = [value for value in own if 0 < value < math.inf] or [0.1, 1.0]
    low, high = -math.log10(_round_up(1 / min(shown), _ENDS)), math.log10(_round_up(max(shown), _ENDS))
    return [low - 0.02, high + 0.02]  # markers on the edges are fully visible


def accuracy_range(own: Iterable[float], others: Iterable[float]) -> list[float]:
    """Return a range in percent up to 100, from the highest of 90, 80, 70, 60, 50 and 0 not above any of `own`.

    If one of `others` is lower, the range starts one step lower.
    """
    lowest = min(filter(math.isfinite, own), default=0.0)
    step = next(i for i, floor in enumerate(_FLOORS) if floor <= lowest)
    if min(others, default=100.0) < _FLOORS[step]:
        step += 1  # never past the last floor, 0: nothing is below it
    floor = _FLOORS[step]
    return [floor, 100 + 0.02 * (100 - floor)]  # the line at 100 % is fully visible


def epoch_axis(n_epochs: int, margin: float = 0.01, *, first: float = 1) -> dict[str, Any]:
    """Return an x axis up to `n_epochs` plus a fraction `margin` of it, with up to seven ticks, on whole epochs.

    If the `first` point is at 0, the axis starts before it by the margin, so that its marker is fully visible.
    """
    step = max(1, _round_up(n_epochs / 6, _STEPS))
    low = -margin * n_epochs if first == 0 else 0
    return {"title": {"text": "epoch"}, "range": [low, (1 + margin) * n_epochs], "dtick": step}


def epoch_mark(epoch: float | None, theme: Theme = "light", dash: str = "dot") -> list[dict[str, Any]]:
    """Return the layout shapes that mark the selected epoch; none for None."""
    if epoch is None:
        return []
    line = {"color": PALETTES[theme].muted, "width": 1, "dash": dash}
    across = {"xref": "x", "x0": epoch, "x1": epoch, "yref": "paper", "y0": 0, "y1": 1}
    return [{"type": "line", **across, "line": line, "layer": "below"}]


def as_float32(values: ArrayLike) -> NDArray[np.float32]:
    """Return numbers as float32, which Plotly sends as binary; NaN unless the value is a finite float32."""
    wide = np.asarray(values, np.float64)
    return np.where(np.abs(wide) < np.finfo(np.float32).max, wide, np.nan).astype(np.float32)


def line_mode(n_points: int) -> str:
    """Return Plotly's mode of a curve: with markers, unless there are too many to distinguish."""
    return "lines+markers" if n_points <= _MOST_MARKERS else "lines"


def _round_up(value: float, ends: Sequence[float]) -> float:
    """Return the smallest of `ends` times a power of ten that is not below `value`, a positive number."""
    power = 10.0 ** math.floor(math.log10(value))
    return next((end * power for end in ends if end * power >= value), 10 * power)
