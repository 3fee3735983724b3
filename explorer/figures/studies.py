"""Figures of a study: curves against one setting, a heat map against two, and the axes that they share.

Accuracies are spaced by the logarithm of the remaining errors, so that 96 and 97 % are apart even if other
settings stay at 10 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
import plotly.graph_objects as go

from explorer.figures.axes import as_float32
from explorer.figures.confusion import drawn_matrix, matrix_cells
from explorer.figures.palette import PALETTES, RUN_COLORS, Theme, rgb
from explorer.figures.template import FigureData, axis, drawn_data, scatter
from explorer.training.config import FIELDS, TrainingConfig, held_out_of
from explorer.training.fields import Choice
from explorer.training.studies.summary import levels, setting_values
from explorer.training.studies.trials import Trial
from explorer.wording import grouped, percent

StudyMeasure = Literal["accuracy", "time", "updates"]

_MOST_TICKS = 10  # maximum number of values of a setting that each have a tick
_LEAST_GAP = 0.04  # minimum distance of two such ticks, as a share of the axis
_LEAST_ERROR, _LEAST_SECONDS = 0.01, 1e-4  # percent, seconds: the logarithm of 0 would be infinite
_ROUND = tuple(digit * 10.0**power for power in range(-4, 9) for digit in (1, 2, 5))


class MeasureView(NamedTuple):
    """A measure of a trial, and its presentation on a logarithmic axis."""

    caption: str
    title: str
    """Of a figure, and of its axis, with the unit."""
    of: Callable[[Trial, int], float]
    """Computes the measure of a trial, given the number of training images; NaN if there is none."""
    tick: Callable[[float], str]
    """Label at a position of the axis."""
    cell: Callable[[float], str]
    long: Callable[[float], str]
    """Text in a cell, and text with the unit."""
    place: Callable[[float], float] = float
    """Position on the axis, above 0."""
    direction: int = 1
    """-1 if the axis is reversed."""


def _updates(trial: Trial, n_images: int) -> float:
    config, n_epochs = trial.config, len(trial.epochs) if trial.status == "finished" else trial.config.epochs
    n_used = min(config.n_train or n_images, n_images) - config.n_validation
    return float(config.replace(epochs=max(1, n_epochs)).steps_at_ends(n_used)[-1])


MEASURES: Mapping[StudyMeasure, MeasureView] = MappingProxyType(
    {
        "accuracy": MeasureView(
            "Test accuracy at the end",
            "test accuracy (%)",
            lambda trial, _: trial.final.test_accuracy if trial.final else math.nan,
            tick=lambda error: f"{100 - error:.6g}",
            cell=lambda share: f"{100 * share:.1f}",
            long=lambda share: percent(share, 2),
            place=lambda share: max(100 * (1 - share), _LEAST_ERROR),
            direction=-1,
        ),
        "time": MeasureView(
            "Time per epoch",
            "seconds per epoch",
            lambda trial, _: fmean(r.seconds for r in trial.epochs) if trial.epochs else math.nan,
            "{:g}".format,
            "{:.2g}".format,
            "{:.3g} s per epoch".format,
            place=lambda seconds: max(seconds, _LEAST_SECONDS),
        ),
        "updates": MeasureView(
            "Weight updates in the whole run",
            "weight updates",
            _updates,
            lambda count: grouped(round(count)),
            lambda count: grouped(round(count)),
            lambda count: f"{grouped(round(count))} updates",
        ),
    }
)


def measure_view(measure: StudyMeasure, configs: Iterable[TrainingConfig]) -> MeasureView:
    """Return a measure with its words adapted to the held-out images of runs with these settings."""
    view, held_out = MEASURES[measure], held_out_of(configs)
    if measure != "accuracy":
        return view
    caption, title = f"{held_out.capitalize()} accuracy at the end", f"{held_out} accuracy (%)"
    return view._replace(caption=caption, title=title)


class StudyCell(NamedTuple):
    """The trials of one point or cell."""

    label: str = ""
    """The settings: ``"batch size 64 · batch gradient sum"``."""
    numbers: Sequence[int] = ()
    """Indices of the trials in the study."""
    values: Sequence[float] = ()
    """The measured values; trials without one are left out."""
    n_diverged: int = 0

    @property
    def median(self) -> float:
        """Of the values; there must be at least one."""
        return float(np.median(self.values))

    @property
    def lost(self) -> str:
        """The number of diverged trials, in words; empty for none."""
        return f"{self.n_diverged} of {len(self.numbers)} diverged" if self.n_diverged else ""

    def words(self, measure: MeasureView) -> str:
        """Return the median in words, and its number of runs."""
        runs = "one run" if len(self.values) == 1 else f"median of {len(self.values)} runs"
        known = [measure.long(self.median), runs] if self.values else []
        return ", ".join(filter(None, [*known, self.lost]))


@dataclass(frozen=True, slots=True)
class StudyView:
    """A measure of a study's trials, against one setting or two."""

    trials: Sequence[Trial]
    """In any order; without trials only the axes are drawn."""
    axes: Sequence[str]
    """The settings, as in `FIELDS`; for a heat map, the horizontal one, then the vertical one."""
    measure: StudyMeasure = "accuracy"
    """Test accuracy at the end, mean seconds per epoch, or weight updates in the whole run."""
    configs: Sequence[TrainingConfig] = ()
    """The runs of the whole study, so that the axes have room for those still to come."""
    n_images: int = 60_000
    """Training images of the data set, for the updates of runs that use all of them."""
    shows_runs: bool = False
    """Whether curves also show each run as a dot."""

    @property
    def is_map(self) -> bool:
        """Whether it is a heat map: two settings, neither of which is a choice."""
        return len(self.axes) == 2 and not any(isinstance(FIELDS[name], Choice) for name in self.axes)

    @property
    def measured(self) -> MeasureView:
        """The measure, with its words adapted to the runs' held-out images."""
        return measure_view(self.measure, self._settings)

    def values(self, name: str) -> tuple[Any, ...]:
        """Return the sorted values of a setting, including those of runs still to come."""
        return setting_values(self._settings, name)

    def cells(self, axes: Sequence[str]) -> dict[tuple[Any, ...], StudyCell]:
        """Group the trials by their values of the settings `axes`, sorted by them."""
        numbers = {id(trial): number for number, trial in enumerate(self.trials)}
        found = {level.values: [numbers[id(t)] for t in level.trials] for level in levels(self.trials, axes)}
        return {values: self.cell(axes, places) for values, places in found.items()}

    def cell(self, axes: Sequence[str], numbers: Sequence[int]) -> StudyCell:
        """Combine the trials at some indices of the study, which share the values of the settings `axes`."""
        trials = [self.trials[number] for number in numbers]
        label = " · ".join(f"{FIELDS[name].label.lower()} {trials[0].config.text(name)}" for name in axes)
        found = (MEASURES[self.measure].of(trial, self.n_images) for trial in trials)
        n_diverged = sum(trial.status == "diverged" for trial in trials)
        return StudyCell(label, numbers, [value for value in found if not math.isnan(value)], n_diverged)

    @property
    def _settings(self) -> list[TrainingConfig]:
        """The settings of all planned and ended runs."""
        return [*self.configs, *(trial.config for trial in self.trials)]


