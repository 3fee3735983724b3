"""The numbers of a figure as tables, for reading and for screen readers.

A number is written as the figure's hover text writes it, so that both say the same.
"""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import plotly.graph_objects as go

GUIDE = "guide"
"""As `meta` of a trace: it guides the eye and holds no data."""

_READ = re.compile(r"%\{(?P<field>y|customdata|hovertext)(:(?P<format>[^}]*))?\}(?P<unit> %)?")
_POSITION = re.compile(r"%\{x:(?P<format>[^}]*)\}")

_Cells = dict[float, str]  # what a curve holds, by its position


@dataclass(frozen=True, slots=True)
class DataTable:
    """A table of texts."""

    caption: str
    """What it tells: ``"accuracy by epoch"``."""
    head: tuple[str, ...]
    """The headings, that of the rows' names first."""
    rows: tuple[tuple[str, ...], ...]
    """The rows, each with its name first; nothing where there is no number."""


@dataclass(frozen=True, slots=True)
class _Curve:
    """A trace's name, and its numbers and positions as they are written."""

    name: str
    values: _Cells
    positions: _Cells


def data_tables(figure: go.Figure) -> tuple[DataTable, ...]:
    """Return the numbers that a figure shows.

    Parameters
    ----------
    figure : go.Figure
        Heat maps of named rows and columns, which make one table; or curves. A curve has its place in a table if
        that knows most of its positions; otherwise it begins another.
    """
    shown = [trace for trace in figure.data if trace.visible in (None, True) and trace.meta != GUIDE]
    maps = [trace for trace in shown if trace.type == "heatmap"]
    if maps:
        return (_matrix(figure.layout, maps),)
    ranked = sorted(shown, key=lambda trace: trace.legendrank or 0)  # as the legend has them
    curves = [curve for curve in map(_curve, ranked) if curve.values]
    return tuple(_joined(figure.layout, group) for group in _grouped(curves))


def _matrix(layout: Any, maps: Sequence[Any]) -> DataTable:
    """Return what heat maps hold that lie on one another, each with cells of its own."""
    across, down = layout.xaxis, layout.yaxis

    def cell(row: int, column: int) -> str:
        texts = (trace.text[row][column] for trace in maps)
        has_number = any(trace.z[row][column] is not None for trace in maps)
        return next(filter(None, texts), "0" if has_number else "")

    names = [str(name) for name in across.ticktext]
    return DataTable(
        _plain(layout.title.text),
        (f"{_plain(down.title.text)} ↓ {_plain(across.title.text)} →", *names),
        tuple(
            (str(name), *(cell(row, column) for column in range(len(names))))
            for row, name in enumerate(down.ticktext)
        ),
    )


def _curve(trace: Any) -> _Curve:
    template = trace.hovertemplate or ""
    read, position = _READ.search(template), _POSITION.search(template)
    field, how, unit = read.group("field", "format", "unit") if read else ("y", None, None)
    y = getattr(trace, field)
    values: Sequence[Any] = () if y is None else y
    at = range(len(values)) if trace.x is None else trace.x
    how_at = position["format"] if position else None
    texts = [f"{_written(value, how)}{unit or ''}" for value in values]
    places = [float(x) for x in at]
    named = trace.meta if isinstance(trace.meta, str) and trace.meta else trace.name
    positions = {place: _written(place, how_at) for place in places}
    cells: _Cells = {}
    for place, text in zip(places, texts, strict=False):
        cells[place] = f"{cells[place]}; {text}" if place in cells else text  # one for each seed, say
    return _Curve(_plain(named), cells, positions)


def _grouped(curves: Iterable[_Curve]) -> list[list[_Curve]]:
    """Put each curve where at least half its positions are known, so that few cells of a table are empty."""
    groups: list[list[_Curve]] = []
    for curve in curves:
        for group in groups:
            known = {place for other in group for place in other.values}
            if 2 * len(known & curve.values.keys()) >= len(curve.values):
                group.append(curve)
                break
        else:
            groups.append([curve])
    return groups


def _joined(layout: Any, curves: Sequence[_Curve]) -> DataTable:
    positions = {place: text for curve in curves for place, text in curve.positions.items()}
    if layout.xaxis.tickmode == "array":  # places that have a name
        positions |= dict(zip(layout.xaxis.tickvals, map(_plain, layout.xaxis.ticktext), strict=True))
    axes = (layout.yaxis, layout.xaxis)
    what, by = (re.sub(r" \([^)]*\)$", "", _plain(axis.title.text)) for axis in axes)  # without the unit
    return DataTable(
        f"{what} by {by}",
        (_plain(layout.xaxis.title.text), *(curve.name for curve in curves)),
        tuple(
            (positions[place], *(curve.values.get(place, "") for curve in curves))
            for place in sorted({place for curve in curves for place in curve.values})
        ),
    )


def _written(value: Any, how: str | None) -> str:
    """Return a number in a format of Plotly's that Python has as well; a text as it is, on one line."""
    if isinstance(value, str):
        return _plain(value)
    number = float(value)
    return format(number, (how or "g").replace("~", "")) if isfinite(number) else "not a number"


def _plain(text: str | None) -> str:
    """Return a text of Plotly's without its markup."""
    return html.unescape(re.sub(r"<br>", " ", text or ""))
