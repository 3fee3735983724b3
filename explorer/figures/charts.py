"""Charts of the lessons: named curves over one axis, bars by class, points in a square plot."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from types import MappingProxyType
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from explorer.figures.axes import epoch_axis, linear_range
from explorer.figures.palette import PALETTES, RUN_COLORS, Theme
from explorer.figures.template import axis, drawn, scatter
from explorer.network import per_class
from explorer.network.gradient_check import CheckedWeight
from explorer.wording import counted

_THEME: Theme = "light"
_PALETTE, _COLORS = PALETTES[_THEME], RUN_COLORS[_THEME]
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
) -> go.Figure:
    """Return curves (x, y) of shape (n,) in different hues, by their names, and single points, by their labels."""
    looks, text = zip(cycle(_COLORS), cycle(_DASHES), strict=False), _PALETTE.text
    traces = []
    for (name, (x, y)), (color, dash) in zip(curves.items(), looks, strict=False):
        is_point = np.isfinite(np.asarray(y, np.float64)).sum() <= 1
        mode, line = "lines+markers" if is_point else "lines", {"color": color, "dash": dash}
        traces.append(_scatter(name, x, y, f"{name} %{{y:.4g}} at %{{x:.4g}}", mode=mode, line=line))
    label = {"textposition": "top right", "textfont": {"color": text}, "marker": {"color": text, "size": 8}}
    for name, (x, y) in marks.items():
        look = {"mode": "markers+text", "showlegend": False, "text": [name], **label}
        traces.append(_scatter(name, [x], [y], f"{name}: %{{y:.4g}} at %{{x:.4g}}", **look))
    across, up = (axis(title, zeroline=True) for title in (x_title, y_title))
    return drawn(traces, _THEME, height=_HEIGHT, showlegend=len(curves) > 1, xaxis=across, yaxis=up)


def contrast_figure(
    wrong: ArrayLike, right: ArrayLike, *, measured: str, top: float | None = None
) -> go.Figure:
    """Return a wrong curve next to the right one, of one number per epoch; a label says where the wrong is NaN.

    The y axis ends at `top`, or fits both curves, with a logarithmic scale if one is far above the other.
    """
    wrong, right = np.asarray(wrong, np.float64), np.asarray(right, np.float64)
    looks = (
        ("right", right, {"dash": "solid", "color": _PALETTE.good}, {"symbol": "circle", "size": 5}),
        ("wrong", wrong, {"dash": "dash", "color": _PALETTE.error}, {"symbol": "x", "size": 7}),
    )
    curves = [
        _scatter(name, range(1, len(y) + 1), y, f"{name}: %{{y:.4g}} in epoch %{{x}}", mode="lines+markers")
        | {"line": line, "marker": mark | {"color": line["color"]}}
        for name, y, line, mark in looks
    ]
    # The label is in the corner that a falling loss leaves free.
    label = {"xref": "paper", "yref": "paper", "x": 1, "y": 1, "xanchor": "right", "yanchor": "top"}
    label |= {"font": {"color": _PALETTE.error, "size": 13}}
    missing = np.flatnonzero(~np.isfinite(wrong))[:1] + 1
    return drawn(
        curves,
        _THEME,
        height=_HEIGHT,
        showlegend=True,
        legend={"traceorder": "reversed"},  # the wrong one, drawn on top, is listed first
        xaxis=epoch_axis(max(len(wrong), len(right)), margin=0.03),
        yaxis=axis(measured, **_scale(np.concatenate([right, wrong]), top)),
        annotations=[{"text": f"wrong: not a number from epoch {first} on", **label} for first in missing],
    )


def _scatter(name: str, x: ArrayLike, y: ArrayLike, hover: str, **look: Any) -> dict[str, Any]:
    x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
    return scatter(hover, name=name, x=x, y=y, **look)


def _scale(values: NDArray[np.float64], top: float | None) -> dict[str, Any]:
    if top is not None:
        return {"range": [0, 1.05 * top]}  # markers at the top are fully visible
    known = values[np.isfinite(values)]
    above = known[known > 0]
    if above.size and above.max() > _FAR_APART * above.min():
        return {"type": "log", "dtick": 1, "exponentformat": "none"}
    return {"range": linear_range(known.tolist(), ())}


def recall_figure(counts: NDArray[np.integer], class_names: Sequence[str]) -> go.Figure:
    """Return a chart of the recall of each class, the most difficult first; `counts` are a confusion matrix."""
    scores = per_class(counts)
    order = np.argsort(scores.recall, kind="stable")
    recall = 100 * scores.recall[order]
    words = {"text": [f"{share:.1f}" for share in recall], "textposition": "outside", "cliponaxis": False}
    words["customdata"] = [counted(int(n), "test image") for n in scores.support[order]]
    hover, names = "%{x}: %{y:.1f} % of %{customdata}", [class_names[i] for i in order]
    bars = _bars(names, recall, _PALETTE.test, hover, **words)
    floor = 10 * np.floor(max(0.0, float(recall.min()) - 5) / 10)
    return _figure([bars], "true class", bargap=0.4, yaxis=axis("recall (%)", range=[floor, 100]))


def answers_figure(answers: Mapping[str, NDArray[np.floating]], class_names: Sequence[str]) -> go.Figure:
    """Return a chart of the outputs of networks, 0 to 1, for one sample, next to each other."""
    bars = [
        _bars(class_names, outputs, color, f"{name}: output %{{x}} is %{{y:.3f}}", name=name)
        for (name, outputs), color in zip(answers.items(), cycle(_COLORS), strict=False)
    ]
    up = axis("output", range=[0, 1.02])
    return _figure(bars, "output unit", showlegend=len(answers) > 1, yaxis=up)


def _bars(names: Sequence[str], values: ArrayLike, color: str, hover: str, **look: Any) -> dict[str, Any]:
    bars = {"type": "bar", "x": list(names), "y": np.asarray(values, np.float32), "marker": {"color": color}}
    return bars | {"hovertemplate": f"{hover}<extra></extra>"} | look


def _figure(bars: list[dict[str, Any]], x_title: str, **fixed: Any) -> go.Figure:
    across = axis(x_title, type="category", dtick=1, showgrid=False)
    return drawn(bars, _THEME, height=_HEIGHT, xaxis=across, **fixed)


_SIDE = 380  # px
_SYMBOLS = ("circle", "diamond", "square", "cross", "x", "triangle-up")


def gradients_figure(checked: Sequence[CheckedWeight]) -> go.Figure:
    """Plot each weight's derivative by backpropagation over its measured slope: on the diagonal if both agree."""
    reach = 1.08 * max((abs(weight.numeric) for weight in checked), default=0.0) or 1.0
    ends, line = [-reach, reach], {"color": _PALETTE.hairline, "width": 1}
    traces = [scatter(mode="lines", name="equal", x=ends, y=ends, line=line, hoverinfo="skip")]
    names, looks = sorted({weight.place.parameter for weight in checked}), cycle(_COLORS)
    for name, color, symbol in zip(names, looks, cycle(_SYMBOLS), strict=False):
        own = [weight for weight in checked if weight.place.parameter == name]
        x, y = [weight.numeric for weight in own], [weight.analytic for weight in own]
        mark = {"color": color, "symbol": symbol, "size": 9}
        hover, places = "%{text}: measured %{x:.5f}, propagated %{y:.5f}", [str(one.place) for one in own]
        traces.append(_scatter(name, x, y, hover, mode="markers", marker=mark, text=places))
    return _square(traces, reach, ("measured slope of the loss", "by backpropagation"))


