"""Points of two classes in a plane, over a map of what a network says of each place."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import drawn

__all__ = ["plane_figure"]

_SIDE = 380  # px: both axes have one scale
_SYMBOLS = ("circle", "diamond")


def plane_figure(
    points: NDArray[np.floating],
    labels: NDArray[np.integer],
    shares: NDArray[np.floating] | None = None,
    *,
    theme: Theme = "light",
) -> go.Figure:
    """Return points in the plane, before a map of how sure a network is of class 1.

    Parameters
    ----------
    points : ndarray of float, shape (2, n)
        Places, one a column, in [−1, 1].
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
    classes = []
    for label, colour in enumerate((palette.negative, palette.positive)):
        own = points[:, labels == label].astype(np.float32)
        edge = {"color": palette.surface, "width": 1}
        classes.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"class {label}",
                "x": own[0],
                "y": own[1],
                "marker": {"color": colour, "symbol": _SYMBOLS[label], "size": 7, "line": edge},
                "hovertemplate": f"class {label} at (%{{x:.2f}}, %{{y:.2f}})<extra></extra>",
            }
        )
    axis = {"range": [-1, 1], "zeroline": True, "nticks": 5, "constrain": "domain"}
    return drawn(
        [background, *classes],
        theme,
        height=_SIDE,
        width=_SIDE,
        showlegend=True,
        xaxis={"title": {"text": "x[0]"}, **axis},
        yaxis={"title": {"text": "x[1]"}, "scaleanchor": "x", **axis},
    )
