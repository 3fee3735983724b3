"""Points of several kinds in a square plot with equal scales on both axes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.palette import PALETTES, RUN_COLOURS, Theme
from explorer.figures.template import drawn
from explorer.network.gradient_check import CheckedWeight

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
    points, colours = [], RUN_COLOURS[theme]
    for i, name in enumerate(sorted({weight.place.parameter for weight in checked})):
        own = [weight for weight in checked if weight.place.parameter == name]
        x, y = [weight.numeric for weight in own], [weight.analytic for weight in own]
        mark = {"color": colours[i % len(colours)], "symbol": _SYMBOLS[i % len(_SYMBOLS)], "size": 9}
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
    for label, colour in enumerate((palette.negative, palette.positive)):
        mark = {"color": colour, "symbol": _SYMBOLS[label], "size": 7, "line": edge}
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
