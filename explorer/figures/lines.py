"""Named curves over one axis: functions and their slopes, a loss over epochs, a loss along a step."""

from collections.abc import Callable, Mapping
from itertools import cycle
from types import MappingProxyType
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from explorer.figures.palette import PALETTES, RUN_COLOURS, Theme
from explorer.figures.template import drawn

__all__ = ["lines_figure", "sampled"]

_POINTS = 401  # odd: the middle of the span is a point
_DASHES = ("solid", "dash", "dot", "dashdot")  # a second mark besides the hue
_NO_MARKS: Mapping[str, tuple[float, float]] = MappingProxyType({})


def sampled(
    functions: Mapping[str, Callable[[float], Any]], span: tuple[float, float]
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return for each function its values at evenly spaced points.

    Parameters
    ----------
    functions : mapping of str to callable
        Of one float, each with a name.
    span : tuple of float
        First and last point.
    """
    x = np.linspace(*span, _POINTS)
    return {name: (x, np.array([float(f(at)) for at in x])) for name, f in functions.items()}


def lines_figure(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    x_title: str,
    y_title: str = "",
    marks: Mapping[str, tuple[float, float]] = _NO_MARKS,
    theme: Theme = "light",
) -> go.Figure:
    """Return curves in hues of their own, and points that are pointed out.

    Parameters
    ----------
    curves : mapping of str to (x, y)
        Each of shape (n,), by its name in the legend.
    x_title, y_title : str
        What the axes measure.
    marks : mapping of str to (x, y)
        Single points, each with its words.
    """
    looks = zip(RUN_COLOURS[theme], cycle(_DASHES), strict=False)
    lines = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": np.asarray(x, np.float32),
            "y": np.asarray(y, np.float32),
            "line": {"color": colour, "dash": dash},
            "hovertemplate": f"{name} %{{y:.4g}} at %{{x:.4g}}<extra></extra>",
        }
        for (name, (x, y)), (colour, dash) in zip(curves.items(), looks, strict=False)
    ]
    return drawn(
        [*lines, *_points(marks, theme)],
        theme,
        height=280,
        showlegend=len(curves) > 1,
        xaxis={"title": {"text": x_title}, "zeroline": True},
        yaxis={"title": {"text": y_title}, "zeroline": True},
    )


def _points(marks: Mapping[str, tuple[float, float]], theme: Theme) -> list[dict[str, Any]]:
    palette = PALETTES[theme]
    return [
        {
            "type": "scatter",
            "mode": "markers+text",
            "name": name,
            "x": [x],
            "y": [y],
            "text": [name],
            "textposition": "top right",
            "textfont": {"color": palette.text},
            "marker": {"color": palette.text, "size": 8},
            "showlegend": False,
            "hovertemplate": f"{name}: %{{y:.4g}} at %{{x:.4g}}<extra></extra>",
        }
        for name, (x, y) in marks.items()
    ]
