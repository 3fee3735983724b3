"""The test or validation curves of many runs in one figure, each in the run's own color."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.axes import (
    FACTORS,
    HOVERS,
    Metric,
    Scale,
    accuracy_range,
    as_float32,
    line_mode,
    linear_range,
    log_range,
)
from explorer.figures.palette import RUN_COLORS, Theme
from explorer.figures.template import FigureData, drawn, legend_text, scatter
from explorer.training.records import EpochRecord

SLOTS = 12
"""Maximum number of runs drawn."""

_DASHES = ("solid", "dash", "dot")
_HEIGHT = 300  # px
_NAME_GAP = 0.1  # of the plot's height, between names if there is room
_PX_OF_LETTER = 6.2  # and one more, for wide ones

Axis = Literal["epochs", "steps", "seconds"]

_AXIS_TITLES: Mapping[Axis, str] = MappingProxyType(
    {"epochs": "epoch", "steps": "steps (updates of the weights)", "seconds": "seconds of training"}
)


@dataclass(frozen=True, slots=True)
class RunCurve:
    """The data of a run that the figures need."""

    number: int
    """1 for the session's first run; determines the color."""
    title: str
    """Name of the run; any text."""
    epochs: tuple[EpochRecord, ...]
    steps_at_ends: Sequence[int]
    """Mini-batches by the end of each epoch, 0 for epoch 0."""
    loss: Mapping[str, float]
    """The terms of the recorded loss, each with its factor."""
    first_epoch: int = 0
    first_step: int = 0
    first_seconds: float = 0.0
    """Epochs, updates of the weights and seconds of training before a fork."""
    is_present: bool = False
    """Whether it is the run shown in the other tabs."""
    held_out: str = "test"
    """Kind of the held-out images: ``"validation"`` or ``"test"``."""


def run_color(number: int, theme: Theme) -> str:
    """Return the color of a run, by its number in the session."""
    colors = RUN_COLORS[theme]
    return colors[(number - 1) % len(colors)]


def runs_data(
    runs: Sequence[RunCurve],
    metric: Metric,
    axis: Axis = "epochs",
    *,
    scale: Scale = "linear",
    theme: Theme = "light",
) -> FigureData:
    """Return the traces and the layout of `runs_figure`: `SLOTS` traces, the unused ones first.

    `axis`, the unit of x, includes training before a fork; `scale` is that of the loss per sample. Accuracy is in
    percent.
    """
    shown, none, look = runs[-SLOTS:], as_float32(()), scatter(f"%{{meta}}<br>%{{x:.4~g}} · {HOVERS[metric]}")
    unused = {"visible": False, "x": none, "y": none, "name": "", "meta": ""}
    known = (x[np.isfinite(x)] for x in (_positions(run, axis) for run in shown))
    ranges = [(float(x[0]), float(x[-1])) for x in known if len(x)]
    last = max((end for _, end in ranges), default=1.0)
    low = -0.02 * last if any(begin == 0 for begin, _ in ranges) else 0  # a marker at 0 is fully visible
    across = {"title": {"text": _AXIS_TITLES[axis]}, "range": [low, 1.02 * last]}
    held_out = shown[-1].held_out if shown else "test"
    title = {"text": f"{held_out} {'accuracy (%)' if metric == 'accuracy' else _loss_title(shown)}"}
    up = _y_axis(shown, metric, scale)
    traces = [look | _trace(run, metric, axis, theme) for run in shown]
    layout = {"xaxis": across, "yaxis": {"title": title, **up}, **names_at_ends(traces, up)}
    return [*(look | unused for _ in range(SLOTS - len(shown))), *traces], layout


def runs_figure(runs: Sequence[RunCurve], metric: Metric, *, theme: Theme = "light") -> go.Figure:
    """Return a figure of the curves of the last `SLOTS` runs on the images that all hold out."""
    traces, layout = runs_data(runs, metric, theme=theme)
    return drawn(traces, theme, layout, height=_HEIGHT, showlegend=False)


