"""Figures of a study: curves against one setting, a heat map against two, and the best settings with their runs.

Accuracies are spaced by the logarithm of the remaining errors, so that 96 and 97 % are apart even if other
settings stay at 10 %.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from explorer.figures.axes import as_float32
from explorer.figures.confusion import drawn_matrix, matrix_cells
from explorer.figures.data_table import GUIDE
from explorer.figures.palette import PALETTES, RUN_COLORS, Theme
from explorer.figures.template import FigureData, axis, drawn_data, merged, scatter
from explorer.training.config import FIELDS, TrainingConfig, held_out_of
from explorer.training.fields import Choice
from explorer.training.studies.journal import Trial
from explorer.training.studies.summary import StudyLevel, levels, ranked, setting_values, settings_text
from explorer.wording import percent

_MOST_TICKS = 10  # maximum number of values of a setting that each have a tick
_LEAST_GAP = 0.04  # minimum distance of two such ticks, as a share of the axis
_LEAST_ERROR = 0.01  # percent: the logarithm of 0 would be infinite
_ROUND = tuple(digit * 10.0**power for power in range(-4, 9) for digit in (1, 2, 5))
_ROOM = 50  # letters in a row of cells that are legible on a phone
_MOST_RANKED = 6
_MARKERS = (("circle", 9), ("diamond", 6), ("square", 6), ("circle", 6), ("diamond", 6), ("square", 6))


class _Cell(NamedTuple):
    """The trials of one point or cell."""

    label: str = ""
    """The settings: ``"batch size 64 · batch gradient sum"``."""
    numbers: Sequence[int] = ()
    """Indices of the trials in the study."""
    values: Sequence[float] = ()
    """The accuracies; trials without one are left out."""
    median: float = math.nan
    words: str = ""
    """The median in words, and the number of runs."""
    has_diverged: bool = False


@dataclass(frozen=True, slots=True)
class StudyView:
    """The accuracies of a study's trials, against one setting or two."""

    trials: Sequence[Trial]
    """In any order; without trials only the axes are drawn."""
    axes: Sequence[str]
    """The settings, as in `FIELDS`; for a heat map, the horizontal one, then the vertical one."""
    configs: Sequence[TrainingConfig] = ()
    """The runs of the whole study, so that the axes have room for those still to come."""

    @property
    def is_map(self) -> bool:
        """Whether it is a heat map: two settings, neither of which is a choice."""
        return len(self.axes) == 2 and not any(isinstance(FIELDS[name], Choice) for name in self.axes)

    @property
    def title(self) -> str:
        """The kind of the runs' held-out images, and the unit: ``"test accuracy (%)"``."""
        return f"{held_out_of(self._settings)} accuracy (%)"

    @property
    def along(self) -> str:
        """The setting on the horizontal axis of curves."""
        return min(self.axes, key=lambda name: isinstance(FIELDS[name], Choice))

    @property
    def curves(self) -> dict[str, tuple[str, ...]]:
        """Each curve's name, and its value of the choice, if one of two settings is one, always in this order."""
        by = [FIELDS[name] for name in self.axes if name != self.along]
        return {field.text(value): (value,) for field in by for value in field.choices} or {"median": ()}

    def values(self, name: str) -> tuple[Any, ...]:
        """Return the sorted values of a setting, including those of runs still to come."""
        return setting_values(self._settings, name)

    def cells(self, axes: Sequence[str]) -> dict[tuple[Any, ...], _Cell]:
        """Group the trials by their values of the settings `axes`, sorted by them."""
        numbers = {id(trial): number for number, trial in enumerate(self.trials)}
        return {level.values: self._cell(level, axes, numbers) for level in levels(self.trials, axes)}

    @property
    def best(self) -> list[_Cell]:
        """The best values of the settings, at most `_MOST_RANKED`, the highest median first."""
        cells = self.cells(self.axes)
        return [cells[level.values] for level in ranked(levels(self.trials, self.axes))[:_MOST_RANKED]]

    def _cell(self, level: StudyLevel, axes: Sequence[str], numbers: Mapping[int, int]) -> _Cell:
        config, values = level.trials[0].config, [it.final.test_accuracy for it in level.trials if it.final]
        median, words = math.nan, list[str]()
        if values:
            median = float(np.median(values))
            words = [percent(median, 2), "one run" if len(values) == 1 else f"median of {len(values)} runs"]
        if level.n_diverged:
            words.append(f"{level.n_diverged} of {len(level.trials)} diverged")
        label = " · ".join(f"{FIELDS[name].label.lower()} {config.text(name)}" for name in axes)
        own = [numbers[id(trial)] for trial in level.trials]
        return _Cell(label, own, values, median, ", ".join(words), level.n_diverged > 0)

    @property
    def _settings(self) -> list[TrainingConfig]:
        return [*self.configs, *(trial.config for trial in self.trials)]


