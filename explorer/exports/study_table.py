"""The results of a study as a table of strings, one row per combination of its settings."""

import math
from collections.abc import Iterable, Sequence
from statistics import median

from explorer.training import FIELDS
from explorer.training.studies import Trial
from explorer.training.studies.summary import levels
from explorer.wording import grouped, percent

__all__ = ["level_rows", "outcome"]


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
