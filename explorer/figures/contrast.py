"""A wrong curve next to the right one, over the epochs."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from explorer.figures.axes import epoch_axis, linear_range
from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import drawn

__all__ = ["contrast_figure"]

_HEIGHT = 280  # px
_FAR_APART = 20.0  # on a linear axis the smaller of two such curves lies on the ground


def contrast_figure(
    wrong: ArrayLike, right: ArrayLike, *, measured: str, top: float | None = None, theme: Theme = "light"
) -> go.Figure:
    """Return both curves; where the wrong one is not a number, words in the figure say so.

    Parameters
    ----------
    wrong, right : array_like, shape (n_epochs,)
        One number for each epoch, from the first on.
    measured : str
        What the numbers are.
    top : float, optional
        End of the axis, which then starts at 0. Without it the axis fits both curves, in powers of ten where
        one is far above the other.
    """
    curves = {"right": np.asarray(right, np.float64), "wrong": np.asarray(wrong, np.float64)}
    return drawn(
        [_line(name, values, theme) for name, values in curves.items()],
        theme,
        height=_HEIGHT,
        showlegend=True,
        legend={"traceorder": "reversed"},  # the wrong one, drawn on top, is named first
        xaxis=epoch_axis(max(map(len, curves.values())), margin=0.03),
        yaxis={"title": {"text": measured}, **_axis(np.concatenate([*curves.values()]), top)},
        annotations=_missing(curves["wrong"], theme),
    )


def _line(name: str, values: NDArray[np.float64], theme: Theme) -> dict[str, Any]:
    palette = PALETTES[theme]
    is_wrong = name == "wrong"
    colour = palette.error if is_wrong else palette.good
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": np.arange(1, len(values) + 1, dtype=np.int32),
        "y": values.astype(np.float32),
        "line": {"color": colour, "dash": "dash" if is_wrong else "solid"},
        "marker": {"color": colour, "symbol": "x" if is_wrong else "circle", "size": 7 if is_wrong else 5},
        "hovertemplate": f"{name}: %{{y:.4g}} in epoch %{{x}}<extra></extra>",
    }


def _axis(values: NDArray[np.float64], top: float | None) -> dict[str, Any]:
    if top is not None:
        return {"range": [0, 1.05 * top]}  # markers at the top are whole
    known = values[np.isfinite(values)]
    above = known[known > 0]
    if above.size and above.max() > _FAR_APART * above.min():
        return {"type": "log", "dtick": 1, "exponentformat": "none"}
    return {"range": linear_range(known.tolist(), ())}


def _missing(wrong: NDArray[np.float64], theme: Theme) -> list[dict[str, Any]]:
    missing = np.flatnonzero(~np.isfinite(wrong))[:1]
    corner = {"xref": "paper", "yref": "paper", "x": 1, "y": 1, "xanchor": "right", "yanchor": "top"}
    return [  # a loss that falls leaves that corner free
        {
            "text": f"wrong: not a number from epoch {first + 1} on",
            **corner,
            "font": {"color": PALETTES[theme].error, "size": 13},
        }
        for first in missing
    ]
