"""What a study says: its trials by their settings, and in words only what the spread of the seeds allows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import Choice
from explorer.training.studies.trials import Trial
from explorer.wording import counted, enumerated, percent

__all__ = ["Level", "levels", "setting_values", "study_words", "varied"]

_CHANCE = 0.05
_MOST_NAMED = 5
_N_STEPS = 2000
_REASONS: Mapping[str, str] = MappingProxyType(  # why a large batch does worse, by reduction
    {
        "sum": "a step adds up the gradients of all its images, and a large batch steps too far",
        "mean": "a step is as long as any other, and a large batch takes too few of them",
    }
)


@dataclass(frozen=True, slots=True)
class Level:
    """The trials of a study that share the values of some settings; most often they differ in the seed."""

    values: tuple[Any, ...]
    """Of those settings, in the order of the axes."""
    trials: tuple[Trial, ...]

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Test accuracy at the end of each trial that finished, 0 to 1; `n_diverged` counts those that didn't."""
        return tuple(trial.final.test_accuracy for trial in self.trials if trial.final)

    @property
    def median(self) -> float:
        """Median of the accuracies; NaN where no trial finished."""
        return float(np.median(self.accuracies)) if self.accuracies else math.nan

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
        """Trials whose loss became infinite or not a number."""
        return sum(trial.status == "diverged" for trial in self.trials)


def varied(configs: Iterable[TrainingConfig]) -> tuple[str, ...]:
    """Return the settings that differ between configs, in the order of `FIELDS`, without the seed.

    Where each reduction has a learning rate of its own, as in the batch-size question, the rate isn't counted.
    """
    configs = tuple(configs)
    counts = {name: len({getattr(config, name) for config in configs}) for name in FIELDS}
    rates = {(config.reduction, config.learning_rate) for config in configs}
    if len(rates) == counts["reduction"]:
        counts["learning_rate"] = 1
    return tuple(name for name, count in counts.items() if count > 1 and name != "seed")


def setting_values(configs: Iterable[TrainingConfig], name: str) -> tuple[Any, ...]:
    """Return the different values of a setting.

    Numbers are sorted by size, layers by their number first, choices as in `FIELDS`.
    """
    return tuple(sorted({getattr(config, name) for config in configs}, key=lambda value: _place(name, value)))