def plane_figure(
    points: NDArray[np.floating], labels: NDArray[np.integer], shares: NDArray[np.floating] | None = None
) -> go.Figure:
    """Plot points of two classes in a plane, over a map of a network's share of class 1 at each position.

    `points` are positions in [−1, 1], one per column: (2, n); `labels` are 0 or 1: (n,); `shares` of class 1, 0 to
    1, have rows from bottom to top and columns from left to right: (m, m).
    """
    steps = np.linspace(-1, 1, 0 if shares is None else len(shares))
    colors = [[0, _PALETTE.negative], [0.5, _PALETTE.surface], [1, _PALETTE.positive]]
    shown = {"x": steps, "y": steps, "z": shares, "zmin": 0, "zmax": 1, "visible": shares is not None}
    hover = "says class 1 by %{z:.0%} at (%{x:.2f}, %{y:.2f})<extra></extra>"
    look = {"name": "says", "colorscale": colors, "opacity": 0.35, "showscale": False}
    background = {"type": "heatmap", **shown, **look, "hovertemplate": hover}
    edge, classes = {"color": _PALETTE.surface, "width": 1}, []
    for label, color in enumerate((_PALETTE.negative, _PALETTE.positive)):
        mark = {"color": color, "symbol": _SYMBOLS[label], "size": 7, "line": edge}
        hover = f"class {label} at (%{{x:.2f}}, %{{y:.2f}})"
        x, y = points[:, labels == label]
        classes.append(_scatter(f"class {label}", x, y, hover, mode="markers", marker=mark))
    return _square([background, *classes], 1, ("x[0]", "x[1]"), nticks=5)


def _square(traces: list[dict[str, Any]], reach: float, titles: tuple[str, str], **ticks: int) -> go.Figure:
    both = {"range": [-reach, reach], "zeroline": True, "constrain": "domain", **ticks}
    across, up = (axis(title, **both) for title in titles)
    up["scaleanchor"] = "x"
    return drawn(traces, _THEME, height=_SIDE, width=_SIDE, showlegend=True, xaxis=across, yaxis=up)
