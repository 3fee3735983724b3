"""Backpropagation against measured slopes: one point for each weight, on the diagonal when both agree."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures.palette import PALETTES, RUN_COLOURS, Theme
from explorer.figures.template import drawn
from explorer.network.gradient_check import CheckedWeight

__all__ = ["gradients_figure"]

_SIDE = 380  # px: both axes have one scale
_SYMBOLS = ("circle", "diamond", "square", "cross", "x", "triangle-up")


def gradients_figure(checked: Sequence[CheckedWeight], *, theme: Theme = "light") -> go.Figure:
    """Return each weight's derivative by backpropagation over its measured slope.

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
    points = []
    for i, name in enumerate(sorted({weight.place.parameter for weight in checked})):
        own = [weight for weight in checked if weight.place.parameter == name]
        colours = RUN_COLOURS[theme]
        mark = {"color": colours[i % len(colours)], "symbol": _SYMBOLS[i % len(_SYMBOLS)], "size": 9}
        points.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": np.array([weight.numeric for weight in own], np.float32),
                "y": np.array([weight.analytic for weight in own], np.float32),
                "text": [str(weight.place) for weight in own],
                "marker": mark,
                "hovertemplate": "%{text}: measured %{x:.5f}, propagated %{y:.5f}<extra></extra>",
            }
        )
    axis = {"range": [-reach, reach], "zeroline": True, "constrain": "domain"}
    return drawn(
        [diagonal, *points],
        theme,
        height=_SIDE,
        width=_SIDE,
        showlegend=True,
        xaxis={"title": {"text": "measured slope of the loss"}, **axis},
        yaxis={"title": {"text": "by backpropagation"}, "scaleanchor": "x", **axis},
    )
