"""A study as figures: against one setting curves, against two a heat map, and the curve of one run.

Accuracies are spaced by the logarithm of the errors that are left. So 96 and 97 % stand apart even where other
settings stay at 10 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from explorer.figures.axes import Metric, as_float32
from explorer.figures.confusion import drawn_matrix
from explorer.figures.curves import curves_figure, curves_layout, curves_style, curves_traces
from explorer.figures.palette import PALETTES, RUN_COLOURS, Theme, rgb
from explorer.figures.template import drawn, merged
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import Choice
from explorer.training.studies.summary import setting_values
from explorer.training.studies.trials import Trial
from explorer.wording import grouped, percent

__all__ = [
    "MOST_CURVES",
    "StudyMeasure",
    "heat_figure",
    "heat_layout",
    "heat_style",
    "heat_traces",
    "sweep_figure",
    "sweep_layout",
    "sweep_style",
    "sweep_traces",
    "trial_figure",
    "trial_layout",
    "trial_style",
    "trial_traces",
]

StudyMeasure = Literal["accuracy", "time", "updates"]

MOST_CURVES = 6
"""So many values may the setting have that a sweep shows as separate curves."""

_HEIGHT = 300  # px
_MOST_TICKS, _LEAST_GAP = (
    10,
    0.04,
)  # values of a setting that each have a tick; share of the axis between them
_ROOM = 50  # letters in a row of cells that can be read on a phone
_LEAST_ERROR = 0.01  # percent: the logarithm of none would be infinite
_STEPS = tuple(digit * 10.0**power for power in range(-3, 9) for digit in (1, 2, 5))
_MARKERS = (("circle", 9), ("diamond", 6), ("square", 6), ("circle", 6), ("diamond", 6), ("square", 6))


@dataclass(frozen=True, slots=True)
class _Measure:
    """What a study measures of a trial, and how it is shown on a logarithmic axis."""

    title: str
    """With the unit."""
    of: Callable[[Trial, int], float]
    """For a trial and the number of training images; NaN if there is nothing to measure."""
    tick: Callable[[float], str]
    """What is written at a place of the axis."""
    cell: Callable[[float], str]
    """What is written in a cell."""
    long: Callable[[float], str]
    """The same with its unit."""
    place: Callable[[float], float] = float
    """Its place on the axis, above 0."""
    direction: int = 1
    """-1 where the axis is reversed."""


def _accuracy(trial: Trial, _n_images: int) -> float:
    return trial.final.test_accuracy if trial.final else math.nan


def _seconds(trial: Trial, _n_images: int) -> float:
    return float(np.mean([record.seconds for record in trial.epochs])) if trial.epochs else math.nan


def _updates(trial: Trial, n_images: int) -> float:
    n_used = min(trial.config.n_train or n_images, n_images)
    return float(trial.config.epochs * math.ceil(n_used / trial.config.batch_size))


def _whole(count: float) -> str:
    return grouped(round(count))


_MEASURES: Mapping[StudyMeasure, _Measure] = MappingProxyType(
    {
        "accuracy": _Measure(
            "test accuracy (%)",
            _accuracy,
            tick=lambda error: f"{100 - error:.5g}",
            cell=lambda share: f"{100 * share:.1f}",
            long=lambda share: percent(share, 2),
            place=lambda share: max(100 * (1 - share), _LEAST_ERROR),
            direction=-1,
        ),
        "time": _Measure(
            "seconds per epoch", _seconds, "{:g}".format, "{:.2g}".format, "{:.3g} s per epoch".format
        ),
        "updates": _Measure(
            "updates of the weights", _updates, _whole, _whole, lambda count: f"{_whole(count)} updates"
        ),
    }
)


@dataclass(slots=True)
class _Cell:
    """The trials of one point or cell."""

    numbers: list[int] = field(default_factory=list)
    """Their places in the study."""
    measured: dict[int, float] = field(default_factory=dict)
    """What is measured of each that has it."""
    n_diverged: int = 0

    @property
    def median(self) -> float:
        return float(np.median([*self.measured.values()]))

    def words(self, measure: _Measure) -> str:
        """Return the median in words, and of how many runs it is."""
        texts = []
        if n := len(self.measured):
            runs = "one run" if n == 1 else f"median of {n} runs"
            texts.append(f"{measure.long(self.median)}, {runs}")
        if self.n_diverged:
            texts.append(f"{self.n_diverged} of {len(self.numbers)} diverged")
        return ", ".join(texts)


_Point = tuple[float, tuple[Any, ...], _Cell]  # its x, its values of the axes, and its trials


def sweep_traces(
    trials: Sequence[Trial],
    axis: str,
    *,
    by: str | None = None,
    measure: StudyMeasure = "accuracy",
    shows_runs: bool = False,
    configs: Iterable[TrainingConfig] = (),
    n_images: int = 60_000,
) -> list[dict[str, Any]]:
    """Return what changes with the data in the traces of `sweep_figure`, whose parameters these are.

    Returns
    -------
    list of dict
        For each of `MOST_CURVES` curves, used or not: the lowest and the highest run, edges of the band; the
        single runs; the median. At last a mark where runs diverged. `x` and `y` (float32) are places on axes of
        `sweep_layout`, `hovertext` is the value in words, and `customdata` has for each point the places of its
        trials in `trials`.

    Raises
    ------
    ValueError
        If `by` has more values than there are curves.
    """
    settings, kept = _settings(trials, configs), _MEASURES[measure]
    places = _places(setting_values(settings, axis))
    axes = [axis] if by is None else [axis, by]
    cells = _cells(trials, axes, kept, n_images)
    points = sorted(((places[key[0]], key, cell) for key, cell in cells.items()), key=lambda point: point[0])
    traces: list[dict[str, Any]] = []
    for name, own in _groups(by, settings):
        shown = [point for point in points if point[1][1:] == own and point[2].measured]
        traces += _curve(shown, axes, kept, trials, name)
        traces[-2]["visible"] &= shows_runs
    traces += [_trace((), axes, name="") for _ in range(4 * MOST_CURVES - len(traces))]
    lost = [point for point in points if point[2].n_diverged and measure == "accuracy"]
    edge = 10 ** sweep_layout(trials, axis)["yaxis"]["range"][0]
    return [*traces, _trace(lost, axes, lambda _: edge, lambda cell: cell.words(kept), name="diverged")]


def sweep_layout(
    trials: Sequence[Trial],
    axis: str,
    *,
    measure: StudyMeasure = "accuracy",
    configs: Iterable[TrainingConfig] = (),
    n_images: int = 60_000,
) -> dict[str, Any]:
    """Return what changes with the data in the layout of `sweep_figure`, whose parameters these are.

    A setting has a logarithmic axis where its numbers span more than a decade; other values stand in a row.
    """
    kept = _MEASURES[measure]
    low, high, ticks = _span([kept.of(trial, n_images) for trial in trials], kept)
    ends = [math.log10(end) for end in (low, high)][:: kept.direction]
    up = {"range": ends, "tickvals": ticks, "ticktext": [kept.tick(tick) for tick in ticks]}
    return {
        "xaxis": _setting_axis(axis, setting_values(_settings(trials, configs), axis)),
        "yaxis": {"title": {"text": kept.title}, **up},
    }


def sweep_style(theme: Theme = "light", *, by: str | None = None) -> list[dict[str, Any]]:
    """Return what changes with the theme in the traces of `sweep_figure`, and what never changes."""
    palette = PALETTES[theme]
    colours = RUN_COLOURS[theme]
    if by == "reduction":
        colours = (palette.negative, palette.positive, *colours)
    cross = {"symbol": "x-thin", "size": 8, "line": {"width": 2, "color": palette.error}}
    mark = {"name": "diverged", "mode": "markers", "marker": cross, "showlegend": True, "cliponaxis": False}
    return [
        {"type": "scatter", "hovertemplate": "%{text}: %{hovertext}<extra></extra>"} | look
        for look in (
            *(
                look
                for colour, marker in zip(colours, _MARKERS, strict=False)
                for look in _curve_looks(colour, *marker)
            ),
            mark,
        )
    ]


def sweep_figure(
    trials: Sequence[Trial],
    axis: str,
    *,
    by: str | None = None,
    measure: StudyMeasure = "accuracy",
    shows_runs: bool = False,
    configs: Iterable[TrainingConfig] = (),
    n_images: int = 60_000,
    theme: Theme = "light",
) -> go.Figure:
    """Return a measure against one setting: the median of the runs, and a band from the lowest to the highest.

    Parameters
    ----------
    trials : sequence of Trial
        In any order; none draw the axes.
    axis : str
        The setting, as in `FIELDS`.
    by : str, optional
        Another setting, of at most `MOST_CURVES` values: a curve for each.
    measure : {"accuracy", "time", "updates"}
        Test accuracy at the end, mean seconds of an epoch, or updates of the weights in the whole run. A run that
        diverged has no accuracy, but a mark at the lower edge.
    shows_runs : bool
        Whether each run is a dot as well.
    configs : iterable of TrainingConfig
        The runs of the whole study; the axis has room for those still to come.
    n_images : int
        Training images of the data set, for the updates of runs on all of them.
    """
    configs = tuple(configs)
    same: dict[str, Any] = {"measure": measure, "configs": configs, "n_images": n_images}
    # Plotly sets a title too high for the entries next to it; a font larger than what is written takes it down.
    title = f'<span style="font-size:11px">{FIELDS[by].label.lower()}</span>' if by else ""
    return drawn(
        merged(sweep_style(theme, by=by), sweep_traces(trials, axis, by=by, shows_runs=shows_runs, **same)),
        theme,
        sweep_layout(trials, axis, **same),
        height=_HEIGHT,
        showlegend=True,
        legend={"title": {"text": title, "font": {"size": 14}}},
        yaxis={"type": "log", "tickmode": "array"},
    )


def heat_traces(
    trials: Sequence[Trial],
    axes: Sequence[str],
    *,
    measure: StudyMeasure = "accuracy",
    configs: Iterable[TrainingConfig] = (),
    n_images: int = 60_000,
) -> list[dict[str, Any]]:
    """Return what changes with the data in the traces of `heat_figure`, whose parameters these are.

    Returns
    -------
    list of dict
        The cells that have a median, and those whose runs all diverged. `z`, `text`, `hovertext` and `customdata`,
        which has for each cell the places of its trials in `trials`, are lists of rows, the lowest value of the
        second setting first.
    """
    settings, kept = _settings(trials, configs), _MEASURES[measure]
    columns, rows = (setting_values(settings, name) for name in axes)
    cells = _cells(trials, axes, kept, n_images)
    grid = [[((column, row), cells.get((column, row), _Cell())) for column in columns] for row in rows]

    def lattice(of: Callable[[_Cell], Any]) -> list[list[Any]]:
        return [[of(cell) for _, cell in row] for row in grid]

    def colour(cell: _Cell) -> float | None:
        return _scaled(kept.place(cell.median), kept) if cell.measured else None

    def text(cell: _Cell) -> str:
        return kept.cell(cell.median) + (" ×" if cell.n_diverged else "") if cell.measured else ""

    texts = lattice(text)
    has_room = len(columns) * max((len(text) for row in texts for text in row), default=0) <= _ROOM
    low, high, ticks = _span([cell.median for cell in cells.values() if cell.measured], kept)
    ends = sorted((_scaled(low, kept), _scaled(high, kept)))
    shared = {
        "x": [*range(len(columns))],
        "y": [*range(len(rows))],
        "hovertext": [[f"{_label(axes, key)}: {cell.words(kept)}" for key, cell in row] for row in grid],
        "customdata": lattice(lambda cell: cell.numbers),
    }
    medians = {
        "z": lattice(colour),
        "text": texts,
        "texttemplate": "%{text}" if has_room else "",
        "zmin": ends[0],
        "zmax": ends[1],
        "showscale": not has_room,
        "colorbar": {
            "tickvals": [_scaled(tick, kept) for tick in ticks],
            "ticktext": [*map(kept.tick, ticks)],
            "thickness": 10,
            "outlinewidth": 0,
        },
    }
    lost = {
        "z": lattice(lambda cell: 0 if cell.n_diverged and not cell.measured else None),
        "text": lattice(lambda cell: "×" if cell.n_diverged and not cell.measured else ""),
    }
    return [shared | medians, shared | lost]


def heat_layout(
    trials: Sequence[Trial],
    axes: Sequence[str],
    *,
    measure: StudyMeasure = "accuracy",
    configs: Iterable[TrainingConfig] = (),
) -> dict[str, Any]:
    """Return what changes with the data in the layout of `heat_figure`, whose parameters these are."""
    settings = _settings(trials, configs)
    across, up = (_row_of_values(name, setting_values(settings, name)) for name in axes)
    return {"title": {"text": f"median of the {_MEASURES[measure].title}"}, "xaxis": across, "yaxis": up}


def heat_style(theme: Theme = "light") -> list[dict[str, Any]]:
    """Return what changes with the theme in the traces of `heat_figure`, and what never changes."""
    palette = PALETTES[theme]
    # The weakest tone is no blank: so a cell of the lowest median differs from one that is still to come.
    ends = zip(rgb(palette.surface), rgb(palette.heat), strict=True)
    weakest = ",".join(f"{0.85 * surface + 0.15 * heat:.0f}" for surface, heat in ends)
    cells = {
        "type": "heatmap",
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "textfont": {"size": 11, "color": palette.text},
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    cross = {"size": 14, "color": palette.error}
    return [
        {**cells, "name": "median", "colorscale": [[0, f"rgb({weakest})"], [1, palette.heat]]},
        {
            **cells,
            "name": "diverged",
            "colorscale": [[0, palette.raised], [1, palette.raised]],
            "showscale": False,
            "texttemplate": "%{text}",
            "textfont": cross,
        },
    ]


def heat_figure(
    trials: Sequence[Trial],
    axes: Sequence[str],
    *,
    measure: StudyMeasure = "accuracy",
    configs: Iterable[TrainingConfig] = (),
    n_images: int = 60_000,
    theme: Theme = "light",
) -> go.Figure:
    """Return the median of a measure against two settings, as a heat map.

    Parameters
    ----------
    axes : sequence of str
        The setting from left to right, and that from the bottom up.
    trials, measure, configs, n_images
        As in `sweep_figure`. A cross marks a cell with runs that diverged; its median is of the others. Cells that
        are still to come are empty.
    """
    configs = tuple(configs)
    traces = heat_traces(trials, axes, measure=measure, configs=configs, n_images=n_images)
    layout = heat_layout(trials, axes, measure=measure, configs=configs)
    return drawn_matrix(merged(heat_style(theme), traces), layout, theme)


def trial_traces(trial: Trial, *, metric: Metric = "accuracy") -> list[dict[str, Any]]:
    """Return what changes with the data in the traces of `trial_figure`."""
    return curves_traces(trial.history, metric=metric)


def trial_layout(trial: Trial, *, metric: Metric = "accuracy") -> dict[str, Any]:
    """Return what changes with the data in the layout of `trial_figure`."""
    return curves_layout(trial.history, metric=metric)


def trial_style(theme: Theme = "light", *, metric: Metric = "accuracy") -> list[dict[str, Any]]:
    """Return what changes with the theme in the traces of `trial_figure`, and what never changes."""
    return curves_style(theme, metric=metric)


def trial_figure(trial: Trial, *, metric: Metric = "accuracy", theme: Theme = "light") -> go.Figure:
    """Return accuracy or loss over the epochs of one trial, for the training and the test set."""
    return curves_figure(trial.history, metric=metric, theme=theme)


def _settings(trials: Iterable[Trial], configs: Iterable[TrainingConfig]) -> tuple[TrainingConfig, ...]:
    return (*configs, *(trial.config for trial in trials))


def _cells(
    trials: Sequence[Trial], axes: Sequence[str], measure: _Measure, n_images: int
) -> dict[tuple[Any, ...], _Cell]:
    """Return the trials by their values of the settings `axes`."""
    cells: dict[tuple[Any, ...], _Cell] = {}
    for number, trial in enumerate(trials):
        cell = cells.setdefault(tuple(getattr(trial.config, name) for name in axes), _Cell())
        cell.numbers.append(number)
        value = measure.of(trial, n_images)
        cell.measured |= {} if math.isnan(value) else {number: value}
        cell.n_diverged += trial.status == "diverged"
    return cells


def _groups(by: str | None, settings: Iterable[TrainingConfig]) -> list[tuple[str, tuple[Any, ...]]]:
    """Return each curve's name and its value of the setting `by`; a choice always has the same place."""
    if by is None:
        return [("", ())]
    field = FIELDS[by]
    values = field.choices if isinstance(field, Choice) else setting_values(settings, by)
    if len(values) > MOST_CURVES:
        raise ValueError(f"{by} has {len(values)} values; a sweep shows at most {MOST_CURVES} as curves")
    return [(field.text(value), (value,)) for value in values]


