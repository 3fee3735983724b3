"""Summary of a study: its trials grouped by settings, and only what the seeds' spread allows to be said."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import median
from typing import Any

import numpy as np

from explorer.training.config import FIELDS, TrainingConfig, held_out_of
from explorer.training.fields import Choice
from explorer.training.studies.journal import Trial
from explorer.wording import counted, enumerated, grouped, percent

CHOSEN_BY_TEST = (
    "Picked by test images, the best looks better than it is: to choose, hold out validation images."
)

_CHANCE = 0.05  # of all intervals together
_ROUNDING = 1e-40  # equal accuracies have no larger variance, squared
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class StudyLevel:
    """The trials of a study that share the values of some settings; they usually differ in the seed."""

    values: tuple[Any, ...]
    """The values of those settings, in the order of the axes."""
    trials: tuple[Trial, ...]

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Held-out accuracy at the end of each trial that finished, 0 to 1; `n_diverged` counts the others."""
        return tuple(trial.final.test_accuracy for trial in self.trials if trial.final)

    @property
    def median(self) -> float:
        """Median of the accuracies; NaN if no trial finished."""
        return float(np.median(self.accuracies)) if self.accuracies else math.nan

    @property
    def nearest(self) -> Trial:
        """The trial closest to the median; the first if none finished."""
        ended = [trial for trial in self.trials if trial.final]
        gaps = [abs(accuracy - self.median) for accuracy in self.accuracies]
        return ended[gaps.index(min(gaps))] if ended else self.trials[0]

    @property
    def lowest(self) -> float:
        """Lowest of the accuracies, or NaN."""
        return min(self.accuracies, default=math.nan)

    @property
    def highest(self) -> float:
        """Highest of the accuracies, or NaN."""
        return max(self.accuracies, default=math.nan)

    @property
    def n_diverged(self) -> int:
        """Trials whose loss became infinite or NaN."""
        return sum(trial.status == "diverged" for trial in self.trials)


def varied(configs: Iterable[TrainingConfig]) -> tuple[str, ...]:
    """Return the settings that differ between configs, in the order of `FIELDS`, without the seed."""
    configs = tuple(configs)
    counts = {name: len({getattr(config, name) for config in configs}) for name in FIELDS}
    rates = {(config.reduction, config.learning_rate) for config in configs}
    if len(rates) == counts["reduction"]:  # each has its own rate, as in the batch-size study
        counts["learning_rate"] = 1
    return tuple(name for name, count in counts.items() if count > 1 and name != "seed")


def setting_values(configs: Iterable[TrainingConfig], name: str) -> tuple[Any, ...]:
    """Return the values of a setting: numbers by size, layers by their number first, choices as in `FIELDS`."""
    return tuple(sorted({getattr(config, name) for config in configs}, key=lambda value: _place(name, value)))


