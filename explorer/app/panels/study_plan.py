"""The runs of a study in the app: the values of one setting or two, and the seeds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from explorer.training.config import TrainingConfig
from explorer.training.fields import ConfigError
from explorer.training.studies import grid
from explorer.training.studies.configs import BATCH_SIZES, batch_size_grid
from explorer.wording import grouped

BY_REDUCTION = ("batch_size", "learning_rate")
"""The settings whose effect depends on the reduction, so that it is worth comparing both."""

MOST_TRIALS = 2000
"""Maximum number of runs of a study in the app."""

MOST_JOURNAL_BYTES = 1 << 25
"""Largest journal that the app opens; its Python objects take five times as much memory."""


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """The runs of a study, and the settings on its figures' axes."""

    settings: tuple[str, ...] = ("batch_size",)
    """The settings that vary, except the seed: one or two."""
    configs: tuple[TrainingConfig, ...] = field(default=(), repr=False)

    @classmethod
    def of_batch_sizes(cls, config: TrainingConfig, n_images: int, seeds: Sequence[int]) -> Self:
        """Return the exercise's question; no batch is larger than the training images that a run uses."""
        n_used = min(config.n_train or n_images, n_images)
        sizes = sorted({min(size, n_used) for size in BATCH_SIZES})
        return cls.of(config, {"batch_size": sizes}, seeds, by_reduction=True)

    @classmethod
    def of(
        cls,
        config: TrainingConfig,
        values: Mapping[str, Iterable[Any]],
        seeds: Sequence[int],
        *,
        by_reduction: bool = False,
    ) -> Self:
        """Return every combination of values and seeds, ordered so that the whole figure appears early.

        Raises
        ------
        ConfigError
            If there are more than `MOST_TRIALS`.
        """
        axes = {name: tuple(own) for name, own in values.items()}
        n_runs = math.prod(map(len, axes.values())) * len(seeds) * (2 if by_reduction else 1)
        if n_runs > MOST_TRIALS:
            raise ConfigError("runs", n_runs, f"at most {grouped(MOST_TRIALS)} runs")
        if by_reduction and "batch_size" in axes:
            configs = batch_size_grid(config, batch_sizes=axes["batch_size"], seeds=seeds)
        else:
            if by_reduction:
                axes |= {"reduction": ("sum", "mean")}
            configs = grid(config, **axes, seed=seeds)
        ordered = tuple(sorted(configs, key=lambda run: (run.seed, -run.batch_size)))
        return cls((*values, "reduction") if by_reduction else tuple(values), ordered)
