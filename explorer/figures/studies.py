"""A study as figures: against one setting curves, against two a heat map."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import plotly.graph_objects as go

from explorer.figures.axes import as_float32
from explorer.figures.confusion import drawn_matrix
from explorer.figures.palette import PALETTES, RUN_COLOURS, Theme, rgb
from explorer.figures.study_axes import (
    MeasureView,
    StudyCell,
    StudyMeasure,
    all_settings,
    measure_span,
    measure_view,
    row_axis,
    setting_axis,
    setting_places,
    study_cells,
)
from explorer.figures.template import drawn, merged
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import Choice
from explorer.training.studies.summary import setting_values
from explorer.training.studies.trials import Trial

__all__ = [
    "MOST_CURVES", "curve_axes", "heat_figure", "heat_layout", "heat_style", "heat_traces",
    "is_map", "study_figure", "sweep_figure", "sweep_layout", "sweep_style", "sweep_traces",
]  # fmt: skip

MOST_CURVES = 6
"""So many values may the setting have that a sweep shows as separate curves."""

_ROOM = 50  # letters in a row of cells that can be read on a phone
_MARKERS = (("circle", 9), ("diamond", 6), ("square", 6), ("circle", 6), ("diamond", 6), ("square", 6))


_Point = tuple[float, StudyCell]  # at its x


def is_map(axes: Sequence[str]) -> bool:
    """Return whether a study of these settings is a heat map: of two settings, neither of which is a choice."""
    return len(axes) == 2 and not any(isinstance(FIELDS[name], Choice) for name in axes)


def curve_axes(axes: Sequence[str]) -> tuple[str, str | None]:
    """Return which of one setting or two is the axis of a sweep, and which has a curve for each value, if any."""
    axis, *by = sorted(axes, key=lambda name: isinstance(FIELDS[name], Choice))
    return axis, by[0] if by else None


def study_figure(
    trials: Sequence[Trial],
    axes: Sequence[str],
    *,
    measure: StudyMeasure = "accuracy",
    configs: Iterable[TrainingConfig] = (),
    n_images: int = 60_000,
    theme: Theme = "light",
) -> go.Figure:
    """Return a `heat_figure` where `is_map` says so, and else a `sweep_figure`; see there."""
    same: dict[str, Any] = {"measure": measure, "configs": configs, "n_images": n_images, "theme": theme}
    if is_map(axes):
        return heat_figure(trials, axes, **same)
    axis, by = curve_axes(axes)
    return sweep_figure(trials, axis, by=by, **same)


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
    """Return the data-dependent part of `sweep_figure`'s traces; the parameters are those of `sweep_figure`.

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
    settings = all_settings(trials, configs)
    kept = measure_view(measure, settings)
    places, axes = setting_places(setting_values(settings, axis)), [axis] if by is None else [axis, by]
    cells = [(places[k[0]], k[1:], cell) for k, cell in study_cells(trials, axes, kept, n_images).items()]
    single = [
        (places[key[0]], key[1:-1], cell._replace(numbers=[number]))
        for number, trial in enumerate(trials if shows_runs else ())
        for key, cell in study_cells([trial], [*axes, "seed"], kept, n_images).items()
    ]
    traces: list[dict[str, Any]] = []
    for name, own in _groups(by, settings):
        points, runs = (
            [(x, cell) for x, key, cell in found if key == own and cell.values] for found in (cells, single)
        )
        traces += _curve(name, points, runs, kept)
    lost = [(x, cell) for x, _, cell in cells if cell.n_diverged and measure == "accuracy"]
    _, high, _ = measure_span([kept.of(trial, n_images) for trial in trials], kept)
    return [
        *traces,
        *(_trace("", (), kept, lambda _: 0.0) for _ in range(4 * MOST_CURVES - len(traces))),
        _trace("diverged", lost, kept, lambda _: 1 - high / 100, lambda cell: cell.lost),
    ]


