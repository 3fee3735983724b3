"""What two runs mistake differently: the difference of their confusion matrices.

Colours say who is better, numbers who has more: a right decision more and a mistake less are both in the hue of B.
"""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.palette import PALETTES, Palette, Theme
from explorer.figures.template import template
from explorer.wording import grouped

__all__ = [
    "difference_figure",
    "difference_layout",
    "difference_style",
    "difference_summary",
    "difference_traces",
]

_HEIGHT = 420  # px
_STRENGTH = 0.55  # share of the hue in a cell of full tone: the text on it stays legible


def difference_traces(
    a: NDArray[np.integer] | None,
    b: NDArray[np.integer] | None,
    class_names: Sequence[str],
    called: tuple[str, str] = ("A", "B"),
) -> list[dict[str, Any]]:
    """Return what changes with the data in the one trace of `difference_figure`.

    Parameters
    ----------
    a, b : ndarray of int, shape (n_classes, n_classes), or None
        Confusion matrices over the same images: rows are the true class, columns the predicted. With None, the
        cells are empty.
    class_names : sequence of str
        Name of each class.
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
    more = b - a
    better = np.where(np.eye(n, dtype=bool), more, -more)
    largest = float(np.abs(more[~np.eye(n, dtype=bool)]).max(initial=1))
    return [
        {
            "z": better.tolist(),
            "zmin": -largest,
            "zmax": largest,
            "text": [[_signed(value) if value else "" for value in row] for row in more.tolist()],
            "hovertext": _hover_texts(a, b, class_names, _as_texts(called)),
        }
    ]


def difference_layout(class_names: Sequence[str], called: tuple[str, str] = ("A", "B")) -> dict[str, Any]:
    """Return what changes with the classes, and with what the two are called, in the layout."""
    name_a, name_b = _as_texts(called)
    what = "digit" if all(name.isdigit() for name in class_names) else "class"
    n = len(class_names)
    ticks = {"tickvals": list(range(n)), "ticktext": list(class_names)}
    return {
        "title": {"text": f"Confusion matrix · {name_b} minus {name_a}"},
        "xaxis": {"title": {"text": f"predicted {what}"}, "range": [-0.5, n - 0.5], **ticks},
        "yaxis": {"title": {"text": f"true {what}"}, "range": [n - 0.5, -0.5], **ticks},
    }


def difference_style(class_names: Sequence[str], theme: Theme = "light") -> list[dict[str, Any]]:
    """Return what changes with the theme in the trace of `difference_figure`, and what never changes."""
    palette = PALETTES[theme]
    steps = list(range(len(class_names)))
    return [
        {
            "type": "heatmap",
            "name": "difference",
            "x": steps,
            "y": steps,
            "xgap": 1,
            "ygap": 1,
            "showscale": False,
            "colorscale": [
                [0, _tone(palette.negative, palette)],
                [0.5, palette.raised],
                [1, _tone(palette.positive, palette)],
            ],
            "texttemplate": "%{text}",
            "textfont": {"size": 11, "color": palette.text},
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
    ]


def difference_figure(
    a: NDArray[np.integer] | None,
    b: NDArray[np.integer] | None,
    class_names: Sequence[str],
    *,
    theme: Theme = "light",
) -> go.Figure:
    """Return B's confusion matrix minus A's; the parameters are those of `difference_traces`."""
    (look,), (cells,) = difference_style(class_names, theme), difference_traces(a, b, class_names)
    axis = {"showgrid": False}
    fixed = {"template": template(theme), "height": _HEIGHT, "xaxis": axis, "yaxis": axis}
    return go.Figure([look | cells], fixed).update_layout(difference_layout(class_names))


def difference_summary(
    a: NDArray[np.integer] | None,
    b: NDArray[np.integer] | None,
    class_names: Sequence[str],
    called: tuple[str, str] = ("A", "B"),
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
    counts = f"{name_a} {grouped(int(a[row, column]))} times, {name_b} {grouped(int(b[row, column]))}"
    return f"{hues} Largest difference: {class_names[row]} read as {class_names[column]}, {counts}."


def _as_texts(called: tuple[str, str]) -> tuple[str, str]:
    """Return names so that Plotly reads no markup in them."""
    name_a, name_b = (html.escape(name, quote=False) for name in called)
    return name_a, name_b


def _signed(value: int) -> str:
    return f"{'+' if value > 0 else '−'}{grouped(abs(value))}"


def _tone(colour: str, palette: Palette) -> str:
    """Return `colour` mixed into the middle of the scale."""
    hue, ground = (bytes.fromhex(code[1:]) for code in (colour, palette.raised))
    mixed = (round(_STRENGTH * h + (1 - _STRENGTH) * g) for h, g in zip(hue, ground, strict=True))
    return "#" + bytes(mixed).hex()


def _hover_texts(
    a: NDArray[np.integer], b: NDArray[np.integer], class_names: Sequence[str], called: tuple[str, str]
) -> list[list[str]]:
    return [
        [
            f"true {true} → predicted {predicted}: {called[0]} {grouped(in_a)}, {called[1]} {grouped(in_b)}"
            for predicted, in_a, in_b in zip(class_names, row_a, row_b, strict=True)
        ]
        for true, row_a, row_b in zip(class_names, a.tolist(), b.tolist(), strict=True)
    ]