def names_at_ends(traces: Sequence[Mapping[str, Any]], y_axis: Mapping[str, Any]) -> dict[str, Any]:
    """Return the layout of the curves' names in the right margin, each as near to its curve's end as fits."""
    low, high = y_axis["range"]
    ends = []
    for trace in traces:
        if len(trace["y"]):
            y = float(trace["y"][-1])
            y = math.log10(y) if y_axis["type"] == "log" and y > 0 else y
            ends.append((min(max((y - low) / (high - low), 0.0), 1.0) if math.isfinite(y) else 1.0, trace))
    ends.sort(key=lambda end: end[0])
    places = spread([place for place, _ in ends], min(_NAME_GAP, 1 / (len(ends) or 1)))
    margin = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 6, "yref": "paper", "yanchor": "middle"}
    names = [
        {**margin, "y": place, "text": trace["name"], "font": {"color": trace["line"]["color"]}}
        for place, (_, trace) in zip(places, ends, strict=True)
    ]
    longest = max((len(name["text"]) for name in names), default=-1)
    return {"annotations": names, "margin": {"r": 18 + _PX_OF_LETTER * longest}}


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Return ascending places moved as little as possible to be `gap` apart, the last at most at 1."""
    moved = list[float]()
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    limit = 1.0
    for index in reversed(range(len(moved))):
        moved[index] = limit = min(moved[index], limit)
        limit -= gap
    return moved


def _trace(run: RunCurve, metric: Metric, axis: Axis, theme: Theme) -> dict[str, Any]:
    values = [FACTORS[metric] * value for value in map(attrgetter(f"test_{metric}"), run.epochs)]
    dash = _DASHES[(run.number - 1) // len(RUN_COLORS[theme]) % len(_DASHES)]
    color = run_color(run.number, theme)
    title = legend_text(run.title, f" (run {run.number})")
    width, size = (3, 5) if run.is_present else (1.5, 3)
    return {
        "visible": True,
        "x": _positions(run, axis),
        "y": as_float32(values),
        "mode": line_mode(len(values)),
        "line": {"color": color, "dash": dash, "width": width},
        "marker": {"color": color, "size": size},
        "name": title,
        "meta": title,
    }


def _positions(run: RunCurve, axis: Axis) -> NDArray[np.float32]:
    epochs = np.array([record.epoch for record in run.epochs])
    if axis == "epochs":
        return as_float32(epochs)
    own = epochs - run.first_epoch
    if axis == "steps":
        ends = np.asarray(run.steps_at_ends)
        return as_float32(run.first_step + ends[epochs.astype(int)] - ends[run.first_epoch])
    seconds = np.array([record.seconds or np.nan for record in run.epochs])
    return as_float32(run.first_seconds + np.cumsum(np.where(own > 0, seconds, 0.0)))


def _loss_title(runs: Sequence[RunCurve]) -> str:
    """Name the loss on the axis: the one of all runs, as the caller leaves out runs with another."""
    losses = {" + ".join(run.loss) for run in runs}
    return f"{losses.pop() if len(losses) == 1 else 'loss'} per sample"


def _y_axis(runs: Sequence[RunCurve], metric: Metric, scale: Scale) -> dict[str, Any]:
    """Fit the axis to the top run; the others extend it at most twofold, or by one step and to their best."""
    if not runs:
        return {"type": "linear", "range": [0, 100 if metric == "accuracy" else 1]}
    if metric == "accuracy":
        best = [100 * max((record.test_accuracy for record in run.epochs), default=1.0) for run in runs]
        own, *others = ([100 * record.test_accuracy for record in run.epochs] for run in reversed(runs))
        return {"type": "linear", "range": accuracy_range([*own, *best], chain(*others))}
    losses = [record.test_loss for run in runs for record in run.epochs]
    if scale == "log":
        return {"type": "log", "range": log_range(losses)}
    own = [record.test_loss for record in runs[-1].epochs]
    return {"type": "linear", "range": linear_range(own, losses)}