def _numbers(values: Sequence[Any]) -> list[float]:
    """Return values of a setting as floats; empty unless all are numbers."""
    are_numbers = all(isinstance(value, int | float) for value in values)
    return [float(value) for value in values] if are_numbers else []


def _row_axis(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return an axis on which the values of a setting are evenly spaced."""
    field = FIELDS[name]
    ticks = {"tickvals": [*range(len(values))], "ticktext": [field.text(value) for value in values]}
    title, limits = (
        field.label.lower() + (f" ({field.unit})" if field.unit else ""),
        [-0.5, max(len(values), 1) - 0.5],
    )
    return axis(title, type="linear", range=limits, tickmode="array", **ticks)


def _setting_axis(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return an axis of numbers, logarithmic if they span more than a decade; other values are evenly spaced."""
    row, numbers = _row_axis(name, values), _numbers(values)
    if not numbers:
        return row
    is_log = 0 < 10 * numbers[0] < numbers[-1]
    at = [math.log10(number) for number in numbers] if is_log else numbers
    width = at[-1] - at[0] or 1.0
    is_wide = all(after - before >= _LEAST_GAP * width for before, after in pairwise(at))
    return row | {
        "type": "log" if is_log else "linear",
        "range": [at[0] - 0.04 * width, at[-1] + 0.04 * width],
        "tickmode": "array" if is_wide and len(at) <= _MOST_TICKS else "auto",
        "tickvals": numbers,
    }


def _measure_span(values: Sequence[float], measure: MeasureView) -> tuple[float, float, list[float]]:
    """Return the limits of a logarithmic axis that fits the values, and round numbers between them."""
    places = [*map(measure.place, values)] or [1.0, 100.0]
    pad = 10 ** max(0.02, 0.08 * math.log10(max(places) / min(places)))
    low, high = min(places) / pad, max(places) * pad
    ticks = [number for number in _ROUND if low <= number <= high]
    if len(ticks) > _MOST_TICKS:
        ticks = [number for number in _ROUND[::3] if low <= number <= high]
    if len(ticks) < 3:
        step = next(number for number in _ROUND if high - low <= 5 * number)
        ticks = [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return low, high, ticks


MOST_CURVES = 6
"""Maximum number of curves; no choice has more values."""

_ROOM = 50  # letters in a row of cells that are legible on a phone
_MARKERS = (("circle", 9), ("diamond", 6), ("square", 6), ("circle", 6), ("diamond", 6), ("square", 6))

_Point = tuple[float, StudyCell]  # at its x


def study_data(view: StudyView) -> FigureData:
    """Return the properties of `study_figure` that depend on the data.

    A heat map has two traces: the cells with a median, and those whose runs all diverged, the lowest value of the
    second setting first. Else each of `MOST_CURVES` curves, used or not, has four: the lowest and the highest run,
    edges of the band; the single runs; the median. The last trace marks where runs diverged. `customdata` has for
    each point or cell the indices of its trials.
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
    if _axis_and_curves(view)[1] == "reduction":
        colors = (palette.negative, palette.positive, *colors)
    curves = zip(colors, _MARKERS, strict=False)
    cross = {"symbol": "x-thin", "size": 8, "line": {"width": 2, "color": palette.error}}
    looks = [look for color, marker in curves for look in _curve_looks(color, *marker)]
    looks.append({"mode": "markers", "marker": cross, "cliponaxis": False})
    return [scatter("%{text}: %{hovertext}", **look) for look in looks]


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
    legend, up = {"title": {"text": title, "font": {"size": 14}}}, {"type": "log", "tickmode": "array"}
    return drawn_data(style, data, theme, height=300, showlegend=True, legend=legend, yaxis=up)


def _axis_and_curves(view: StudyView) -> tuple[str, str | None]:
    """Return the setting on the axis, and the choice with a curve for each value, if any."""
    along, *by = sorted(view.axes, key=lambda name: isinstance(FIELDS[name], Choice))
    return along, by[0] if by else None


def _curves_data(view: StudyView) -> FigureData:
    measure, (along, by) = view.measured, _axis_and_curves(view)
    on_axis, axes = view.values(along), [along, by] if by else [along]
    places = dict(zip(on_axis, _numbers(on_axis) or map(float, range(len(on_axis))), strict=True))
    cells = [(places[values[0]], values[1:], cell) for values, cell in view.cells(axes).items()]
    low, high, ticks = _measure_span([value for *_, cell in cells for value in cell.values], measure)
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
    limits = [math.log10(low), math.log10(high)][:: measure.direction]
    up = axis(measure.title, range=limits, tickvals=ticks, ticktext=[*map(measure.tick, ticks)])
    return [*traces, *unused, mark], {"xaxis": _setting_axis(along, on_axis), "yaxis": up}


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


def _curve_looks(color: str, symbol: str, size: int) -> list[dict[str, Any]]:
    """Return the styles of a band's edges, of single runs, and of the medians."""
    fill = {"fill": "tonexty", "fillcolor": f"rgba({','.join(map(str, rgb(color)))},0.18)"}
    edge = {"mode": "lines", "line": {"color": color, "width": 0}, "hoverinfo": "skip", "showlegend": False}
    runs = {"mode": "markers", "marker": {"color": color, "size": 4}, "opacity": 0.6, "showlegend": False}
    medians = {"mode": "lines+markers", "line": {"color": color, "width": 2}}
    marker = {"marker": {"color": color, "symbol": symbol, "size": size}}
    return [{"legendgroup": color} | look for look in (edge, edge | fill, runs, medians | marker)]


def _map_data(view: StudyView) -> FigureData:
    measure, cells = view.measured, view.cells(view.axes)
    columns, rows = map(view.values, view.axes)
    low, high, ticks = _measure_span([cell.median for cell in cells.values() if cell.values], measure)

    def color(place: float) -> float:  # more is stronger
        return measure.direction * math.log10(place)

    def lattice(of: Callable[[StudyCell], Any]) -> list[list[Any]]:
        return [[of(cells.get((column, row), StudyCell())) for column in columns] for row in rows]

    def text(cell: StudyCell) -> str:
        return measure.cell(cell.median) + (" ×" if cell.n_diverged else "") if cell.values else ""

    texts, (weak, strong) = lattice(text), sorted((color(low), color(high)))
    has_room = len(columns) * max((len(text) for row in texts for text in row), default=0) <= _ROOM
    shared = {
        "x": [*range(len(columns))],
        "y": [*range(len(rows))],
        "hovertext": lattice(lambda cell: f"{cell.label}: {cell.words(measure)}"),
        "customdata": lattice(lambda cell: [*cell.numbers]),
    }
    named = {"tickvals": [*map(color, ticks)], "ticktext": [*map(measure.tick, ticks)]}
    medians = {
        "z": lattice(lambda cell: color(measure.place(cell.median)) if cell.values else None),
        "text": texts,
        "texttemplate": "%{text}" if has_room else "",
        "zmin": weak - 0.2 * (strong - weak),  # the lowest median doesn't look like an empty cell
        "zmax": strong,
        "showscale": not has_room,
        "colorbar": {**named, "thickness": 10, "outlinewidth": 0},
    }
    crosses = {
        "z": lattice(lambda cell: 0 if cell.n_diverged and not cell.values else None),
        "text": lattice(lambda cell: "×" if cell.n_diverged and not cell.values else ""),
    }
    across, up = map(_row_axis, view.axes, (columns, rows))
    title = {"text": f"Median of the {measure.title}"}
    return [shared | medians, shared | crosses], {"title": title, "xaxis": across, "yaxis": up}
