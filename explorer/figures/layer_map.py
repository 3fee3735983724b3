"""A map of a layer: images as dots of their class's color, near each other if the layer's units answer alike."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.axes import as_float32
from explorer.figures.data_table import GUIDE
from explorer.figures.palette import CLASS_COLORS, PALETTES, Theme
from explorer.figures.template import FigureData, axis, drawn, legend_text, scatter
from explorer.inspection import Projection
from explorer.wording import percent

_SYMBOLS = ("circle", "diamond", "square")
N_SYMBOLS = len(_SYMBOLS)
_MOST_IN_LEGEND = 20
_AXES = "first axis", "second axis"


def map_data(
    projection: Projection,
    labels: NDArray[np.integer],
    texts: Sequence[str],
    marks: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    n_classes: int,
) -> FigureData:
    """Return the properties of `map_figure` that depend on the data.

    Each image has a true class in `labels`, int (n,), and a hover text. There is a trace for each class, and one
    for each of the `marks`: which images are misclassified, and which one is chosen.
    """
    (x, y), share = as_float32(projection.points), percent(float(projection.shares.sum()), 0)
    traces: list[dict[str, Any]] = []
    for own in (labels == k for k in range(n_classes)):
        hover = [html.escape(texts[i], quote=False) for i in np.flatnonzero(own).tolist()]
        traces.append({"x": x[own], "y": y[own], "hovertext": hover})
    traces += [{"x": x[shown], "y": y[shown]} for shown in marks]
    return traces, {"xaxis": {"title": {"text": f"{_AXES[0]} · {share} of the variance in these two axes"}}}


def map_style(names: Sequence[str], theme: Theme = "light") -> list[dict[str, Any]]:
    """Return the properties of the traces of `map_figure` that depend on the theme or are constant."""
    style = []
    for k, name in enumerate(names):
        color, symbol = CLASS_COLORS[k % len(CLASS_COLORS)], _SYMBOLS[k % N_SYMBOLS]
        marker: dict[str, Any] = {"color": color, "symbol": symbol, "size": 6, "opacity": 0.8}
        style.append(scatter("%{hovertext}", name=legend_text(name), mode="markers", marker=marker))
    for name, symbol, size, depth in (
        ("misclassified", "circle-open", 10, -1),
        ("chosen", "star-open", 16, 1),
    ):
        marker = {"color": PALETTES[theme].text, "symbol": symbol, "size": size, "line": {"width": 1.5}}
        look = {"mode": "markers", "marker": marker, "zorder": depth}  # many rings would cover the dots
        style.append(scatter(name=name, meta=GUIDE, hoverinfo="skip", **look))
    return style


def map_figure(names: Sequence[str], *, theme: Theme = "light") -> go.Figure:
    """Return the figure of a layer's map for classes with these names, without data."""
    across, up = axis(_AXES[0]), axis(_AXES[1], scaleanchor="x")
    has_legend = len(names) <= _MOST_IN_LEGEND
    return drawn(map_style(names, theme), theme, height=480, showlegend=has_legend, xaxis=across, yaxis=up)
