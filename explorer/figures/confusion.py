"""The confusion matrix as a heat map of the mistakes, and the difference between the matrices of two runs.

The colors measure the cells off the diagonal. The diagonal, a hundred times as large, has a scale of its own,
without a hue: the stronger, the more of a class are classified correctly.
In the difference, colors show which run is better, numbers which has more: a correct decision more and a mistake
less both have the hue of B.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.palette import PALETTES, Theme, rgb
from explorer.figures.template import FigureData, axis, drawn, legend_text, merged, scatter
from explorer.network import hardest_classes, most_confused, per_class
from explorer.wording import class_noun, counted, grouped, times

Normalize = Literal["count", "row"]

_HEIGHT = 420  # px
_LONGEST_LEVEL = 3  # longest class name, in letters, that is not tilted under a column
_MOST_NAMED, _FEW_NAMED = 25, 7  # classes of an axis; if there are more, a few, and cells without numbers
_MOST_IN_WORDS = 3  # classes or mistakes
_SIGNS = str.maketrans("-,", "−\u202f")
_STRENGTH = 0.55  # share of the hue in a cell of full tone: the text on it stays legible

_Counts = NDArray[np.integer]


def confusion_data(
    counts: _Counts | None,
    class_names: Sequence[str],
    *,
    normalize: Normalize = "count",
    held_out: str = "test",
) -> FigureData:
    """Return the properties of `confusion_figure` that depend on the data.

    `counts` have the true class in rows, the predicted in columns: int, (n_classes, n_classes); None before the
    first epoch has ended. With `normalize`, they are shown as images or as percent of the row's; `held_out` is the
    kind of the images, ``"validation"`` or ``"test"``.

    The traces are the mistakes, the correct decisions, and the note of the empty state. The full tone, `zmax`, is
    the largest mistake, but at least 1 % of the largest class: a good network's last few don't look like many.
    """
    right = np.eye(len(class_names), dtype=bool)
    by_class = f"% of each true {class_noun(class_names)}"
    layout = _layout(class_names, held_out if normalize == "count" else by_class)
    if counts is None:
        blank = _part(np.zeros_like(right), None, "", "")
        return [blank | {"zmax": 1.0}, blank | {"zmax": 1.0}, {"visible": True}], layout
    totals = counts.sum(axis=1)
    values, smallest, written = counts, max(1.0, 0.01 * float(totals.max())), "{:d}"
    if normalize == "row":
        values, smallest, written = 100 * counts / np.maximum(totals, 1)[:, None], 1.0, "{:.1f}"
    text = [[written.format(value) if value else "" for value in row] for row in values.tolist()]
    rows, sums = counts.tolist(), totals.tolist()

    def words(row: int, column: int) -> str:
        count, total = rows[row][column], sums[row]
        return f"{grouped(count)} of {grouped(total)} ({100 * count / max(total, 1):.1f} %)"

    hover = _texts(class_names, words)
    largest = float(np.where(right, 0, values).max())
    mistakes = _part(~right, values, text, hover) | {"zmax": max(smallest, largest)}
    all_right = 100.0 if normalize == "row" else max(1.0, float(totals.max()))
    return [mistakes, _part(right, values, text, hover) | {"zmax": all_right}, {"visible": False}], layout


def confusion_mark(cell: tuple[int, int] | None, theme: Theme = "light") -> dict[str, Any]:
    """Return the layout's frame around the selected cell (row, column), or none."""
    if cell is None:
        return {"shapes": []}
    row, column = cell
    edges = {"x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}
    return {"shapes": [{"type": "rect", **edges, "line": {"color": PALETTES[theme].accent, "width": 2}}]}


def confusion_style(class_names: Sequence[str], theme: Theme = "light") -> list[dict[str, Any]]:
    """Return the properties of the traces of `confusion_figure` that depend on the theme or are constant."""
    palette = PALETTES[theme]
    middle = [(len(class_names) - 1) / 2]
    words = {"mode": "text", "text": ["no results"], "textfont": {"size": 13, "color": palette.muted}}
    hidden = {"hoverinfo": "skip", "showlegend": False}
    return [
        _cells(class_names, theme, "mistakes", palette.surface, palette.heat) | {"zmin": 0},
        _cells(class_names, theme, "right", palette.raised, palette.weight) | {"zmin": 0},
        scatter(name="note", x=middle, y=middle, **words, **hidden),
    ]


def confusion_figure(counts: _Counts | None, class_names: Sequence[str], theme: Theme = "light") -> go.Figure:
    """Return the confusion matrix; parameters as in `confusion_data`, None gives empty axes."""
    cells, layout = confusion_data(counts, class_names)
    return drawn_matrix(merged(confusion_style(class_names, theme), cells), layout, theme)


def drawn_matrix(traces: list[dict[str, Any]], layout: dict[str, Any], theme: Theme) -> go.Figure:
    """Return a figure of a matrix, without a grid between its cells and without zoom."""
    plain = {"showgrid": False, "fixedrange": True}
    return drawn(traces, theme, layout, height=_HEIGHT, xaxis=plain, yaxis=plain)


def matrix_cells(name: str, colors: Sequence[str], font: Mapping[str, Any]) -> dict[str, Any]:
    """Return the style of a trace of cells, with a color scale of equal steps."""
    return {
        "type": "heatmap",
        "name": name,
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "showscale": False,
        "colorscale": [[place / (len(colors) - 1), color] for place, color in enumerate(colors)],
        "texttemplate": "%{text}",
        "textfont": font,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def difference_data(a: _Counts, b: _Counts, class_names: Sequence[str], theme: Theme = "light") -> FigureData:
    """Return the one trace, and the layout, of `difference_figure`.

    `a` and `b` are confusion matrices over the same images, as in `confusion_data`. `z` is the advantage of B in
    images: b − a on the diagonal, a − b off it; `text` is b − a with its sign.
    """
    more, right, palette = b - a, np.eye(len(class_names), dtype=bool), PALETTES[theme]
    largest = float(np.abs(more[~right]).max(initial=1))
    low, high = (_tone(hue, palette.raised) for hue in (palette.negative, palette.positive))

    def words(row: int, column: int) -> str:
        return f"A {grouped(int(a[row, column]))}, B {grouped(int(b[row, column]))}"

    trace = {
        "z": np.where(right, more, -more).tolist(),
        "zmin": -largest,
        "zmax": largest,
        "text": [[f"{n:+,}".translate(_SIGNS) if n else "" for n in row] for row in more.tolist()],
        "hovertext": _texts(class_names, words),
    }
    look = _cells(class_names, theme, "difference", low, palette.raised, high)
    return [look | trace], _layout(class_names, "B minus A")


def difference_figure(
    a: _Counts, b: _Counts, class_names: Sequence[str], *, theme: Theme = "light"
) -> go.Figure:
    """Return B's confusion matrix minus A's; parameters as in `difference_data`."""
    return drawn_matrix(*difference_data(a, b, class_names, theme), theme)


def difference_summary(a: _Counts, b: _Counts, class_names: Sequence[str]) -> str:
    """Explain the colors, and name the pair of classes in which the two differ most."""
    more, hues = b - a, "Green: more right, or fewer mistakes, in B; purple: in A."
    np.fill_diagonal(more, 0)
    if not more.any():
        return f"{hues} Both mistake the same classes equally often."
    row, column = divmod(int(np.abs(more).argmax()), len(more))
    counts = f"A {times(int(a[row, column]))}, B {times(int(b[row, column]))}"
    return f"{hues} Largest difference: {class_names[row]} read as {class_names[column]}, {counts}."


def confusion_summary(counts: _Counts | None, class_names: Sequence[str], noun: str = "test image") -> str:
    """Return ``"9 320 of 10 000 test images right, most confused: 9 read as 4 (28 times)"``."""
    if counts is None or not counts.any():
        return "not trained yet"
    worst = mix_ups(counts, class_names, 1)
    right, total = grouped(int(np.trace(counts))), counted(int(counts.sum()), noun)
    return f"{right} of {total} right, {f'most confused: {worst}' if worst else 'no mistake'}"


def difficulty(confusion: NDArray[np.integer], class_names: Sequence[str], noun: str = "test image") -> str:
    """Name the hardest classes and the most common mix-ups, in two sentences; there must be counts."""
    confused = mix_ups(confusion, class_names)
    if not confused:
        return f"No {noun} is misclassified."
    recall = per_class(confusion).recall
    order = hardest_classes(confusion)[:_MOST_IN_WORDS]
    kinds = {"digit": "digits", "class": "classes"}[class_noun(class_names)]
    first, *others = (class_names[k] for k in order)
    hardest = ", ".join([f"{first} ({100 * recall[order[0]]:.1f} % recognized)", *others])
    return f"Hardest {kinds}: {hardest}. Most common mix-ups: {confused}."


def mix_ups(confusion: NDArray[np.integer], class_names: Sequence[str], most: int = _MOST_IN_WORDS) -> str:
    """List the most common kinds of mistake: ``"9 read as 4 (28 times), 5 read as 3 (25 times)"``."""
    return ", ".join(
        f"{class_names[pair.true]} read as {class_names[pair.predicted]} ({times(pair.count)})"
        for pair in most_confused(confusion, most)
    )


def _layout(class_names: Sequence[str], shown: str) -> dict[str, Any]:
    what, n = class_noun(class_names), len(class_names)
    named = range(0, n, 1 if n <= _MOST_NAMED else -(-n // _FEW_NAMED))
    ticks = {"tickvals": list(named), "ticktext": [legend_text(class_names[k]) for k in named]}
    # Long names lean to the left: to the right, the last one would leave the figure, and Plotly would hide it.
    angle = -40 if max(map(len, class_names)) > _LONGEST_LEVEL else 0
    across = axis(f"predicted {what}", range=[-0.5, n - 0.5], tickangle=angle, **ticks)
    down = axis(f"true {what}", range=[n - 0.5, -0.5], **ticks)  # the first class is on top
    title = {"text": f"Confusion matrix · {shown}"}
    return {"title": title, "xaxis": across, "yaxis": down, "meta": [*class_names]}


def _cells(class_names: Sequence[str], theme: Theme, name: str, *colors: str) -> dict[str, Any]:
    """Return the style of a trace with a cell for each pair of classes."""
    steps = list(range(len(class_names)))
    cells = matrix_cells(name, colors, {"size": 11, "color": PALETTES[theme].text}) | {"x": steps, "y": steps}
    return cells if len(steps) <= _MOST_NAMED else cells | {"texttemplate": "", "xgap": 0, "ygap": 0}


def _texts(class_names: Sequence[str], words: Callable[[int, int], str]) -> list[list[str]]:
    """Return a hover text for each cell, in three lines: its classes and ``words(row, column)``."""
    names = [*enumerate(class_names)]
    return [[f"true {true}<br>→ predicted {seen}<br>{words(i, j)}" for j, seen in names] for i, true in names]


def _part(mask: NDArray[np.bool_], values: Any, text: Any, hover: Any) -> dict[str, Any]:
    """Return the cells under `mask`, with the others empty; as lists, because JSON knows None and not NaN."""
    return {
        "z": np.where(mask, values, np.array(None)).tolist(),
        "text": np.where(mask, text, "").tolist(),
        "hovertext": np.where(mask, hover, "").tolist(),
    }


def _tone(color: str, ground: str) -> str:
    """Blend `color` with the middle of the scale."""
    pairs = zip(rgb(color), rgb(ground), strict=True)
    return "#" + bytes(round(_STRENGTH * hue + (1 - _STRENGTH) * gray) for hue, gray in pairs).hex()
