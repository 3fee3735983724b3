"""What the batch size does: many runs, one point a batch size, and a band from the worst seed to the best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import template
from explorer.wording import grouped

if TYPE_CHECKING:  # a figure needs none of the processes that a study starts
    from explorer.training.studies import StudyResult

__all__ = [
    "TRACE_NAMES",
    "StudyPoint",
    "StudyRun",
    "study_figure",
    "study_layout",
    "study_points",
    "study_style",
    "study_traces",
    "study_words",
]

Measure = Literal["accuracy", "time", "updates"]

REDUCTIONS = ("sum", "mean")

TRACE_NAMES = ("sum, lowest", "sum, highest", "sum", "mean, lowest", "mean, highest", "mean")
"""The traces in their order: for each reduction the two edges of the band, and the average over the seeds."""

_HEIGHT = 300  # px
_DOES_WORSE = 2.0  # percent of the test images
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "sum": "a step adds up the gradients of all its images, and a large batch steps too far",
        "mean": "a step is as long as any other, and a large batch takes too few of them",
    }
)


class StudyRun(Protocol):
    """What a study needs to know of one run; any record with these attributes will do."""

    @property
    def batch_size(self) -> int:
        """Images per step."""

    @property
    def reduction(self) -> str:
        """``"sum"`` or ``"mean"`` over the batch."""

    @property
    def seed(self) -> int:
        """Start of its random numbers."""

    @property
    def test_accuracy(self) -> float:
        """Share of the test set classified correctly at the end, 0 to 1."""

    @property
    def seconds_per_epoch(self) -> float:
        """Mean wall time of an epoch, in seconds."""

    @property
    def updates(self) -> int:
        """Steps of the whole run."""


@dataclass(frozen=True, slots=True)
class StudyPoint:
    """One run of a study, as plain data; the attributes are those of `StudyRun`."""

    batch_size: int
    reduction: str
    seed: int
    test_accuracy: float
    seconds_per_epoch: float
    updates: int


@dataclass(frozen=True, slots=True)
class _Axis:
    """How a measure is shown."""

    attribute: str
    factor: float
    title: str
    shown: str
    layout: Mapping[str, Any]


_AXES: Mapping[Measure, _Axis] = MappingProxyType(
    {
        "accuracy": _Axis(
            "test_accuracy",
            100.0,
            "test accuracy (%)",
            "%{y:.2f} %",
            # whole, because a study goes down to chance
            {
                "type": "linear",
                "autorange": False,
                "range": [0, 102],
                "dtick": 20,
                "tickmode": "linear",
                "tickformat": "",
            },
        ),
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
            "%{y:,.0f} updates",
            {"type": "log", "autorange": True, "dtick": 1, "tickmode": "array", "tickformat": ""},
        ),
    }
)

_POWERS = tuple(10**power for power in range(9))
_TICKS: Mapping[str, Any] = MappingProxyType(
    {"tickvals": list(_POWERS), "ticktext": [grouped(power) for power in _POWERS]}
)
# Plotly sets a title too high for the entries next to it; a font larger than what is written takes it down.
_LEGEND_TITLE: Mapping[str, Any] = MappingProxyType(
    {"text": '<span style="font-size:11px">gradient by</span>', "font": {"size": 14}}
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


def study_words(runs: Sequence[StudyRun]) -> str:
    """Return what came of a study of batch sizes, with the reason where a large batch does worse.

    Parameters
    ----------
    runs : sequence of StudyRun
        In any order; empty gives an empty text.
    """
    return " ".join(
        _words([run for run in runs if run.reduction == reduction]) for reduction in REDUCTIONS
    ).strip()


def _words(runs: Sequence[StudyRun]) -> str:
    sizes = sorted({run.batch_size for run in runs})
    if len(sizes) < 2:
        return ""
    reached = {
        size: 100 * float(np.mean([run.test_accuracy for run in runs if run.batch_size == size]))
        for size in sizes
    }
    best, largest, reduction = max(sizes, key=reached.__getitem__), sizes[-1], runs[0].reduction
    text = f"By {reduction}, batch size {grouped(best)} does best: {reached[best]:.1f}\N{NO-BREAK SPACE}%."
    if reached[largest] > reached[best] - _DOES_WORSE:
        return text
    return (
        f"{text} {grouped(largest)} reaches {reached[largest]:.1f}\N{NO-BREAK SPACE}%: {_REASONS[reduction]}."
    )


def study_traces(runs: Sequence[StudyRun], *, measure: Measure = "accuracy") -> list[dict[str, Any]]:
    """Return what changes with the data in the traces of `study_figure`.

    Parameters
    ----------
    runs : sequence of StudyRun
        In any order; runs that differ in the seed alone make one point.
    measure : {"accuracy", "time", "updates"}
        Final test accuracy in percent, mean seconds per epoch, or steps of the whole run.

    Returns
    -------
    list of dict
        One for each name in `TRACE_NAMES`: `x` batch sizes, `y` lowest, highest and mean over the seeds
        (float32), `customdata` the number of seeds.
    """
    axis = _AXES[measure]
    traces: list[dict[str, Any]] = []
    for reduction in REDUCTIONS:
        own = [run for run in runs if run.reduction == reduction]
        sizes = sorted({run.batch_size for run in own})
        values = [
            [axis.factor * getattr(run, axis.attribute) for run in own if run.batch_size == size]
            for size in sizes
        ]
        x, counts = _column(sizes), np.array([len(group) for group in values], np.int32)
        for summary in (np.min, np.max, np.mean):
            y = _column(summary(group) for group in values)
            traces.append({"x": x, "y": y, "customdata": counts, "visible": bool(own)})
    return traces


def study_layout(
    runs: Sequence[StudyRun], *, measure: Measure = "accuracy", batch_sizes: Sequence[int] = ()
) -> dict[str, Any]:
    """Return what changes with the data and the measure in the layout of `study_figure`.

    Its x axis is wide enough for the runs, and for `batch_sizes` that are still to come.
    """
    axis = _AXES[measure]
    sizes = [*batch_sizes, *(run.batch_size for run in runs)] or [1, 60_000]
    return {
        "xaxis": {"range": [math.log10(min(sizes)) - 0.15, math.log10(max(sizes)) + 0.15]},
        "yaxis": {"title": {"text": axis.title}, **axis.layout},
    }


def study_style(theme: Theme = "light", *, measure: Measure = "accuracy") -> list[dict[str, Any]]:
    """Return what changes with theme and measure in the traces of `study_figure`, and what never changes."""
    palette = PALETTES[theme]
    colours = {"sum": palette.negative, "mean": palette.positive}
    looks = [
        look
        for reduction in REDUCTIONS
        for look in _band(reduction, colours[reduction], _AXES[measure].shown)
    ]
    return [{"type": "scatter", "name": n} | look for n, look in zip(TRACE_NAMES, looks, strict=True)]


def study_figure(
    runs: Sequence[StudyRun], *, measure: Measure = "accuracy", theme: Theme = "light"
) -> go.Figure:
    """Return a measure against the batch size, for gradients by sum and by mean.

    The parameters are those of `study_traces`; an empty sequence draws the axes.
    """
    traces = study_traces(runs, measure=measure)
    data = [look | values for look, values in zip(study_style(theme, measure=measure), traces, strict=True)]
    fixed = {
        "template": template(theme),
        "height": _HEIGHT,
        "showlegend": True,
        "legend": {"title": dict(_LEGEND_TITLE)},
        "xaxis": {"title": {"text": "batch size (images)"}, "type": "log", **_TICKS},
        "yaxis": dict(_TICKS),  # used where the measure asks for them
    }
    return go.Figure(data, fixed).update_layout(study_layout(runs, measure=measure))


def _band(reduction: str, colour: str, shown: str) -> list[dict[str, Any]]:
    symbol, size = _MARKERS[reduction]
    edge = {
        "mode": "lines",
        "line": {"color": colour, "width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": reduction,
    }
    average = {
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "symbol": symbol, "size": size},
        "legendgroup": reduction,
        "hovertemplate": f"batch size %{{x}} · {reduction}: {shown}<br>"
        "average of %{customdata} runs<extra></extra>",
    }
    return [edge, edge | {"fill": "tonexty", "fillcolor": _faint(colour)}, average]


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"


def _column(values: Iterable[float]) -> NDArray[np.float32]:
    return np.array([*values], np.float32)
