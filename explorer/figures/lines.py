"""Named curves over one axis: functions, a loss along a step, a wrong run next to the correct one."""

from collections.abc import Mapping
from itertools import cycle
from types import MappingProxyType
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from explorer.figures.axes import epoch_axis, linear_range
from explorer.figures.palette import PALETTES, RUN_COLOURS, Theme
from explorer.figures.template import drawn

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
    """Return curves in different hues, and labelled points.

    Parameters
    ----------
    curves : mapping of str to (x, y)
        Each of shape (n,), by its name in the legend.
    x_title, y_title : str
        Titles of the axes.
    marks : mapping of str to (x, y)
        Single points, by their labels.
    """
    looks, text = zip(cycle(RUN_COLOURS[theme]), cycle(_DASHES), strict=False), PALETTES[theme].text
    lines = [
        _curve(name, x, y, " %{y:.4g} at %{x:.4g}", mode=_mode(y), line={"color": colour, "dash": dash})
        for (name, (x, y)), (colour, dash) in zip(curves.items(), looks, strict=False)
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


def _missing(first: int, colour: str) -> dict[str, Any]:
    """Return the label, in the corner that a falling loss leaves free."""
    return {
        "text": f"wrong: not a number from epoch {first + 1} on",
        **{"xref": "paper", "yref": "paper", "x": 1, "y": 1, "xanchor": "right", "yanchor": "top"},
        "font": {"color": colour, "size": 13},
    }