def sweep_layout(
    trials: Sequence[Trial],
    axis: str,
    *,
    measure: StudyMeasure = "accuracy",
    configs: Iterable[TrainingConfig] = (),
    n_images: int = 60_000,
) -> dict[str, Any]:
    """Return the data-dependent part of `sweep_figure`'s layout; the parameters are those of `sweep_figure`.

    A setting has a logarithmic axis where its numbers span more than a decade; other values stand in a row.
    """
    settings = all_settings(trials, configs)
    kept, values = measure_view(measure, settings), setting_values(settings, axis)
    low, high, ticks = measure_span([kept.of(trial, n_images) for trial in trials], kept)
    up = {
        "title": {"text": kept.title},
        "range": [math.log10(low), math.log10(high)][:: kept.direction],
        "tickvals": ticks,
        "ticktext": [*map(kept.tick, ticks)],
    }
    return {"xaxis": setting_axis(axis, values), "yaxis": up}


def sweep_style(theme: Theme = "light", *, by: str | None = None) -> list[dict[str, Any]]:
    """Return what changes with the theme in the traces of `sweep_figure`, and what never changes."""
    palette, colours = PALETTES[theme], RUN_COLOURS[theme]
    if by == "reduction":
        colours = (palette.negative, palette.positive, *colours)
    looks = [
        look
        for colour, marker in zip(colours, _MARKERS, strict=False)
        for look in _curve_looks(colour, *marker)
    ]
    cross = {"symbol": "x-thin", "size": 8, "line": {"width": 2, "color": palette.error}}
    looks.append({"mode": "markers", "marker": cross, "cliponaxis": False})
    return [
        {"type": "scatter", "hovertemplate": "%{text}: %{hovertext}<extra></extra>"} | look for look in looks
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
        Test accuracy at the end, mean seconds of an epoch, or weight updates in the whole run. A run that
        diverged has no accuracy, but a mark at the lower edge.
    shows_runs : bool
        Whether each run is a dot as well.
    configs : iterable of TrainingConfig
        The runs of the whole study; the axis has room for those still to come.
    n_images : int
        Training images of the data set, for the updates of runs on all of them.
    """
    same: dict[str, Any] = {"measure": measure, "configs": tuple(configs), "n_images": n_images}
    # Plotly sets a title too high for the entries next to it; a font larger than what is written takes it down.
    title = f'<span style="font-size:11px">{FIELDS[by].label.lower()}</span>' if by else ""
    return drawn(
        merged(sweep_style(theme, by=by), sweep_traces(trials, axis, by=by, shows_runs=shows_runs, **same)),
        theme,
        sweep_layout(trials, axis, **same),
        height=300,
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
    """Return the data-dependent part of `heat_figure`'s traces; the parameters are those of `heat_figure`.

    Returns
    -------
    list of dict
        The cells that have a median, and those whose runs all diverged. `z`, `text`, `hovertext` and `customdata`,
        which has for each cell the places of its trials in `trials`, are lists of rows, the lowest value of the
        second setting first.
    """
    kept = measure_view(measure, settings := all_settings(trials, configs))
    columns, rows = (setting_values(settings, name) for name in axes)
    cells = study_cells(trials, axes, kept, n_images)
    low, high, ticks = measure_span([cell.median for cell in cells.values() if cell.values], kept)

    def colour(place: float) -> float:  # more is stronger
        return kept.direction * math.log10(place)

    def lattice(of: Callable[[StudyCell], Any]) -> list[list[Any]]:
        return [[of(cells.get((column, row), StudyCell())) for column in columns] for row in rows]

    def text(cell: StudyCell) -> str:
        return kept.cell(cell.median) + (" ×" if cell.n_diverged else "") if cell.values else ""

    texts, (weak, strong) = lattice(text), sorted((colour(low), colour(high)))
    has_room = len(columns) * max((len(text) for row in texts for text in row), default=0) <= _ROOM
    shared = {
        "x": [*range(len(columns))],
        "y": [*range(len(rows))],
        "hovertext": lattice(lambda cell: f"{cell.label}: {cell.words(kept)}"),
        "customdata": lattice(lambda cell: [*cell.numbers]),
    }
    medians = {
        "z": lattice(lambda cell: colour(kept.place(cell.median)) if cell.values else None),
        "text": texts,
        "texttemplate": "%{text}" if has_room else "",
        "zmin": weak - 0.2 * (strong - weak),  # the lowest median is no blank, as what is still to come
        "zmax": strong,
        "showscale": not has_room,
        "colorbar": {
            "tickvals": [colour(tick) for tick in ticks],
            "ticktext": [kept.tick(tick) for tick in ticks],
            "thickness": 10,
            "outlinewidth": 0,
        },
    }
    lost = lattice(lambda cell: bool(cell.n_diverged and not cell.values))
    crosses = {
        "z": [[0 if is_lost else None for is_lost in row] for row in lost],
        "text": [["×" if is_lost else "" for is_lost in row] for row in lost],
    }
    return [shared | medians, shared | crosses]


def heat_layout(
    trials: Sequence[Trial],
    axes: Sequence[str],
    *,
    measure: StudyMeasure = "accuracy",
    configs: Iterable[TrainingConfig] = (),
) -> dict[str, Any]:
    """Return the data-dependent part of `heat_figure`'s layout; the parameters are those of `heat_figure`."""
    settings = all_settings(trials, configs)
    across, up = (row_axis(name, setting_values(settings, name)) for name in axes)
    title = {"text": f"Median of the {measure_view(measure, settings).title}"}
    return {"title": title, "xaxis": across, "yaxis": up}


def heat_style(theme: Theme = "light") -> list[dict[str, Any]]:
    """Return what changes with the theme in the traces of `heat_figure`, and what never changes."""
    palette = PALETTES[theme]
    looks = (
        ("median", palette.surface, palette.heat, {"size": 11, "color": palette.text}),
        ("diverged", palette.raised, palette.raised, {"size": 14, "color": palette.error}),
    )
    return [
        {
            "type": "heatmap",
            "name": name,
            "xgap": 1,
            "ygap": 1,
            "hoverongaps": False,
            "showscale": False,
            "colorscale": [[0, weak], [1, strong]],
            "texttemplate": "%{text}",
            "textfont": font,
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
        for name, weak, strong, font in looks
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


def _curve(
    name: str, points: Sequence[_Point], runs: Sequence[_Point], measure: MeasureView
) -> list[dict[str, Any]]:
    """Return the traces of a band's edges, of single runs, and of the medians."""
    names = [f"{name}, {which}" if name else which for which in ("lowest", "highest", "single runs")]
    return [
        _trace(names[0], points, measure, lambda cell: min(cell.values)),
        _trace(names[1], points, measure, lambda cell: max(cell.values)),
        _trace(names[2], runs, measure, lambda cell: cell.median),
        _trace(name or "median", points, measure, lambda cell: cell.median, lambda cell: cell.words(measure)),
    ]


def _curve_looks(colour: str, symbol: str, size: int) -> list[dict[str, Any]]:
    """Return the looks of a band's edges, of single runs, and of the medians."""
    fill = {"fill": "tonexty", "fillcolor": f"rgba({','.join(map(str, rgb(colour)))},0.18)"}
    edge = {"mode": "lines", "line": {"color": colour, "width": 0}, "hoverinfo": "skip", "showlegend": False}
    runs = {"mode": "markers", "marker": {"color": colour, "size": 4}, "opacity": 0.6, "showlegend": False}
    medians = {"mode": "lines+markers", "line": {"color": colour, "width": 2}}
    marker = {"marker": {"color": colour, "symbol": symbol, "size": size}}
    return [{"legendgroup": colour} | look for look in (edge, edge | fill, runs, medians | marker)]
