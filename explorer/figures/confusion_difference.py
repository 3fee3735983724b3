"""What two runs mistake differently: the difference of their confusion matrices.

Colours say who is better, numbers who has more: a right decision more and a mistake less are both in the hue of B.
"""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.confusion import cell_texts, cells_style, drawn_matrix, matrix_layout
from explorer.figures.palette import PALETTES, Theme, rgb
from explorer.figures.template import merged
from explorer.wording import grouped, times

__all__ = [
    "difference_figure",
    "difference_layout",
    "difference_style",
    "difference_summary",
    "difference_traces",
]

_Counts = NDArray[np.integer] | None

_A_AND_B = ("A", "B")
_STRENGTH = 0.55  # share of the hue in a cell of full tone: the text on it stays legible


def difference_traces(
    a: _Counts, b: _Counts, class_names: Sequence[str], called: tuple[str, str] = _A_AND_B
) -> list[dict[str, Any]]:
    """Return what changes with the data in the one trace of `difference_figure`.

    Parameters
    ----------
    a, b : ndarray of int, shape (n_classes, n_classes), or None
        Confusion matrices over the same images: rows are the true class, columns the predicted. With None, the
        cells are empty.
    called : tuple of two str
        What the two are called: any text.

    Returns
    -------
    list of dict
        `z` is how much better B is in each cell, in images: b − a on the diagonal, a − b off it; `text` is b − a
        with its sign. `zmax` is the largest difference off the diagonal, at least 1.
    """
    n = len(class_names)
    if a is None or b is None:
        return [{"z": [[None] * n] * n, "text": [[""] * n] * n, "hovertext": [[""] * n] * n}]
    more, right = b - a, np.eye(n, dtype=bool)
    largest = float(np.abs(more[~right]).max(initial=1))
    name_a, name_b = _as_texts(called)
    return [
        {
            "z": np.where(right, more, -more).tolist(),
            "zmin": -largest,
            "zmax": largest,
            "text": [[_signed(value) if value else "" for value in row] for row in more.tolist()],
            "hovertext": cell_texts(
                class_names,
                lambda i, j: f"{name_a} {grouped(int(a[i, j]))}, {name_b} {grouped(int(b[i, j]))}",
            ),
        }
    ]


def difference_layout(class_names: Sequence[str], called: tuple[str, str] = _A_AND_B) -> dict[str, Any]:
    """Return what changes with the classes, and with what the two are called, in the layout."""
    name_a, name_b = _as_texts(called)
    return matrix_layout(class_names, f"{name_b} minus {name_a}")


def difference_style(class_names: Sequence[str], theme: Theme = "light") -> list[dict[str, Any]]:
    """Return what changes with the theme in the trace of `difference_figure`, and what never changes."""
    palette = PALETTES[theme]
    low, high = (_tone(hue, palette.raised) for hue in (palette.negative, palette.positive))
    colours = {"colorscale": [[0, low], [0.5, palette.raised], [1, high]]}
    return [cells_style(class_names, theme) | {"name": "difference"} | colours]


def difference_figure(
    a: _Counts, b: _Counts, class_names: Sequence[str], *, theme: Theme = "light"
) -> go.Figure:
    """Return B's confusion matrix minus A's; the parameters are those of `difference_traces`."""
    traces = merged(difference_style(class_names, theme), difference_traces(a, b, class_names))
    return drawn_matrix(traces, difference_layout(class_names), theme)


def difference_summary(
    a: _Counts, b: _Counts, class_names: Sequence[str], called: tuple[str, str] = _A_AND_B
) -> str:
    """Return what the colours mean, and the pair of classes in which the two differ most."""
    if a is None or b is None:
        return ""
    (name_a, name_b), more = called, b - a
    hues = f"Green: {name_b} is better; purple: {name_a} is."
    np.fill_diagonal(more, 0)
    if not more.any():
        return f"{hues} Both mistake the same classes equally often."
    row, column = divmod(int(np.abs(more).argmax()), len(more))
    counts = f"{name_a} {times(int(a[row, column]))}, {name_b} {times(int(b[row, column]))}"
    return f"{hues} Largest difference: {class_names[row]} read as {class_names[column]}, {counts}."


def _as_texts(called: tuple[str, str]) -> list[str]:
    """Return names so that Plotly reads no markup in them."""
    return [html.escape(name, quote=False) for name in called]


def _signed(value: int) -> str:
    return f"{'+' if value > 0 else '−'}{grouped(abs(value))}"


def _tone(colour: str, ground: str) -> str:
    """Return `colour` mixed into the middle of the scale."""
    mixed = (
        round(_STRENGTH * h + (1 - _STRENGTH) * g) for h, g in zip(rgb(colour), rgb(ground), strict=True)
    )
    return "#" + bytes(mixed).hex()
