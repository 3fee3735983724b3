"""The confusion matrix as a heat map that shows the mistakes.

The colours measure the cells off the diagonal; the diagonal, a hundred times as large, has a neutral fill.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import drawn, merged
from explorer.wording import class_noun, grouped

__all__ = [
    "Normalize",
    "cell_texts",
    "cells_style",
    "confusion_figure",
    "confusion_layout",
    "confusion_mark",
    "confusion_style",
    "confusion_traces",
    "drawn_matrix",
    "matrix_layout",
]

Normalize = Literal["count", "row"]

_HEIGHT = 420  # px
_LONGEST_LEVEL = 3  # letters of a class's name that stand under a column as they are


def confusion_traces(
    counts: NDArray[np.integer] | None, class_names: Sequence[str], *, normalize: Normalize = "count"
) -> list[dict[str, Any]]:
    """Return what changes with the data in the traces of `confusion_figure`.

    Parameters
    ----------
    counts : ndarray of int, shape (n_classes, n_classes), or None
        Rows are the true class, columns the predicted. None before the first epoch has ended.
    normalize : {"count", "row"}
        Show images, or percent of the row's images.

    Returns
    -------
    list of dict
        The mistakes, what is right, and the note of the empty state. `z`, `text` and `hovertext` are lists of
        rows, empty where the other trace has the cell; `zmax` is the value of the full tone: the largest mistake,
        but at least 1 % of the largest class, so that a good network's last few mistakes don't look like many.
    """
    right = np.eye(len(class_names), dtype=bool)
    if counts is None:
        blank = _part(np.zeros_like(right), None, "", "")
        return [blank | {"zmax": 1.0}, blank, {"visible": True}]
    totals = counts.sum(axis=1)
    values, smallest, written = counts, max(1.0, 0.01 * float(totals.max())), "{:d}"
    if normalize == "row":
        values, smallest, written = 100 * counts / np.maximum(totals, 1)[:, None], 1.0, "{:.1f}"
    text = [[written.format(value) if value else "" for value in row] for row in values.tolist()]
    rows, sums = counts.tolist(), totals.tolist()

    def words(row: int, column: int) -> str:
        count, total = rows[row][column], sums[row]
        return f"{grouped(count)} of {grouped(total)} ({100 * count / max(total, 1):.1f} %)"

    hover = cell_texts(class_names, words)
    largest = float(np.where(right, 0, values).max())
    return [
        _part(~right, values, text, hover) | {"zmax": max(smallest, largest)},
        _part(right, values, text, hover),
        {"visible": False},
    ]


def confusion_layout(
    class_names: Sequence[str], *, normalize: Normalize = "count", held_out: str = "test"
) -> dict[str, Any]:
    """Return what changes with classes, normalisation and the kind of the images in the layout."""
    by_class = f"% of each true {class_noun(class_names)}"
    shown = f"count of {held_out} images" if normalize == "count" else by_class
    return matrix_layout(class_names, shown)


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
    cells = cells_style(class_names, theme) | {"hoverongaps": False, "zmin": 0}
    middle = (len(class_names) - 1) / 2
    note = {
        "type": "scatter",
        "name": "note",
        "mode": "text",
        "x": [middle],
        "y": [middle],
        "text": ["no results"],
        "textfont": {"size": 13, "color": palette.muted},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    return [
        {**cells, "name": "mistakes", "colorscale": [[0, palette.surface], [1, palette.heat]]},
        {**cells, "name": "right", "colorscale": [[0, palette.raised], [1, palette.raised]]},
        note,
    ]


def confusion_figure(
    counts: NDArray[np.integer] | None,
    class_names: Sequence[str],
    *,
    normalize: Normalize = "count",
    theme: Theme = "light",
) -> go.Figure:
    """Return the confusion matrix; parameters as in `confusion_traces`, None draws the empty axes."""
    traces = confusion_traces(counts, class_names, normalize=normalize)
    layout = confusion_layout(class_names, normalize=normalize)
    return drawn_matrix(merged(confusion_style(class_names, theme), traces), layout, theme)


def drawn_matrix(traces: list[dict[str, Any]], layout: dict[str, Any], theme: Theme) -> go.Figure:
    """Return a figure of a matrix: without a grid between its cells, and with nothing to zoom into."""
    axis = {"showgrid": False, "fixedrange": True}
    return drawn(traces, theme, layout, height=_HEIGHT, xaxis=axis, yaxis=axis)


def matrix_layout(class_names: Sequence[str], shown: str) -> dict[str, Any]:
    """Return the title of a matrix, and its axes of true and predicted classes."""
    what, n = class_noun(class_names), len(class_names)
    ticks = {"tickvals": list(range(n)), "ticktext": list(class_names)}
    # Long names lean to the left: to the right, the last one would leave the figure, and Plotly would hide it.
    angle = -40 if max(map(len, class_names)) > _LONGEST_LEVEL else 0
    return {
        "title": {"text": f"Confusion matrix · {shown}"},
        "xaxis": {
            "title": {"text": f"predicted {what}"},
            "range": [-0.5, n - 0.5],
            "tickangle": angle,
            **ticks,
        },
        # downwards: the first class stands on top
        "yaxis": {"title": {"text": f"true {what}"}, "range": [n - 0.5, -0.5], **ticks},
    }


def cells_style(class_names: Sequence[str], theme: Theme) -> dict[str, Any]:
    """Return what all traces of cells look like, but for their names and colours."""
    steps = list(range(len(class_names)))
    return {
        "type": "heatmap",
        "x": steps,
        "y": steps,
        "xgap": 1,
        "ygap": 1,
        "showscale": False,
        "texttemplate": "%{text}",
        "textfont": {"size": 11, "color": PALETTES[theme].text},
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def cell_texts(class_names: Sequence[str], words: Callable[[int, int], str]) -> list[list[str]]:
    """Return a hover text for each cell: its classes and ``words(row, column)``."""
    return [
        [f"true {true} → predicted {predicted}: {words(i, j)}" for j, predicted in enumerate(class_names)]
        for i, true in enumerate(class_names)
    ]


def _part(mask: NDArray[np.bool_], values: Any, text: Any, hover: Any) -> dict[str, Any]:
    """Return the cells under `mask`, the others empty; as lists, because JSON knows None and not NaN."""
    parts: tuple[tuple[str, Any, Any], ...] = (
        ("z", values, None),
        ("text", text, ""),
        ("hovertext", hover, ""),
    )
    return {name: np.where(mask, shown, empty).tolist() for name, shown, empty in parts}
