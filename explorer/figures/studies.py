"""What the batch size does: many runs, one point a batch size, and a band from the worst seed to the best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import plotly.graph_objects as go

from explorer.figures.axes import as_float32
from explorer.figures.palette import PALETTES, Theme, rgb
from explorer.figures.template import drawn, merged
from explorer.wording import grouped

if TYPE_CHECKING:  # a figure needs none of the processes that a study starts
    from explorer.training.studies import StudyResult

__all__ = [
    "StudyMeasure",
    "StudyPoint",
    "study_figure",
    "study_layout",
    "study_points",
    "study_style",
    "study_traces",
    "study_words",
]

StudyMeasure = Literal["accuracy", "time", "updates"]

_HEIGHT = 300  # px
_DOES_WORSE = 2.0  # percent of the test images
_REASONS: Mapping[str, str] = MappingProxyType(  # for each reduction
    {
        "sum": "a step adds up the gradients of all its images, and a large batch steps too far",
        "mean": "a step is as long as any other, and a large batch takes too few of them",
    }
)


@dataclass(frozen=True, slots=True)
class StudyPoint:
    """One run of a study, as plain data."""

    batch_size: int
    """Images per step."""
    reduction: str
    """``"sum"`` or ``"mean"`` over the batch."""
    seed: int
    test_accuracy: float
    """Share of the test set classified correctly at the end, 0 to 1."""
    seconds_per_epoch: float
    """Mean wall time."""
    updates: int
    """Steps of the whole run."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """How a measure is shown."""

    attribute: str
    factor: float
    title: str
    shown: str
    layout: Mapping[str, Any]


_WHOLE: Mapping[str, Any] = MappingProxyType(  # because a study goes down to chance
    {
        "type": "linear",
        "autorange": False,
        "range": [0, 102],
        "dtick": 20,
        "tickmode": "linear",
        "tickformat": "",
    }
)
_AXES: Mapping[StudyMeasure, _Axis] = MappingProxyType(
    {
        "accuracy": _Axis("test_accuracy", 100.0, "test accuracy (%)", "%{y:.2f} %", _WHOLE),
        "time": _Axis(
            "seconds_per_epoch",
            1.0,
            "seconds per epoch",
            "%{y:.2f} s per epoch",
            {"type": "log", "autorange": True, "dtick": "D2", "tickmode": "linear", "tickformat": "~g"},
        ),
        "updates": _Axis(
            "updates",
            1.0,
            "updates of the weights",
            "updates: %{y:,.0f}",
            {"type": "log", "autorange": True, "dtick": 1, "tickmode": "array", "tickformat": ""},
        ),
    }
)
_POWERS = tuple(10**power for power in range(9))
_TICKS: Mapping[str, Any] = MappingProxyType(
    {"tickvals": list(_POWERS), "ticktext": [grouped(power) for power in _POWERS]}
)
# The second lies on the first, and is smaller: where two curves coincide, both are seen.
_MARKERS: Mapping[str, tuple[str, int]] = MappingProxyType({"sum": ("circle", 9), "mean": ("diamond", 6)})


def study_points(results: Iterable[StudyResult], n_images: int) -> tuple[StudyPoint, ...]:
    """Return the runs of a study that ended at least one epoch, as points; of a failed one, how far it came.

    Parameters
    ----------
    results : iterable of StudyResult
        As `study` yields them.
    n_images : int
        Training images of the dataset; a run whose settings name fewer used those.
    """
    points = []
    for result in results:
        if result.last is None:
            continue
        config, epochs = result.config, result.epochs
        n_used = min(config.n_train or n_images, n_images)
        points.append(
            StudyPoint(
                batch_size=config.batch_size,
                reduction=config.reduction,
                seed=config.seed,
                test_accuracy=result.last.test_accuracy,
                seconds_per_epoch=sum(record.seconds for record in epochs) / len(epochs),
                updates=len(epochs) * math.ceil(n_used / config.batch_size),
            )
        )
    return tuple(points)


def study_words(points: Sequence[StudyPoint]) -> str:
    """Return what came of a study of batch sizes, with the reason where a large batch does worse.

    The points stand in any order; none give an empty text.
    """
    texts = (_words(reduction, *_by_size(points, reduction, "test_accuracy")) for reduction in _REASONS)
    return " ".join(texts).strip()


def _words(reduction: str, sizes: Sequence[int], shares: Sequence[Sequence[float]]) -> str:
    if len(sizes) < 2:
        return ""
    reached = [100 * float(np.mean(group)) for group in shares]
    best = int(np.argmax(reached))
    text = f"By {reduction}, batch size {grouped(sizes[best])} does best: {reached[best]:.1f}\N{NO-BREAK SPACE}%."
    if reached[-1] > reached[best] - _DOES_WORSE:
        return text
    largest = f"{grouped(sizes[-1])} reaches {reached[-1]:.1f}\N{NO-BREAK SPACE}%"
    return f"{text} {largest}: {_REASONS[reduction]}."


def study_traces(points: Sequence[StudyPoint], *, measure: StudyMeasure = "accuracy") -> list[dict[str, Any]]:
    """Return what changes with the data in the traces of `study_figure`, whose parameters these are.

    Returns
    -------
    list of dict
        For each reduction the lowest, the highest and the mean over the seeds (float32) as `y`: the edges of the
        band, and the average. `x` holds the batch sizes, `customdata` says of how many runs.
    """
    axis = _AXES[measure]
    traces: list[dict[str, Any]] = []
    for reduction in _REASONS:
        sizes, values = _by_size(points, reduction, axis.attribute)
        runs = ["one run" if len(group) == 1 else f"average of {len(group)} runs" for group in values]
        for summary in (np.min, np.max, np.mean):
            y = as_float32([summary(np.multiply(axis.factor, group)) for group in values])
            traces.append({"x": as_float32(sizes), "y": y, "customdata": runs, "visible": bool(sizes)})
    return traces


def study_layout(
    points: Sequence[StudyPoint], *, measure: StudyMeasure = "accuracy", batch_sizes: Sequence[int] = ()
) -> dict[str, Any]:
    """Return what changes with the data and the measure in the layout of `study_figure`.

    Its x axis is wide enough for the points, and for `batch_sizes` that are still to come.
    """
    axis = _AXES[measure]
    sizes = [*batch_sizes, *(point.batch_size for point in points)] or [1, 60_000]
    return {
        "xaxis": {"range": [math.log10(min(sizes)) - 0.15, math.log10(max(sizes)) + 0.15]},
        "yaxis": {"title": {"text": axis.title}, **axis.layout},
    }


def study_style(theme: Theme = "light", *, measure: StudyMeasure = "accuracy") -> list[dict[str, Any]]:
    """Return what changes with theme and measure in the traces of `study_figure`, and what never changes."""
    colours = {"sum": PALETTES[theme].negative, "mean": PALETTES[theme].positive}
    looks = [look for reduction, colour in colours.items() for look in _band(reduction, colour, measure)]
    return [{"type": "scatter"} | look for look in looks]


def study_figure(
    points: Sequence[StudyPoint], *, measure: StudyMeasure = "accuracy", theme: Theme = "light"
) -> go.Figure:
    """Return a measure against the batch size, for gradients by sum and by mean.

    Parameters
    ----------
    points : sequence of StudyPoint
        In any order; those that differ in the seed alone make one point of the figure. None draw the axes.
    measure : {"accuracy", "time", "updates"}
        Final test accuracy in percent, mean seconds per epoch, or steps of the whole run.
    """
    # Plotly sets a title too high for the entries next to it; a font larger than what is written takes it down.
    legend = {"text": '<span style="font-size:11px">gradient by</span>', "font": {"size": 14}}
    return drawn(
        merged(study_style(theme, measure=measure), study_traces(points, measure=measure)),
        theme,
        study_layout(points, measure=measure),
        height=_HEIGHT,
        showlegend=True,
        legend={"title": legend},
        xaxis={"title": {"text": "batch size (images)"}, "type": "log", **_TICKS},
        yaxis=dict(_TICKS),  # used where the measure asks for them
    )


def _by_size(
    points: Sequence[StudyPoint], reduction: str, attribute: str
) -> tuple[list[int], list[list[float]]]:
    """Return the batch sizes of a reduction, and at each the values of an attribute, one a seed."""
    groups: dict[int, list[float]] = {}
    for point in points:
        if point.reduction == reduction:
            groups.setdefault(point.batch_size, []).append(getattr(point, attribute))
    sizes = sorted(groups)
    return sizes, [groups[size] for size in sizes]


def _band(reduction: str, colour: str, measure: StudyMeasure) -> list[dict[str, Any]]:
    (symbol, size), (red, green, blue) = _MARKERS[reduction], rgb(colour)
    edge = {
        "mode": "lines",
        "line": {"color": colour, "width": 0},
        "hoverinfo": "skip",
        "hovertemplate": _AXES[measure].shown,  # how its numbers are written in a table
        "showlegend": False,
        "legendgroup": reduction,
    }
    filled = {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},0.18)"}
    average = {
        "name": reduction,
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "symbol": symbol, "size": size},
        "legendgroup": reduction,
        "hovertemplate": f"batch size %{{x}} · {reduction}: {_AXES[measure].shown}<br>"
        "%{customdata}<extra></extra>",
    }
    return [
        edge | {"name": f"{reduction}, lowest"},
        edge | filled | {"name": f"{reduction}, highest"},
        average,
    ]
