"""Views of a study for figures: its trials, their measures, and the axes of settings and measures.

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
    """Caption of a figure of it."""
    title: str
    """Axis title, with the unit."""
    of: Callable[[Trial, int], float]
    """Computes the measure of a trial, given the number of training images; NaN if there is none."""
    tick: Callable[[float], str]
    """Label at a position of the axis."""
    cell: Callable[[float], str]
    """Text in a cell."""
    long: Callable[[float], str]
    """Text with the unit."""
    place: Callable[[float], float] = float
    """Position on the axis, above 0."""
    direction: int = 1
    """-1 if the axis is reversed."""


def _updates(trial: Trial, n_images: int) -> float:
    config, n_epochs = trial.config, len(trial.epochs) if trial.status == "finished" else trial.config.epochs
    n_used = min(config.n_train or n_images, n_images) - config.n_validation
    return float(config.replace(epochs=max(1, n_epochs)).steps_at_ends(n_used)[-1])


def _whole(count: float) -> str:
    return grouped(round(count))


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
            _whole,
            _whole,
            lambda count: f"{_whole(count)} updates",
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
        """Median of the values; there must be at least one."""
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

    @property
    def results(self) -> list[float]:
        """The measure of each trial; NaN if there is none."""
        return [MEASURES[self.measure].of(trial, self.n_images) for trial in self.trials]

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


def setting_places(values: Sequence[Any]) -> dict[Any, float]:
    """Return the position of each value of a setting on its axis: a number itself, else its index."""
    return dict(zip(values, _numbers(values) or map(float, range(len(values))), strict=True))


def row_axis(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return an axis on which the values of a setting are evenly spaced."""
    field = FIELDS[name]
    return {
        "title": {"text": field.label.lower() + (f" ({field.unit})" if field.unit else "")},
        "type": "linear",
        "range": [-0.5, max(len(values), 1) - 0.5],
        "tickmode": "array",
        "tickvals": [*range(len(values))],
        "ticktext": [field.text(value) for value in values],
    }


def setting_axis(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return an axis of numbers, logarithmic if they span more than a decade; other values are evenly spaced."""
    axis, numbers = row_axis(name, values), _numbers(values)
    if not numbers:
        return axis
    is_log = 0 < 10 * numbers[0] < numbers[-1]
    at = [math.log10(number) for number in numbers] if is_log else numbers
    width = at[-1] - at[0] or 1.0
    is_wide = all(after - before >= _LEAST_GAP * width for before, after in pairwise(at))
    return axis | {
        "type": "log" if is_log else "linear",
        "range": [at[0] - 0.04 * width, at[-1] + 0.04 * width],
        "tickmode": "array" if is_wide and len(at) <= _MOST_TICKS else "auto",
        "tickvals": numbers,
    }


def measure_span(values: Iterable[float], measure: MeasureView) -> tuple[float, float, list[float]]:
    """Return the limits of a logarithmic axis that fits the values, and round numbers between them."""
    places = [measure.place(value) for value in values if not math.isnan(value)] or [1.0, 100.0]
    pad = 10 ** max(0.02, 0.08 * math.log10(max(places) / min(places)))
    low, high = min(places) / pad, max(places) * pad
    ticks = [number for number in _ROUND if low <= number <= high]
    if len(ticks) > _MOST_TICKS:
        ticks = [number for number in _ROUND[::3] if low <= number <= high]
    if len(ticks) < 3:
        step = next(number for number in _ROUND if high - low <= 5 * number)
        ticks = [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return low, high, ticks
