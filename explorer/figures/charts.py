"""Charts of the lessons: named curves over one axis, bars by class, points in a square plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from types import MappingProxyType
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from explorer.figures.axes import epoch_axis, linear_range
from explorer.figures.palette import PALETTES, RUN_COLORS, Theme
from explorer.figures.template import drawn
from explorer.network import per_class
from explorer.network.gradient_check import CheckedWeight
from explorer.wording import counted

_HEIGHT = 280  # px
_DASHES = ("solid", "dash", "dot", "dashdot")  # distinguish curves besides the hue
_NO_MARKS: Mapping[str, tuple[float, float]] = MappingProxyType({})
_FAR_APART = 20.0  # on a linear axis the smaller of two such curves would be near 0


def lines_figure(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    x_title: str,
    y_title: str = "",
    marks: Mapping[str, tuple[float, float]] = _NO_MARKS,
    theme: Theme = "light",
) -> go.Figure:
    """Return curves in different hues, and labeled points.

    Parameters
    ----------
    curves : mapping of str to (x, y)
        Each of shape (n,), by its name in the legend.
    x_title, y_title : str
        Titles of the axes.
    marks : mapping of str to (x, y)
        Single points, by their labels.
    """
    looks, text = zip(cycle(RUN_COLORS[theme]), cycle(_DASHES), strict=False), PALETTES[theme].text
    lines = [
        _curve(name, x, y, " %{y:.4g} at %{x:.4g}", mode=_mode(y), line={"color": color, "dash": dash})
        for (name, (x, y)), (color, dash) in zip(curves.items(), looks, strict=False)
    ]
    points = [
        _curve(name, [x], [y], ": %{y:.4g} at %{x:.4g}", mode="markers+text", showlegend=False)
        | {"text": [name], "textposition": "top right", "textfont": {"color": text}}
        | {"marker": {"color": text, "size": 8}}
        for name, (x, y) in marks.items()
    ]
    return drawn(
        [*lines, *points],
        theme,
        height=_HEIGHT,
        showlegend=len(curves) > 1,
        xaxis={"title": {"text": x_title}, "zeroline": True},
        yaxis={"title": {"text": y_title}, "zeroline": True},
    )


def _mode(y: ArrayLike) -> str:
    """Return Plotly's mode of a curve: a single point needs a marker."""
    return "lines" if np.isfinite(np.asarray(y, np.float64)).sum() > 1 else "lines+markers"


def contrast_figure(
    wrong: ArrayLike, right: ArrayLike, *, measured: str, top: float | None = None, theme: Theme = "light"
) -> go.Figure:
    """Return a wrong curve next to the right one; if it becomes NaN, a label in the figure says so.

    Parameters
    ----------
    wrong, right : array_like, shape (n_epochs,)
        One number for each epoch, from the first on.
    measured : str
        Title of the y axis.
    top : float, optional
        End of the axis, which then starts at 0. By default the axis fits both curves, with a logarithmic scale if
        one is far above the other.
    """
    palette, wrong, right = PALETTES[theme], np.asarray(wrong, np.float64), np.asarray(right, np.float64)
    looks = (
        ("right", right, {"dash": "solid", "color": palette.good}, {"symbol": "circle", "size": 5}),
        ("wrong", wrong, {"dash": "dash", "color": palette.error}, {"symbol": "x", "size": 7}),
    )
    curves = [
        _curve(name, range(1, len(values) + 1), values, ": %{y:.4g} in epoch %{x}", mode="lines+markers")
        | {"line": line, "marker": mark | {"color": line["color"]}}
        for name, values, line, mark in looks
    ]
    return drawn(
        curves,
        theme,
        height=_HEIGHT,
        showlegend=True,
        legend={"traceorder": "reversed"},  # the wrong one, drawn on top, is listed first
        xaxis=epoch_axis(max(len(wrong), len(right)), margin=0.03),
        yaxis={"title": {"text": measured}, **_axis(np.concatenate([right, wrong]), top)},
        annotations=[_missing(first, palette.error) for first in np.flatnonzero(~np.isfinite(wrong))[:1]],
    )


def _curve(name: str, x: ArrayLike, y: ArrayLike, hover: str, **look: Any) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": name,
        "x": np.asarray(x, np.float32),
        "y": np.asarray(y, np.float32),
        "hovertemplate": f"{name}{hover}<extra></extra>",
        **look,
    }


def _axis(values: NDArray[np.float64], top: float | None) -> dict[str, Any]:
    if top is not None:
        return {"range": [0, 1.05 * top]}  # markers at the top are fully visible
    known = values[np.isfinite(values)]
    above = known[known > 0]
    if above.size and above.max() > _FAR_APART * above.min():
        return {"type": "log", "dtick": 1, "exponentformat": "none"}
    return {"range": linear_range(known.tolist(), ())}


def _missing(first: int, color: str) -> dict[str, Any]:
    """Return the label, in the corner that a falling loss leaves free."""
    return {
        "text": f"wrong: not a number from epoch {first + 1} on",
        **{"xref": "paper", "yref": "paper", "x": 1, "y": 1, "xanchor": "right", "yanchor": "top"},
        "font": {"color": color, "size": 13},
    }


def recall_figure(
    counts: NDArray[np.integer], class_names: Sequence[str], *, theme: Theme = "light"
) -> go.Figure:
    """Return a chart of the recall of each class, the most difficult first.

    Parameters
    ----------
    counts : ndarray of int, shape (n_classes, n_classes)
        Rows are the true class, columns the predicted.
    """
    scores = per_class(counts)
    order = np.argsort(scores.recall, kind="stable")
    recall = 100 * scores.recall[order]
    bars = {
        "type": "bar",
        "x": [class_names[i] for i in order],
        "y": recall.astype(np.float32),
        "text": [f"{share:.1f}" for share in recall],
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": [counted(int(n), "test image") for n in scores.support[order]],
        "marker": {"color": PALETTES[theme].test},
        "hovertemplate": "%{x}: %{y:.1f} % of %{customdata}<extra></extra>",
    }
    floor = 10 * np.floor(max(0.0, float(recall.min()) - 5) / 10)
    y_axis = {"title": {"text": "recall (%)"}, "range": [floor, 100]}
    return _figure([bars], theme, "true class", bargap=0.4, yaxis=y_axis)