def study_data(view: StudyView) -> FigureData:
    """Return the properties of `study_figure` that depend on the data.

    A heat map has two traces: the cells with a median, and those whose runs all diverged. Else each curve has two,
    the single runs and their median, and the last trace marks where runs diverged. `customdata` has for each point
    or cell the indices of its trials.
    """
    return _map_data(view) if view.is_map else _curves_data(view)


def study_style(view: StudyView, theme: Theme = "light") -> list[dict[str, Any]]:
    """Return the properties of the traces of `study_figure` that depend on the theme or are constant."""
    palette, colors = PALETTES[theme], RUN_COLORS[theme]
    if view.is_map:
        return [
            matrix_cells("median", [palette.surface, palette.heat], {"size": 11, "color": palette.text}),
            matrix_cells("diverged", [palette.raised] * 2, {"size": 14, "color": palette.error}),
        ]
    if len(view.axes) == 2 and "reduction" in view.axes:
        colors = (palette.negative, palette.positive, *colors)
    looks: list[dict[str, Any]] = []
    for _, color, (symbol, size) in zip(view.curves, colors, _MARKERS, strict=False):
        runs = {"mode": "markers", "marker": {"color": color, "size": 4}, "opacity": 0.6, "showlegend": False}
        medians = {"mode": "lines+markers", "line": {"color": color, "width": 2}}
        marker = {"marker": {"color": color, "symbol": symbol, "size": size}}
        looks += ({"legendgroup": color} | look for look in (runs, medians | marker))
    cross = {"symbol": "x-thin", "size": 8, "line": {"width": 2, "color": palette.error}}
    looks.append({"mode": "markers", "marker": cross, "cliponaxis": False})
    return [scatter("%{text}: %{hovertext}", **look) for look in looks]


def study_figure(view: StudyView, theme: Theme = "light") -> go.Figure:
    """Return a figure of the accuracy against one setting or two: the median of the runs.

    Two settings give a heat map; but a choice has a curve for each value. A diverged run has no accuracy: a cross
    marks its cell, or the lower edge.
    """
    style, data = study_style(view, theme), study_data(view)
    if view.is_map:
        return drawn_matrix(merged(style, data[0]), data[1], theme)
    by = ", ".join(FIELDS[name].label.lower() for name in view.axes if name != view.along)
    # Plotly places a legend title too high next to the entries; a font larger than the text's lowers it.
    title = f'<span style="font-size:11px">{by}</span>' if by else ""
    legend, up = {"title": {"text": title, "font": {"size": 14}}}, {"type": "log", "tickmode": "array"}
    return drawn_data(style, data, theme, height=300, showlegend=True, legend=legend, yaxis=up)


def ranking_data(view: StudyView) -> FigureData:
    """Return the properties of `ranking_figure` that depend on the data, with `customdata` as in `study_data`."""
    cells = view.best
    runs = [(row, n, view.trials[n]) for row, cell in enumerate(cells) for n in cell.numbers]
    ended = [(row, n, trial.config.seed, trial.final.test_accuracy) for row, n, trial in runs if trial.final]
    spans = [(100 * min(cell.values), 100 * max(cell.values)) for cell in cells]
    of_cells = {
        "y": [*range(len(cells))],
        "text": [cell.label for cell in cells],
        "hovertext": [cell.words for cell in cells],
        "customdata": [cell.numbers for cell in cells],
    }
    bars = {
        "base": as_float32([low for low, _ in spans]),
        "x": as_float32([high - low for low, high in spans]),
    }
    medians = {"x": as_float32([100 * cell.median for cell in cells])}
    of_runs = {
        "y": [row for row, *_ in ended],
        "x": as_float32([100 * share for *_, share in ended]),
        "text": [f"seed {seed}" for *_, seed, _ in ended],
        "hovertext": [percent(share, 2) for *_, share in ended],
        "customdata": [[n] for _, n, *_ in ended],
    }
    names = [settings_text(view.trials[cell.numbers[0]].config, view.axes) for cell in cells]
    down = {"range": [max(len(cells), 1) - 0.5, -0.5], "tickvals": of_cells["y"], "ticktext": names}
    layout = {"xaxis": axis(view.title), "yaxis": axis("", tickmode="array", showgrid=False, **down)}
    return [of_cells | bars, of_cells | medians, of_runs], layout


