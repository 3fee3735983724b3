"""Points of two classes in a plane, over a map of what a network says of each place."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import template

__all__ = ["TRACE_NAMES", "plane_figure"]

TRACE_NAMES = ("says", "class 0", "class 1")
"""The traces in their order: the background, and the points of each class."""

_SIDE = 380  # px: both axes have one scale
_SYMBOLS = ("circle", "diamond")


def plane_figure(
    points: NDArray[np.floating],
    labels: NDArray[np.integer],
    shares: NDArray[np.floating] | None = None,
    *,
    span: float = 1.0,
    theme: Theme = "light",
) -> go.Figure:
    """Return points in the plane, before a map of how sure a network is of class 1.

    Parameters
    ----------
    points : ndarray of float, shape (2, n)
        Places, one a column, in [−span, span].
    labels : ndarray of int, shape (n,)
        0 or 1.
    shares : ndarray of float, shape (m, m), optional
        Share of class 1 in the outputs, 0 to 1: rows from bottom to top, columns from left to right.
    span : float
        End of both axes.
    theme : {"light", "dark"}
        Colours.
    """
    palette = PALETTES[theme]
    colours = (palette.negative, palette.positive)
    axis = {"range": [-span, span], "zeroline": True, "nticks": 5}
    layout = {
        "template": template(theme),
        "height": _SIDE,
        "width": _SIDE,
        "showlegend": True,
        "xaxis": {"title": {"text": "x[0]"}, "constrain": "domain", **axis},
        "yaxis": {"title": {"text": "x[1]"}, "scaleanchor": "x", "constrain": "domain", **axis},
    }
    data = [_background(shares, span, (colours[0], palette.surface, colours[1]))]
    for label, (colour, symbol) in enumerate(zip(colours, _SYMBOLS, strict=True)):
        own = points[:, labels == label].astype(np.float32)
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"class {label}",
                "x": own[0],
                "y": own[1],
                "marker": {
                    "color": colour,
                    "symbol": symbol,
                    "size": 7,
                    "line": {"color": palette.surface, "width": 1},
                },
                "hovertemplate": f"class {label} at (%{{x:.2f}}, %{{y:.2f}})<extra></extra>",
            }
        )
    return go.Figure(data, layout)


def _background(
    shares: NDArray[np.floating] | None, span: float, colours: tuple[str, str, str]
) -> dict[str, Any]:
    steps = np.linspace(-span, span, len(shares)) if shares is not None else np.zeros(0)
    return {
        "type": "heatmap",
        "name": "says",
        "x": steps,
        "y": steps,
        "z": shares,
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[i / 2, colour] for i, colour in enumerate(colours)],
        "opacity": 0.35,
        "showscale": False,
        "visible": shares is not None,
        "hovertemplate": "says class 1 by %{z:.0%} at (%{x:.2f}, %{y:.2f})<extra></extra>",
    }