def _trace(
    points: Sequence[_Point],
    axes: Sequence[str],
    y: Callable[[_Cell], float] = lambda _: math.nan,
    words: Callable[[_Cell], str] = str,
    *,
    name: str,
) -> dict[str, Any]:
    return {
        "name": name,
        "x": as_float32([x for x, _, _ in points]),
        "y": as_float32([y(cell) for _, _, cell in points]),
        "text": [_label(axes, values) for _, values, _ in points],
        "hovertext": [words(cell) for _, _, cell in points],
        "customdata": [cell.numbers for _, _, cell in points],
        "visible": bool(points),
    }


def _curve(
    points: Sequence[_Point], axes: Sequence[str], measure: _Measure, trials: Sequence[Trial], name: str
) -> list[dict[str, Any]]:
    """Return the lowest and the highest of each point's values, each by itself, and the medians."""
    single = [
        (x, values, _Cell([number], {number: value}))
        for x, values, cell in points
        for number, value in cell.measured.items()
    ]
    prefix = f"{name}, " if name else ""

    def edge(pick: Callable[[Iterable[float]], float], which: str) -> dict[str, Any]:
        ends = [
            (x, values, _Cell(cell.numbers, {0: pick(cell.measured.values())})) for x, values, cell in points
        ]
        return _trace(ends, axes, place, lambda cell: measure.long(cell.median), name=f"{prefix}{which}")

    def place(cell: _Cell) -> float:
        return measure.place(cell.median)

    def seed(cell: _Cell) -> str:
        return f"{measure.long(cell.median)}, seed {trials[cell.numbers[0]].config.seed}"

    return [
        edge(min, "lowest"),
        edge(max, "highest"),
        _trace(single, axes, place, seed, name=f"{prefix}single runs"),
        _trace(points, axes, place, lambda cell: cell.words(measure), name=name or "median"),
    ]


