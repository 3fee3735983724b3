"""Figures of a study: curves against one setting, a heat map against two."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from explorer.figures.axes import as_float32
from explorer.figures.confusion import drawn_matrix, matrix_cells
from explorer.figures.palette import PALETTES, RUN_COLOURS, Theme, rgb
from explorer.figures.study_axes import (
    MeasureView,
    StudyCell,
    StudyView,
    measure_span,
    row_axis,
    setting_axis,
    setting_places,
)
from explorer.figures.template import FigureData, drawn_data
from explorer.training.config import FIELDS
from explorer.training.fields import Choice

MOST_CURVES = 6
"""Maximum number of curves; no choice has more values."""

_ROOM = 50  # letters in a row of cells that are legible on a phone
_MARKERS = (("circle", 9), ("diamond", 6), ("square", 6), ("circle", 6), ("diamond", 6), ("square", 6))

_Point = tuple[float, StudyCell]  # at its x


def study_data(view: StudyView) -> FigureData:
    """Return the properties of `study_figure` that depend on the data.

    Returns
    -------
    traces, layout
        For a heat map, the cells with a median, and those whose runs all diverged, as lists of rows, the lowest
        value of the second setting first. Else for each of `MOST_CURVES` curves, used or not: the lowest and the
        highest run, edges of the band; the single runs; the median; and finally a mark where runs diverged; `x`
        and `y` (float32) are positions on the axes. `hovertext` is the value in words; `customdata` has for each
        point or cell the indices of its trials. The values of a setting are evenly spaced; under curves, numbers
        have an axis, logarithmic over more than a decade.
    """
    return _map_data(view) if view.is_map else _curves_data(view)


def study_style(view: StudyView, theme: Theme = "light") -> list[dict[str, Any]]:
    """Return the properties of the traces of `study_figure` that depend on the theme or are constant."""
    palette, colours = PALETTES[theme], RUN_COLOURS[theme]
    if view.is_map:
        return [
            matrix_cells("median", [palette.surface, palette.heat], {"size": 11, "color": palette.text}),
            matrix_cells("diverged", [palette.raised] * 2, {"size": 14, "color": palette.error}),
        ]
    if _axis_and_curves(view)[1] == "reduction":
        colours = (palette.negative, palette.positive, *colours)
    curves = zip(colours, _MARKERS, strict=False)
    cross = {"symbol": "x-thin", "size": 8, "line": {"width": 2, "color": palette.error}}
    looks = [look for colour, marker in curves for look in _curve_looks(colour, *marker)]
    looks.append({"mode": "markers", "marker": cross, "cliponaxis": False})
    hover = "%{text}: %{hovertext}<extra></extra>"
    return [{"type": "scatter", "hovertemplate": hover} | look for look in looks]


def study_figure(view: StudyView, theme: Theme = "light") -> go.Figure:
    """Return a figure of a measure against one setting or two: the median of the runs.

    Two settings give a heat map, in which a cross marks a cell with diverged runs, and cells without results yet
    are empty. But a choice has a curve for each value, with a band from the lowest run to the highest; a diverged
    run has no accuracy, but a mark at the lower edge.
    """
    style, data = study_style(view, theme), study_data(view)
    if view.is_map:
        return drawn_matrix(style, data, theme)
    _, by = _axis_and_curves(view)
    # Plotly places a legend title too high next to the entries; a font larger than the text's lowers it.
    title = f'<span style="font-size:11px">{FIELDS[by].label.lower()}</span>' if by else ""
    return drawn_data(
        style,
        data,
        theme,
        height=300,
        showlegend=True,
        legend={"title": {"text": title, "font": {"size": 14}}},
        yaxis={"type": "log", "tickmode": "array"},
    )


def _axis_and_curves(view: StudyView) -> tuple[str, str | None]:
    """Return the setting on the axis, and the choice with a curve for each value, if any."""
    axis, *by = sorted(view.axes, key=lambda name: isinstance(FIELDS[name], Choice))
    return axis, by[0] if by else None


def _curves_data(view: StudyView) -> FigureData:
    measure, (axis, by) = view.measured, _axis_and_curves(view)
    low, high, ticks = measure_span(view.results, measure)
    places, axes = setting_places(view.values(axis)), [axis, by] if by else [axis]
    cells = [(places[values[0]], values[1:], cell) for values, cell in view.cells(axes).items()]
    traces: list[dict[str, Any]] = []
    for name, own in _curves(by):
        points = [(x, cell) for x, values, cell in cells if values == own and cell.values]
        singles = [(x, number) for x, cell in points for number in cell.numbers if view.shows_runs]
        runs = [(x, view.cell([*axes, "seed"], [number])) for x, number in singles]
        names = [f"{name}, {which}" if name else which for which in ("lowest", "highest", "single runs")]
        traces += [
            _trace(names[0], points, measure, lambda cell: min(cell.values)),
            _trace(names[1], points, measure, lambda cell: max(cell.values)),
            _trace(names[2], [run for run in runs if run[1].values], measure, lambda cell: cell.median),
            _trace(name or "median", points, measure, lambda c: c.median, lambda c: c.words(measure)),
        ]
    lost = [(x, cell) for x, _, cell in cells if cell.n_diverged and view.measure == "accuracy"]
    unused = [_trace("", (), measure, lambda _: 0.0)] * (4 * MOST_CURVES - len(traces))
    mark = _trace("diverged", lost, measure, lambda _: 1 - high / 100, lambda cell: cell.lost)
    up = {
        "title": {"text": measure.title},
        "range": [math.log10(low), math.log10(high)][:: measure.direction],
        "tickvals": ticks,
        "ticktext": [*map(measure.tick, ticks)],
    }
    return [*traces, *unused, mark], {"xaxis": setting_axis(axis, view.values(axis)), "yaxis": up}


def _curves(by: str | None) -> list[tuple[str, tuple[str, ...]]]:
    """Return each curve's name, and its value of the choice `by`: always in the same order."""
    if by is None:
        return [("", ())]
    field = FIELDS[by]
    assert isinstance(field, Choice)
    return [(field.text(value), (value,)) for value in field.choices]