def levels(trials: Iterable[Trial], axes: Sequence[str]) -> tuple[Level, ...]:
    """Return the trials by their values of the settings `axes`, sorted by the first, then by the next."""
    groups: dict[tuple[Any, ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(tuple(getattr(trial.config, name) for name in axes), []).append(trial)
    ordered = sorted(groups, key=lambda values: [*map(_place, axes, values)])
    return tuple(Level(values, tuple(groups[values])) for values in ordered)


def study_words(trials: Iterable[Trial], axes: Sequence[str]) -> str:
    """Return which values of the settings `axes` do best, as far as the seeds can tell; empty for nothing to say.

    A value is called worse than the best if its mean accuracy is lower by Welch's test (1947, "The generalization
    of 'Student's' problem when several different population variances are involved"), one-sided, at 5 % shared
    among all comparisons with the best (Bonferroni). Then the values that are not called worse include the truly
    best with 95 % (Hsu 1984, "Constrained simultaneous confidence intervals for multiple comparisons with the
    best"). It assumes that accuracies scatter about normally over the seeds, which few seeds can't show.
    """
    trials = tuple(trials)
    if "reduction" not in axes or len(axes) == 1:
        return _words(levels(trials, axes), axes)
    rest = [name for name in axes if name != "reduction"]
    parts = (
        _words(levels(level.trials, rest), rest, *level.values) for level in levels(trials, ["reduction"])
    )
    return " ".join(filter(None, parts))


def _words(found: Sequence[Level], axes: Sequence[str], reduction: str = "") -> str:
    if len(found) < 2:
        return ""
    compared = [level for level in found if level.accuracies and not level.n_diverged]
    diverged = [level for level in found if level.n_diverged]
    worse = _worse(compared)
    sentences = _comparison(compared, worse, axes)
    if diverged:
        n = sum(level.n_diverged for level in diverged)
        sentences.append(f"{counted(n, 'run')} diverged, at {_names(diverged, axes)}")
    if reduction and [*axes] == ["batch_size"] and found[-1] in worse + diverged:
        sentences.append(f"with {_names(found[-1:], axes)}, {_REASONS[reduction]}")
    if reduction and sentences:
        sentences[0] = f"by {reduction}, {sentences[0]}"
    return " ".join(f"{text[0].upper()}{text[1:]}." for text in sentences)


def _comparison(compared: Sequence[Level], worse: Sequence[Level], axes: Sequence[str]) -> list[str]:
    """Return what sets the levels apart whose trials all finished, as sentences without capital and full stop."""
    if len(compared) < 2:
        return []
    best, least = _best(compared), min(compared, key=lambda level: level.median)
    name, reached = _names([best], axes), percent(best.median)
    counts = sorted({len(level.accuracies) for level in compared})
    if counts[-1] < 2:
        of_least = f"{_names([least], axes)} least, {percent(least.median)}"
        return [
            f"{name} reaches most, {reached}, and {of_least}; one seed can't tell how much of that is chance"
        ]
    seeds = counted(counts[-1], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
    if not worse:
        span = f"the medians are {percent(least.median)} to {reached}"
        return [f"no difference between {_names(compared, axes)} shows at {seeds}; {span}"]
    same = [level for level in compared if level not in worse]
    sentence = f"{name} does best: {reached}, the median of {seeds}"
    if len(same) > 1:
        sentence = f"no difference between {_names(same, axes)} shows at {seeds}"
        sentence += f"; {name} has the highest median, {reached}"
    down_to = f"down to {percent(least.median)} at {_names([least], axes)}"
    return [
        sentence,
        f"clearly worse: {_names(worse, axes)}, {down_to if len(worse) > 1 else percent(least.median)}",
    ]


def _best(compared: Iterable[Level]) -> Level:
    """Return the level of the highest median among those of two seeds or more, if there are any."""
    return max(compared, key=lambda level: (len(level.accuracies) > 1, level.median))


def _worse(compared: Sequence[Level]) -> list[Level]:
    """Return the levels whose mean is lower than that of the best one, as far as the seeds can tell."""
    if len(compared) < 2:
        return []
    best, bound = _best(compared), _CHANCE / (len(compared) - 1)
    return [level for level in compared if _p_value(best.accuracies, level.accuracies) < bound]


def _p_value(higher: Sequence[float], lower: Sequence[float]) -> float:
    """Return how likely means lie so far apart by chance, by Welch's test; 1 for a single value."""
    if min(len(higher), len(lower)) < 2:
        return 1.0
    gap = float(np.mean(higher) - np.mean(lower))
    parts = [float(np.var(group, ddof=1)) / len(group) for group in (higher, lower)]
    if not sum(parts):
        return 0.0 if gap > 0 else 1.0
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(group) - 1) for part, group in zip(parts, (higher, lower), strict=True)
    )
    return _tail(gap / math.sqrt(sum(parts)), freedom)


def _tail(t: float, freedom: float) -> float:
    """Return the share of Student's t distribution above `t`, by the midpoint rule.

    With t = √f · tan(a) for f degrees of freedom, its density becomes a multiple of cos(a)ᶠ⁻¹.
    """
    start = math.atan(t / math.sqrt(freedom))
    width = (math.pi / 2 - start) / _N_STEPS
    angles = start + width * (np.arange(_N_STEPS) + 0.5)
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    return scale * width * float(np.sum(np.cos(angles) ** (freedom - 1)))


def _names(found: Sequence[Level], axes: Sequence[str]) -> str:
    """Return the values of levels in words: ``"batch size 8, 32 and 128"``."""
    texts = [
        [FIELDS[name].text(value) for name, value in zip(axes, level.values, strict=True)] for level in found
    ]
    texts[0] = [f"{FIELDS[name].label.lower()} {text}" for name, text in zip(axes, texts[0], strict=True)]
    named = [" with ".join(text) for text in texts[:_MOST_NAMED]]
    return enumerated(
        [*named, *([counted(len(texts) - _MOST_NAMED, "other")] if len(texts) > _MOST_NAMED else [])]
    )


def _place(name: str, value: Any) -> tuple[float, ...]:
    """Return what a value of a setting is sorted by; None, all images, comes last."""
    if isinstance(field := FIELDS[name], Choice):
        return (field.choices.index(value),)
    if isinstance(value, tuple):
        return (len(value), *value)
    return (math.inf if value is None else value,)