def _curve_looks(colour: str, symbol: str, size: int) -> list[dict[str, Any]]:
    red, green, blue = rgb(colour)
    edge: dict[str, Any] = {
        "mode": "lines",
        "line": {"color": colour, "width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    runs = {"mode": "markers", "marker": {"color": colour, "size": 4}, "opacity": 0.6, "showlegend": False}
    looks = [
        edge,
        edge | {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},0.18)"},
        runs,
        {
            "mode": "lines+markers",
            "line": {"color": colour, "width": 2},
            "marker": {"color": colour, "symbol": symbol, "size": size},
        },
    ]
    return [{"legendgroup": colour} | look for look in looks]


def _label(axes: Sequence[str], values: Sequence[Any]) -> str:
    """Return values of settings in words: ``"batch size 64 · batch gradient sum"``."""
    named = zip((FIELDS[name] for name in axes), values, strict=True)
    return " · ".join(f"{field.label.lower()} {field.text(value)}" for field, value in named)


def _numbers(values: Sequence[Any]) -> list[float] | None:
    """Return values of a setting as numbers; None if one isn't a number."""
    if not all(isinstance(value, int | float) for value in values):
        return None
    return [float(value) for value in values]


def _places(values: Sequence[Any]) -> dict[Any, float]:
    """Return the place of each value of a setting on its axis: a number's own, or one in a row."""
    return dict(zip(values, _numbers(values) or map(float, range(len(values))), strict=True))


def _row_of_values(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return an axis on which the values of a setting stand in a row."""
    setting = FIELDS[name]
    return {
        "title": {"text": f"{setting.label.lower()}{f' ({setting.unit})' if setting.unit else ''}"},
        "type": "linear",
        "range": [-0.5, max(len(values), 1) - 0.5],
        "tickmode": "array",
        "tickvals": [*range(len(values))],
        "ticktext": [setting.text(value) for value in values],
    }


def _setting_axis(name: str, values: Sequence[Any]) -> dict[str, Any]:
    axis, numbers = _row_of_values(name, values), _numbers(values)
    if not numbers:
        return axis
    is_log = 0 < 10 * min(numbers) < max(numbers)
    at = [math.log10(number) for number in numbers] if is_log else numbers
    width = at[-1] - at[0] or 1.0
    is_wide = all(after - before >= _LEAST_GAP * width for before, after in pairwise(at))
    return axis | {
        "type": "log" if is_log else "linear",
        "range": [at[0] - 0.04 * width, at[-1] + 0.04 * width],
        "tickmode": "array" if is_wide and len(at) <= _MOST_TICKS else "auto",
        "tickvals": numbers,
    }


def _span(values: Iterable[float], measure: _Measure) -> tuple[float, float, list[float]]:
    """Return the ends of a logarithmic axis that fits the values, and round numbers between them."""
    places = [measure.place(value) for value in values if not math.isnan(value)] or [1.0, 100.0]
    pad = max(0.02, 0.08 * math.log10(max(places) / min(places)))
    low, high = min(places) * 10**-pad, max(places) * 10**pad
    ticks = [step for step in _STEPS if low <= step <= high]
    if len(ticks) > _MOST_TICKS:
        ticks = [step for step in _STEPS[::3] if low <= step <= high]
    if len(ticks) < 3:
        step = next(step for step in _STEPS if high - low <= 5 * step)
        ticks = [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return low, high, ticks


def _scaled(place: float, measure: _Measure) -> float:
    """Return a place on a measure's axis as a colour: more is stronger."""
    return measure.direction * math.log10(place)
