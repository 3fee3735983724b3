"""The numbers of a figure as tables, for reading and for screen readers, in the format of its hover texts."""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any, NamedTuple

import plotly.graph_objects as go

GUIDE = "guide"
"""Value of `meta` for a trace that guides the eye and has no data."""

_READ = re.compile(r"%\{(?P<field>y|customdata|hovertext)(:(?P<format>[^}]*))?\}(?P<unit> %)?")
_POSITION = re.compile(r"%\{x:(?P<format>[^}]*)\}")

_Cells = dict[float, str]  # the values of a curve by position


@dataclass(frozen=True, slots=True)
class DataTable:
    """A table of texts."""

    caption: str
    """The content: ``"accuracy by epoch"``."""
    head: tuple[str, ...]
    """The headings, starting with that of the row names."""
    rows: tuple[tuple[str, ...], ...]
    """The rows, each starting with its name; empty texts if there is no number."""


class _Curve(NamedTuple):
    name: str
    values: _Cells
    positions: _Cells


def data_tables(figure: go.Figure) -> tuple[DataTable, ...]:
    """Return the numbers that a figure shows: one table of its heat maps, or of its curves as many as it takes.

    A curve joins a table that has most of its positions; otherwise it starts another.
    """
    shown = [trace for trace in figure.data if trace.visible in (None, True) and trace.meta != GUIDE]
    maps = [trace for trace in shown if trace.type == "heatmap"]
    if maps:
        return (_matrix(figure.layout, maps),)
    ranked = sorted(shown, key=lambda trace: trace.legendrank or 0)  # in the order of the legend
    is_sideways = any(trace.type == "bar" and trace.orientation == "h" for trace in figure.data)
    along = "y" if is_sideways else "x"
    curves = [curve for trace in ranked if (curve := _curve(trace, along)).values]
    axes = (figure.layout.xaxis, figure.layout.yaxis)
    return tuple(_joined(*(axes[::-1] if is_sideways else axes), group) for group in _grouped(curves))


def _matrix(layout: Any, maps: Sequence[Any]) -> DataTable:
    """Combine overlaid heat maps, each with its own cells, into one table."""
    across, down = layout.xaxis, layout.yaxis

    def cell(row: int, column: int) -> str:
        texts = (trace.text[row][column] for trace in maps)
        has_number = any(trace.z[row][column] is not None for trace in maps)
        return next(filter(None, texts), "0" if has_number else "")

    names = [list(map(str, layout.meta or one.ticktext)) for one in (across, down)]  # axes name a few of many
    head = (f"{_plain(down.title.text)} ↓ {_plain(across.title.text)} →", *names[0])
    columns = range(len(names[0]))
    rows = ((name, *(cell(row, column) for column in columns)) for row, name in enumerate(names[1]))
    return DataTable(_plain(layout.title.text), head, tuple(rows))


def _curve(trace: Any, along: str) -> _Curve:
    template = trace.hovertemplate or ""
    read, position = _READ.search(template), _POSITION.search(template)
    field, how, unit = read.group("field", "format", "unit") if read else ("y", None, None)
    y = getattr(trace, field)
    values: Sequence[Any] = () if y is None else y
    at = getattr(trace, along)
    places = [float(x) for x in (range(len(values)) if at is None else at)]
    cells: _Cells = {}
    for place, value in zip(places, values, strict=False):
        if isnan(place):
            continue  # not drawn
        text = f"{_written(value, how)}{unit or ''}"
        cells[place] = f"{cells[place]}; {text}" if place in cells else text  # one for each seed, say
    positions = {place: _written(place, position["format"] if position else None) for place in cells}
    named = trace.meta if isinstance(trace.meta, str) and trace.meta else trace.name
    return _Curve(_plain(named), cells, positions)


def _grouped(curves: Iterable[_Curve]) -> list[list[_Curve]]:
    """Group curves so that a group has at least half the positions of each, which leaves few cells empty."""
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


def _joined(across: Any, up: Any, curves: Sequence[_Curve]) -> DataTable:
    positions = {place: text for curve in curves for place, text in curve.positions.items()}
    if across.tickmode == "array":  # positions with names
        positions |= dict(zip(across.tickvals, map(_plain, across.ticktext), strict=True))
    first = _plain(across.title.text) or "setting"
    titles = _plain(up.title.text), first
    what, by = (re.sub(r" \([^)]*\)$", "", title) for title in titles)  # without the unit
    head = (first, *(curve.name for curve in curves))
    places = sorted({place for curve in curves for place in curve.values})
    rows = ((positions[place], *(curve.values.get(place, "") for curve in curves)) for place in places)
    return DataTable(f"{what} by {by}", head, tuple(rows))


def _written(value: Any, how: str | None) -> str:
    """Format a number with a Plotly format that Python has as well; return a text unchanged, on one line."""
    if isinstance(value, str):
        return _plain(value)
    number = float(value)
    return format(number, (how or "g").replace("~", "")) if isfinite(number) else "not a number"


def _plain(text: str | None) -> str:
    """Return a text of Plotly's without its markup."""
    return html.unescape(re.sub(r"<br>", " ", text or ""))