def ranking_style(theme: Theme = "light") -> list[dict[str, Any]]:
    """Return the properties of the traces of `ranking_figure` that depend on the theme or are constant."""
    palette = PALETTES[theme]
    bar = {"orientation": "h", "width": 0.5, "opacity": 0.3, "textposition": "none", "meta": GUIDE}
    stroke = {"symbol": "line-ns", "size": 14, "line": {"width": 2, "color": palette.test}}
    dot = {"color": palette.test, "size": 7, "line": {"width": 1, "color": palette.surface}}
    points = (("median", stroke), ("single runs", dot))
    looks = [{"type": "bar", **bar, "marker": {"color": palette.test}}]
    looks += [{"type": "scatter", "name": name, "mode": "markers", "marker": look} for name, look in points]
    return [{**look, "hovertemplate": "%{text}: %{hovertext}<extra></extra>"} for look in looks]


def ranking_figure(view: StudyView, theme: Theme = "light") -> go.Figure:
    """Return a figure of the best settings, best first: a dot for each run, and a bar that spans them."""
    fixed = {"height": 240, "showlegend": False, "title": {"text": "The best settings: a dot for each run"}}
    return drawn_data(ranking_style(theme), ranking_data(view), theme, **fixed)


def _curves_data(view: StudyView) -> FigureData:
    on_axis = view.values(view.along)
    axes = [view.along, *(name for name in view.axes if name != view.along)]
    numbers = [float(value) for value in on_axis if isinstance(value, int | float)]
    at = numbers if len(numbers) == len(on_axis) else []  # else evenly spaced
    places = dict(zip(on_axis, at or range(len(on_axis)), strict=True))
    medians, runs = view.cells(axes), view.cells([*axes, "seed"])
    low, high, ticks = _span([value for cell in medians.values() for value in cell.values])

    def trace(name: str, cells: Mapping[tuple[Any, ...], _Cell]) -> dict[str, Any]:
        return {
            "name": name,
            "visible": bool(cells),
            "x": as_float32([places[values[0]] for values in cells]),
            "y": as_float32([_place(cell.median) for cell in cells.values()]),
            "text": [cell.label for cell in cells.values()],
            "hovertext": [cell.words for cell in cells.values()],
            "customdata": [cell.numbers for cell in cells.values()],
        }

    traces: list[dict[str, Any]] = []
    for name, own in view.curves.items():
        singles, points = (
            {values: cell for values, cell in cells.items() if cell.values and values[1 : len(axes)] == own}
            for cells in (runs, medians)
        )
        traces.append(trace("single runs", singles))
        bars = {"error_y": _bars(points.values())}
        traces.append(trace(name, points) | bars)
    lost = {values: cell for values, cell in medians.items() if cell.has_diverged}
    limits = [math.log10(high), math.log10(low)]  # errors, downwards
    up = axis(view.title, range=limits, tickvals=ticks, ticktext=[*map(_tick, ticks)])
    layout = {"xaxis": _setting_axis(view.along, on_axis, at), "yaxis": up}
    edge = {"y": as_float32([high] * len(lost))}
    return [*traces, trace("diverged", lost) | edge], layout


def _bars(cells: Iterable[_Cell]) -> dict[str, Any]:
    """Return the bars from the lowest run to the highest, relative to the median."""
    places = [([*map(_place, cell.values)], _place(cell.median)) for cell in cells]
    up = as_float32([max(own) - median for own, median in places])
    down = as_float32([median - min(own) for own, median in places])
    look = {"type": "data", "symmetric": False, "thickness": 1.5, "width": 4}
    return {**look, "array": up, "arrayminus": down}


