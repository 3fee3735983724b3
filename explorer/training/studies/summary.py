"""Summary of a study: its trials grouped by settings, and only the conclusions that the seeds' spread allows."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType
from typing import Any

import numpy as np

from explorer.network import OPTIMIZERS
from explorer.training.config import FIELDS, TrainingConfig, held_out_of
from explorer.training.fields import Choice
from explorer.training.studies.trials import Trial
from explorer.wording import counted, enumerated, grouped, percent

CHOSEN_BY_TEST = (
    "These are test images: a setting that is chosen by them looks better than it is. "
    "To choose one, hold out validation images."
)
"""A warning for studies without validation images."""

_CHANCE = 0.05  # probability of calling the truly best value worse
_FEWEST_SEEDS = 3  # two values tell next to nothing about their spread
_MOST_NAMED = 5
_REASONS: Mapping[str, str] = MappingProxyType(  # why a large batch does worse, by reduction
    {
        "sum": "each step adds up the gradients of all its images, so a large batch overshoots",
        "mean": "steps don't get longer with the batch, so a large batch takes too few of them",
    }
)


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
    """Return the settings that differ between configs, in the order of `FIELDS`, without the seed.

    If each reduction has its own learning rate, as in the batch-size study, the rate doesn't count.
    """
    configs = tuple(configs)
    counts = {name: len({getattr(config, name) for config in configs}) for name in FIELDS}
    rates = {(config.reduction, config.learning_rate) for config in configs}
    if len(rates) == counts["reduction"]:
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


def study_words(trials: Iterable[Trial], axes: Sequence[str]) -> str:
    """Describe which values of the settings `axes` do best, as far as the seeds can tell; may be empty.

    An accuracy is called clearly lower than the highest if its mean is lower by Welch's test (1947, "The
    generalization of 'Student's' problem when several different population variances are involved"), one-sided, at
    5 % shared among all comparisons with the best (Bonferroni). The values not called lower then include the truly
    best one with 95 % confidence (Hsu 1984, "Constrained simultaneous confidence intervals for multiple
    comparisons with the best"). The test assumes that accuracies are roughly normally distributed over the seeds,
    which a few seeds can't confirm. With fewer than three seeds nothing is compared. A comparison on test
    images ends with `CHOSEN_BY_TEST`.
    """
    trials = tuple(trials)
    choices = [name for name in axes if isinstance(FIELDS[name], Choice)]
    rest = [name for name in axes if name not in choices] or choices
    apart = levels(trials, choices if rest != choices else ())
    words = [text for part in apart if (text := _words(levels(part.trials, rest), rest, part, choices))]
    if words and held_out_of(trial.config for trial in trials) == "test":
        words.append(CHOSEN_BY_TEST)
    return " ".join(words)


def _words(found: Sequence[StudyLevel], axes: Sequence[str], part: StudyLevel, choices: Sequence[str]) -> str:
    """Describe how levels differ; their trials are those of the study that share the choices of `part`."""
    if len(found) < 2:
        return ""
    compared = [level for level in found if level.accuracies and not level.n_diverged]
    diverged = [level for level in found if level.n_diverged]
    worse, sentences = list[StudyLevel](), list[str]()
    if len(compared) > 1:
        best = max(compared, key=lambda level: (len(level.accuracies) >= _FEWEST_SEEDS, level.median))
        ps = (_p_value(best.accuracies, level.accuracies) for level in compared)
        bound = _CHANCE / (len(compared) - 1)
        worse = [level for level, p in zip(compared, ps, strict=True) if p < bound]
        sentences = _comparison(compared, best, worse, axes)
    if diverged:
        n = sum(level.n_diverged for level in diverged)
        sentences.append(f"{counted(n, 'run')} diverged, at {_names(diverged, axes)}")
    is_free = OPTIMIZERS[found[-1].trials[0].config.optimizer].is_scale_free  # the reasons don't apply
    if (*axes, *choices) == ("batch_size", "reduction") and found[-1] in worse + diverged and not is_free:
        sentences.append(f"with {_names(found[-1:], axes)}, {_REASONS[part.values[0]]}")
    if part.values and sentences:
        lead = f"by {part.values[0]}" if [*choices] == ["reduction"] else f"with {_names([part], choices)}"
        sentences[0] = f"{lead}, {sentences[0]}"
    return " ".join(f"{text[0].upper()}{text[1:]}." for text in sentences)


def _comparison(
    compared: Sequence[StudyLevel], best: StudyLevel, worse: Sequence[StudyLevel], axes: Sequence[str]
) -> list[str]:
    """Describe how levels with only finished trials differ, as sentences without capital and full stop."""
    least = min(compared, key=lambda level: level.median)
    name, reached, lowest = _names([best], axes), percent(best.median), percent(least.median)
    down_to = f"{lowest} at {_names([least], axes)}"
    accuracy = f"{held_out_of(trial.config for level in compared for trial in level.trials)} accuracy"
    fewest, *_, most = sorted(2 * [len(level.accuracies) for level in compared])
    if most < _FEWEST_SEEDS:
        seeds = "one seed" if most == 1 else counted(most, "seed")
        return [
            f"{name} has the highest {accuracy}, {reached}, against {down_to}; "
            f"with {seeds}, that difference may be chance"
        ]
    seeds = counted(most, "seed") if fewest == most else f"{fewest} to {most} seeds"
    same = [level for level in compared if level not in worse]
    if len(same) == 1:
        first = f"{name} has the highest {accuracy}: {reached}, the median of {seeds}"
    else:
        top = max(compared, key=lambda level: level.median)  # may have fewer seeds than `best`
        reached = percent(top.median)
        highest = f"{_names([top], axes)} has the highest median, {reached}"
        highest = highest if worse else f"the medians are {lowest} to {reached}"
        first = f"{seeds} show no difference between {_names(same, axes)}; {highest}"
    if len(worse) > 1:
        others = _names(worse, axes) if len(worse) <= _MOST_NAMED else f"the other {len(worse)}"
        return [first, f"clearly lower: {others}, down to {down_to}"]
    return [first, *(f"clearly lower: {_names([level], axes)}, {percent(level.median)}" for level in worse)]


def _p_value(higher: Sequence[float], lower: Sequence[float]) -> float:
    """Return the p-value of Welch's one-sided test; 1 with too few seeds or without any spread."""
    if min(len(higher), len(lower)) < _FEWEST_SEEDS or len({*higher}) == len({*lower}) == 1:
        return 1.0
    from scipy.special import stdtr  # takes a tenth of a second; needed for several seeds only

    of_higher, of_lower = (float(np.var(group, ddof=1)) / len(group) for group in (higher, lower))
    squares = of_higher**2 / (len(higher) - 1) + of_lower**2 / (len(lower) - 1)
    t = float(np.mean(higher) - np.mean(lower)) / math.sqrt(of_higher + of_lower)
    return float(stdtr((of_higher + of_lower) ** 2 / squares, -t))


def _names(found: Sequence[StudyLevel], axes: Sequence[str]) -> str:
    """Name the values of levels: ``"batch size 8, 32 and 128"``."""
    texts = [[FIELDS[n].text(value) for n, value in zip(axes, level.values, strict=True)] for level in found]
    texts[0] = [f"{FIELDS[name].label.lower()} {text}" for name, text in zip(axes, texts[0], strict=True)]
    named = [" with ".join(text) for text in texts[:_MOST_NAMED]]
    others = [counted(len(texts) - _MOST_NAMED, "other")] if len(texts) > _MOST_NAMED else []
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
