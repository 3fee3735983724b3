"""The confusion matrix as a heat map that shows the mistakes.

The colours measure the cells off the diagonal; the diagonal, a hundred times as large, has a neutral fill.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import template
from explorer.wording import grouped

__all__ = [
    "TRACE_NAMES",
    "confusion_figure",
    "confusion_layout",
    "confusion_mark",
    "confusion_style",
    "confusion_traces",
]

TRACE_NAMES = ("mistakes", "right", "note")
"""The traces in their order: cells off the diagonal, cells on it, and the words of the empty state."""

Normalize = Literal["count", "row"]

_HEIGHT = 420  # px


def confusion_traces(
    counts: NDArray[np.integer] | None, class_names: Sequence[str], *, normalize: Normalize = "count"
) -> list[dict[str, Any]]:
    """Return what changes with the data in the traces of `confusion_figure`.

    Parameters
    ----------
    counts : ndarray of int, shape (n_classes, n_classes), or None
        Rows are the true class, columns the predicted. None before the first epoch has ended.
    class_names : sequence of str
        Name of each class.
    normalize : {"count", "row"}
        Show images, or percent of the row's images.

    Returns
    -------
    list of dict
        One for each name in `TRACE_NAMES`. `z`, `text` and `hovertext` are lists of rows, empty where the
        other trace has the cell; `zmax` is the value of the full tone: the largest mistake, but at least
        1 % of the largest class, so that the last few mistakes of a good network don't look like many.
    """
    n = len(class_names)
    if counts is None:
        blank = _part(np.zeros((n, n), bool), *[[[None] * n] * n] * 3)
        return [blank | {"zmax": 1.0}, blank, {"visible": True}]
    totals = counts.sum(axis=1)
    values, smallest, written = counts, max(1.0, 0.01 * float(totals.max())), "{:d}"
    if normalize == "row":
        values, smallest, written = 100 * counts / np.maximum(totals, 1)[:, None], 1.0, "{:.1f}"
    rows = values.tolist()
    text = [[written.format(value) if value else "" for value in row] for row in rows]
    hover = _hover_texts(counts, totals, class_names)
    right = np.eye(n, dtype=bool)
    largest = float(np.where(right, 0, values).max())
    return [
        _part(~right, rows, text, hover) | {"zmax": max(smallest, largest)},
        _part(right, rows, text, hover),
        {"visible": False},
    ]


def confusion_layout(class_names: Sequence[str], *, normalize: Normalize = "count") -> dict[str, Any]:
    """Return what changes with classes and normalisation in the layout."""
    what = _kind(class_names)
    shown = "count of test images" if normalize == "count" else f"% of each true {what}"
    n = len(class_names)
    ticks = {"tickvals": list(range(n)), "ticktext": list(class_names)}
    return {
        "title": {"text": f"Confusion matrix · {shown}"},
        "xaxis": {"title": {"text": f"predicted {what}"}, "range": [-0.5, n - 0.5], **ticks},
        # downwards: the first class stands on top
        "yaxis": {"title": {"text": f"true {what}"}, "range": [n - 0.5, -0.5], **ticks},
    }


def confusion_mark(cell: tuple[int, int] | None, theme: Theme = "light") -> dict[str, Any]:
    """Return the layout's frame round the cell (row, column) that is selected, or none."""
    if cell is None:
        return {"shapes": []}
    row, column = cell
    frame = {"type": "rect", "x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}
    return {"shapes": [{**frame, "line": {"color": PALETTES[theme].accent, "width": 2}}]}


def confusion_style(class_names: Sequence[str], theme: Theme = "light") -> list[dict[str, Any]]:
    """Return what changes with the theme in the traces of `confusion_figure`, and what never changes."""
    palette = PALETTES[theme]
    steps = list(range(len(class_names)))
    cell = {
        "type": "heatmap",
        "x": steps,
        "y": steps,
        "xgap": 1,
        "ygap": 1,
        "showscale": False,
        "hoverongaps": False,
        "zmin": 0,
        "texttemplate": "%{text}",
        "textfont": {"size": 11, "color": palette.text},
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    middle = (len(class_names) - 1) / 2
    note = {
        "type": "scatter",
        "mode": "text",
        "x": [middle],
        "y": [middle],
        "text": ["no results"],
        "textfont": {"size": 13, "color": palette.muted},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    looks = [
        {**cell, "colorscale": [[0, palette.surface], [1, palette.heat]]},
        {**cell, "colorscale": [[0, palette.raised], [1, palette.raised]]},
        note,
    ]
    return [{"name": name} | look for name, look in zip(TRACE_NAMES, looks, strict=True)]


def confusion_figure(
    counts: NDArray[np.integer] | None,
    class_names: Sequence[str],
    *,
    normalize: Normalize = "count",
    theme: Theme = "light",
) -> go.Figure:
    """Return the confusion matrix; parameters as in `confusion_traces`, None draws the empty axes."""
    traces = confusion_traces(counts, class_names, normalize=normalize)
    data = [look | cells for look, cells in zip(confusion_style(class_names, theme), traces, strict=True)]
    axis = {"showgrid": False}
    fixed = {"template": template(theme), "height": _HEIGHT, "xaxis": axis, "yaxis": axis}
    return go.Figure(data, fixed).update_layout(confusion_layout(class_names, normalize=normalize))


def _kind(class_names: Sequence[str]) -> str:
    return "digit" if all(name.isdigit() for name in class_names) else "class"


def _part(
    mask: NDArray[np.bool_], values: list[list[Any]], text: list[list[Any]], hover: list[list[Any]]
) -> dict[str, Any]:
    """Return the cells under `mask`, the others empty; as lists, because JSON knows None and not NaN."""
    shown = mask.tolist()
    return {
        "z": _kept(shown, values, None),
        "text": _kept(shown, text, ""),
        "hovertext": _kept(shown, hover, ""),
    }


def _kept(mask: list[list[bool]], rows: list[list[Any]], other: str | None) -> list[list[Any]]:
    return [
        [cell if kept else other for kept, cell in zip(flags, row, strict=True)]
        for flags, row in zip(mask, rows, strict=True)
    ]


def _hover_texts(
    counts: NDArray[np.integer], totals: NDArray[np.integer], class_names: Sequence[str]
) -> list[list[str]]:
    return [
        [
            f"true {true} → predicted {predicted}: {grouped(count)} of {grouped(total)}"
            f" ({100 * count / max(total, 1):.1f} %)"
            for predicted, count in zip(class_names, row, strict=True)
        ]
        for true, total, row in zip(class_names, totals.tolist(), counts.tolist(), strict=True)
    ]