def _map_data(view: StudyView) -> FigureData:
    cells = view.cells(view.axes)
    columns, rows = map(view.values, view.axes)
    low, high, ticks = _span([cell.median for cell in cells.values() if cell.values])

    def color(place: float) -> float:  # more is stronger
        return -math.log10(place)

    def lattice(of: Callable[[_Cell], Any]) -> list[list[Any]]:
        return [[of(cells.get((column, row), _Cell())) for column in columns] for row in rows]

    def text(cell: _Cell) -> str:
        return f"{100 * cell.median:.1f}" + (" ×" if cell.has_diverged else "") if cell.values else ""

    texts, (weak, strong) = lattice(text), sorted((color(low), color(high)))
    has_room = len(columns) * max((len(text) for row in texts for text in row), default=0) <= _ROOM
    shared = {
        "x": [*range(len(columns))],
        "y": [*range(len(rows))],
        "hovertext": lattice(lambda cell: f"{cell.label}: {cell.words}"),
        "customdata": lattice(lambda cell: [*cell.numbers]),
    }
    named = {"tickvals": [*map(color, ticks)], "ticktext": [*map(_tick, ticks)]}
    medians = {
        "z": lattice(lambda cell: color(_place(cell.median)) if cell.values else None),
        "text": texts,
        "texttemplate": "%{text}" if has_room else "",
        "zmin": weak - 0.2 * (strong - weak),  # the lowest median doesn't look like an empty cell
        "zmax": strong,
        "showscale": not has_room,
        "colorbar": {**named, "thickness": 10, "outlinewidth": 0},
    }
    crosses = {
        "z": lattice(lambda cell: 0 if cell.has_diverged and not cell.values else None),
        "text": lattice(lambda cell: "×" if cell.has_diverged and not cell.values else ""),
    }
    across, up = map(_setting_axis, view.axes, (columns, rows))
    title = {"text": f"Median of the {view.title}"}
    return [shared | medians, shared | crosses], {"title": title, "xaxis": across, "yaxis": up}


def _setting_axis(name: str, values: Sequence[Any], at: Sequence[float] = ()) -> dict[str, Any]:
    """Return an axis with the values of a setting: evenly spaced, or `at` numbers, logarithmic over a decade."""
    field = FIELDS[name]
    look: dict[str, Any] = {"tickmode": "array", "ticktext": [field.text(value) for value in values]}
    if at:
        is_log = 0 < 10 * at[0] < at[-1]
        places = [math.log10(number) for number in at] if is_log else at
        width = places[-1] - places[0] or 1.0
        is_wide = all(after - before >= _LEAST_GAP * width for before, after in pairwise(places))
        look["tickmode"] = "array" if is_wide and len(at) <= _MOST_TICKS else "auto"
        look |= {"type": "log" if is_log else "linear", "tickvals": at}
        look["range"] = [places[0] - 0.04 * width, places[-1] + 0.04 * width]
    else:
        n = len(values)
        look |= {"type": "linear", "tickvals": [*range(n)], "range": [-0.5, max(n, 1) - 0.5]}
    return axis(field.label.lower() + (f" ({field.unit})" if field.unit else ""), **look)


def _place(share: float) -> float:
    """Return the position of an accuracy on the axis: the remaining errors, in percent."""
    return max(100 * (1 - share), _LEAST_ERROR)


def _tick(error: float) -> str:
    return f"{100 - error:.6g}"


def _span(shares: Sequence[float]) -> tuple[float, float, list[float]]:
    """Return the limits of a logarithmic axis that fits the accuracies, and round numbers between them."""
    places = [*map(_place, shares)] or [1.0, 100.0]
    pad = 10 ** max(0.02, 0.08 * math.log10(max(places) / min(places)))
    low, high = min(places) / pad, max(places) * pad
    ticks = [number for number in _ROUND if low <= number <= high]
    if len(ticks) > _MOST_TICKS:
        ticks = [number for number in _ROUND[::3] if low <= number <= high]
    if len(ticks) < 3:
        step = next(number for number in _ROUND if high - low <= 5 * number)
        ticks = [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return low, high, ticks