def levels(trials: Iterable[Trial], axes: Sequence[str]) -> tuple[StudyLevel, ...]:
    """Group the trials by their values of the settings `axes`, sorted by the first, then by the next."""
    groups: dict[tuple[Any, ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(tuple(getattr(trial.config, name) for name in axes), []).append(trial)
    ordered = sorted(groups, key=lambda values: [*map(_place, axes, values)])
    return tuple(StudyLevel(values, tuple(groups[values])) for values in ordered)


def ranked(found: Iterable[StudyLevel]) -> list[StudyLevel]:
    """Return the levels of which every run finished, the highest median first."""
    ended = (level for level in found if level.accuracies and not level.n_diverged)
    return sorted(ended, key=lambda level: -level.median)


def study_words(trials: Iterable[Trial], axes: Sequence[str]) -> str:
    """Describe the best level of the settings `axes` and how far the next one is from it; may be empty.

    Each is one line. Seeds can't tell two levels apart if their ranges overlap and the interval of the difference
    includes 0; nothing is called different, or equal, beyond these numbers. Lines on diverged runs, and on a
    choice by test images, may follow.
    """
    found, lines = levels(trials, axes), list[str]()
    lost, ranking = [level for level in found if level.n_diverged], ranked(found)
    held_out = held_out_of(trial.config for level in found for trial in level.trials)
    if len(ranking) > 1:
        best = ranking[0]
        spread = f", {100 * best.lowest:.1f} to {percent(best.highest)}" if len(best.accuracies) > 1 else ""
        reached = f"median {held_out} accuracy {percent(best.median)} ({_seeds([best])}{spread})"
        lines = [
            f"Best of {len(ranking)}: {_names([best], axes)}, {reached}.",
            _next(best, ranking[1:], axes),
        ]
    if lost and len(found) > 1:
        n_lost = counted(sum(level.n_diverged for level in lost), "run")
        lines.append(f"{n_lost} diverged, at {_names(lost, axes)}.")
    if len(ranking) > 1 and held_out == "test":
        lines.append(CHOSEN_BY_TEST)
    return "\n".join(lines)


def _next(best: StudyLevel, others: Sequence[StudyLevel], axes: Sequence[str]) -> str:
    """Return a line on the level after the best, or on those that the seeds can't tell from it."""
    second, n = others[0], len(others)

    def is_tied(level: StudyLevel) -> bool:
        span = _interval(best, level, n)
        return level.highest >= best.lowest and (span is None or span[0] <= 0 <= span[1])

    tied = [*takewhile(is_tied, others)]
    gap = f"mean difference {_points(_mean(best) - _mean(second))} points"
    if (span := _interval(best, second, n)) is None:
        gap += " (no interval: too few seeds, or all equal)"
    else:
        all_at_once = f", {n} comparisons at once" if n > 1 else ""
        gap += f" (95\u00a0% interval{all_at_once}: {_points(span[0])} to {_points(span[1])})"
    if not tied:
        seeds = ", seeds don't overlap" if span is not None and second.highest < best.lowest else ""
        return f"Next: {_names([second], axes)}, {percent(second.median)}; {gap}{seeds}."
    nearest = f"with {_names([second], axes)}, " if len(tied) > 1 else ""
    return f"{_seeds([best, *tied])} can't tell it and {_names(tied, axes)} apart: {nearest}{gap}."


def _interval(best: StudyLevel, other: StudyLevel, n: int) -> tuple[float, float] | None:
    """Return the 95 % interval of the best level's mean minus another's, -1 to 1, all `n` such intervals together.

    It is Welch's (1947, "The generalization of 'Student's' problem when several different population variances are
    involved"), its 5 % shared among the comparisons with the best (Bonferroni; Hsu 1984, "Constrained simultaneous
    confidence intervals for multiple comparisons with the best"). It assumes that accuracies are about normal over
    the seeds, which a few seeds can't confirm. None with one seed, or if neither level has any spread.
    """
    pair = best.accuracies, other.accuracies
    if min(map(len, pair)) < 2:
        return None
    from scipy.special import stdtrit  # takes a tenth of a second; needed for several seeds only

    parts = [float(np.var(group, ddof=1)) / len(group) for group in pair]
    squares = sum(part**2 / (len(group) - 1) for part, group in zip(parts, pair, strict=True))
    if squares < _ROUNDING:
        return None
    half = float(stdtrit(sum(parts) ** 2 / squares, 1 - _CHANCE / (2 * n))) * math.sqrt(sum(parts))
    gap = _mean(best) - _mean(other)
    return max(gap - half, -1.0), min(gap + half, 1.0)


def _mean(level: StudyLevel) -> float:
    return float(np.mean(level.accuracies))


def _points(share: float) -> str:
    return f"{round(100 * share, 2) + 0.0:.2f}".replace("-", "\u2212")  # -0.0 becomes 0.0


def _seeds(found: Iterable[StudyLevel]) -> str:
    fewest, *_, most = sorted(2 * [len(level.accuracies) for level in found])
    return counted(most, "seed") if fewest == most else f"{fewest} to {most} seeds"


def settings_text(config: TrainingConfig, names: Iterable[str], *, labels: bool = True) -> str:
    """Name values of settings, choices without their label: ``"batch size 64 · sum · seed 1"``."""
    texts = ((FIELDS[name], config.text(name)) for name in names)
    bare = Choice if labels else object
    return " · ".join(text if isinstance(of, bare) else f"{of.label.lower()} {text}" for of, text in texts)


def _names(found: Sequence[StudyLevel], axes: Sequence[str]) -> str:
    """Name the values of levels: ``"batch size 8, 32 and 128"``."""
    configs = [level.trials[0].config for level in found[:_MOST_NAMED]]
    named = [settings_text(config, axes, labels=not n) for n, config in enumerate(configs)]
    others = [counted(len(found) - _MOST_NAMED, "other")] if len(found) > _MOST_NAMED else []
    return enumerated([*named, *others])


def _place(name: str, value: Any) -> tuple[float, ...]:
    if isinstance(field := FIELDS[name], Choice):
        return (field.choices.index(value),)
    if isinstance(value, tuple):
        return (len(value), *value)
    return (math.inf if value is None else value,)


def level_rows(trials: Iterable[Trial], axes: Sequence[str]) -> list[list[str]]:
    """Return the table's head and rows: the settings `axes`, accuracies over the seeds, median time."""
    head = [FIELDS[name].label.lower() for name in axes]
    head += ["runs", "median", "lowest", "highest", "seconds", "diverged"]
    return [head] + [
        [
            *(FIELDS[name].text(value) for name, value in zip(axes, level.values, strict=True)),
            grouped(len(level.trials)),
            *map(_accuracy, (level.median, level.lowest, level.highest)),
            f"{median(trial.seconds for trial in level.trials):.2f}",
            grouped(level.n_diverged),
        ]
        for level in levels(trials, axes)
    ]


def outcome(trial: Trial) -> str:
    """Return a run's result: its held-out accuracy, or why there is none."""
    if trial.final is None:
        return f"{trial.status}: {trial.error.rstrip('.')}"
    return _accuracy(trial.final.test_accuracy)


def _accuracy(share: float) -> str:
    return "–" if math.isnan(share) else percent(share, 2)