def answers_figure(
    answers: Mapping[str, NDArray[np.floating]], class_names: Sequence[str], *, theme: Theme = "light"
) -> go.Figure:
    """Return a chart of the outputs of networks for one sample, next to each other.

    Parameters
    ----------
    The outputs, 0 to 1, by the network's name.
        The outputs, 0 to 1, by the network's name.
    """
    bars = [
        {
            "type": "bar",
            "name": name,
            "x": list(class_names),
            "y": np.asarray(outputs, np.float32),
            "marker": {"color": color},
            "hovertemplate": f"{name}: output %{{x}} is %{{y:.3f}}<extra></extra>",
        }
        for (name, outputs), color in zip(answers.items(), cycle(RUN_COLORS[theme]), strict=False)
    ]
    y_axis = {"title": {"text": "output"}, "range": [0, 1.02]}
    return _figure(bars, theme, "output unit", showlegend=len(answers) > 1, yaxis=y_axis)


def _figure(bars: list[dict[str, Any]], theme: Theme, x_title: str, **fixed: Any) -> go.Figure:
    x_axis = {"title": {"text": x_title}, "type": "category", "dtick": 1, "showgrid": False}
    return drawn(bars, theme, height=280, xaxis=x_axis, **fixed)


_SIDE = 380  # px
_SYMBOLS = ("circle", "diamond", "square", "cross", "x", "triangle-up")


def gradients_figure(checked: Sequence[CheckedWeight], *, theme: Theme = "light") -> go.Figure:
    """Plot each weight's derivative by backpropagation over its measured slope: on the diagonal if both agree.

    Parameters
    ----------
    checked : sequence of CheckedWeight
        As `check_gradient` returns them.
    """
    reach = 1.08 * max((abs(weight.numeric) for weight in checked), default=0.0) or 1.0
    diagonal = {
        "type": "scatter",
        "mode": "lines",
        "name": "equal",
        "x": [-reach, reach],
        "y": [-reach, reach],
        "line": {"color": PALETTES[theme].hairline, "width": 1},
        "hoverinfo": "skip",
    }
    points, colors = [], RUN_COLORS[theme]
    for i, name in enumerate(sorted({weight.place.parameter for weight in checked})):
        own = [weight for weight in checked if weight.place.parameter == name]
        x, y = [weight.numeric for weight in own], [weight.analytic for weight in own]
        mark = {"color": colors[i % len(colors)], "symbol": _SYMBOLS[i % len(_SYMBOLS)], "size": 9}
        hover = "%{text}: measured %{x:.5f}, propagated %{y:.5f}"
        points.append(_points(name, x, y, mark, hover) | {"text": [str(weight.place) for weight in own]})
    titles = "measured slope of the loss", "by backpropagation"
    return _square([diagonal, *points], theme, reach, titles)


def plane_figure(
    points: NDArray[np.floating],
    labels: NDArray[np.integer],
    shares: NDArray[np.floating] | None = None,
    *,
    theme: Theme = "light",
) -> go.Figure:
    """Plot points of two classes in a plane, over a map of a network's share of class 1 at each position.

    Parameters
    ----------
    points : ndarray of float, shape (2, n)
        Positions, one per column, in [−1, 1].
    labels : ndarray of int, shape (n,)
        0 or 1.
    shares : ndarray of float, shape (m, m), optional
        Share of class 1 in the outputs, 0 to 1: rows from bottom to top, columns from left to right.
    """
    palette = PALETTES[theme]
    steps = np.linspace(-1, 1, 0 if shares is None else len(shares))
    background = {
        "type": "heatmap",
        "name": "says",
        "x": steps,
        "y": steps,
        "z": shares,
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, palette.negative], [0.5, palette.surface], [1, palette.positive]],
        "opacity": 0.35,
        "showscale": False,
        "visible": shares is not None,
        "hovertemplate": "says class 1 by %{z:.0%} at (%{x:.2f}, %{y:.2f})<extra></extra>",
    }
    edge, classes = {"color": palette.surface, "width": 1}, []
    for label, color in enumerate((palette.negative, palette.positive)):
        mark = {"color": color, "symbol": _SYMBOLS[label], "size": 7, "line": edge}
        hover = f"class {label} at (%{{x:.2f}}, %{{y:.2f}})"
        x, y = points[:, labels == label]
        classes.append(_points(f"class {label}", x, y, mark, hover))
    return _square([background, *classes], theme, 1, ("x[0]", "x[1]"), nticks=5)


def _points(name: str, x: Any, y: Any, mark: Mapping[str, Any], hover: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": np.asarray(x, np.float32),
        "y": np.asarray(y, np.float32),
        "marker": mark,
        "hovertemplate": f"{hover}<extra></extra>",
    }


def _square(
    traces: list[dict[str, Any]], theme: Theme, reach: float, titles: tuple[str, str], **ticks: int
) -> go.Figure:
    axis = {"range": [-reach, reach], "zeroline": True, "constrain": "domain", **ticks}
    across, up = ({"title": {"text": title}, **axis} for title in titles)
    up["scaleanchor"] = "x"
    return drawn(traces, theme, height=_SIDE, width=_SIDE, showlegend=True, xaxis=across, yaxis=up)