def _trace(
    name: str,
    points: Sequence[_Point],
    measure: MeasureView,
    of: Callable[[StudyCell], float],
    words: Callable[[StudyCell], str] | None = None,
) -> dict[str, Any]:
    return {
        "name": name,
        "visible": bool(points),
        "x": as_float32([x for x, _ in points]),
        "y": as_float32([measure.place(of(cell)) for _, cell in points]),
        "text": [cell.label for _, cell in points],
        "hovertext": [words(cell) if words else measure.long(of(cell)) for _, cell in points],
        "customdata": [cell.numbers for _, cell in points],
    }


def _curve_looks(colour: str, symbol: str, size: int) -> list[dict[str, Any]]:
    """Return the styles of a band's edges, of single runs, and of the medians."""
    fill = {"fill": "tonexty", "fillcolor": f"rgba({','.join(map(str, rgb(colour)))},0.18)"}
    edge = {"mode": "lines", "line": {"color": colour, "width": 0}, "hoverinfo": "skip", "showlegend": False}
    runs = {"mode": "markers", "marker": {"color": colour, "size": 4}, "opacity": 0.6, "showlegend": False}
    medians = {"mode": "lines+markers", "line": {"color": colour, "width": 2}}
    marker = {"marker": {"color": colour, "symbol": symbol, "size": size}}
    return [{"legendgroup": colour} | look for look in (edge, edge | fill, runs, medians | marker)]


def _map_data(view: StudyView) -> FigureData:
    measure, cells = view.measured, view.cells(view.axes)
    columns, rows = map(view.values, view.axes)
    low, high, ticks = measure_span([cell.median for cell in cells.values() if cell.values], measure)

    def colour(place: float) -> float:  # more is stronger
        return measure.direction * math.log10(place)

    def lattice(of: Callable[[StudyCell], Any]) -> list[list[Any]]:
        return [[of(cells.get((column, row), StudyCell())) for column in columns] for row in rows]

    def text(cell: StudyCell) -> str:
        return measure.cell(cell.median) + (" ×" if cell.n_diverged else "") if cell.values else ""

    def is_lost(cell: StudyCell) -> bool:
        return bool(cell.n_diverged and not cell.values)

    texts, (weak, strong) = lattice(text), sorted((colour(low), colour(high)))
    has_room = len(columns) * max((len(text) for row in texts for text in row), default=0) <= _ROOM
    shared = {
        "x": [*range(len(columns))],
        "y": [*range(len(rows))],
        "hovertext": lattice(lambda cell: f"{cell.label}: {cell.words(measure)}"),
        "customdata": lattice(lambda cell: [*cell.numbers]),
    }
    medians = {
        "z": lattice(lambda cell: colour(measure.place(cell.median)) if cell.values else None),
        "text": texts,
        "texttemplate": "%{text}" if has_room else "",
        "zmin": weak - 0.2 * (strong - weak),  # the lowest median doesn't look like an empty cell
        "zmax": strong,
        "showscale": not has_room,
        "colorbar": {
            "tickvals": [colour(tick) for tick in ticks],
            "ticktext": [measure.tick(tick) for tick in ticks],
            "thickness": 10,
            "outlinewidth": 0,
        },
    }
    crosses = {
        "z": lattice(lambda cell: 0 if is_lost(cell) else None),
        "text": lattice(lambda cell: "×" if is_lost(cell) else ""),
    }
    across, up = map(row_axis, view.axes, (columns, rows))
    title = {"text": f"Median of the {measure.title}"}
    return [shared | medians, shared | crosses], {"title": title, "xaxis": across, "yaxis": up}
