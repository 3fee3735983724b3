"""Which runs a study has: every combination of some values, or settings drawn at random.

One such study is the exercise's own question: what a very small batch does, and a very large one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from explorer.network import OPTIMIZERS
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import ConfigError, LayerSizes, Whole

__all__ = [
    "BATCH_SIZES",
    "SAME_STEP",
    "Distribution",
    "batch_size_grid",
    "batch_size_rates",
    "choice",
    "grid",
    "log_uniform",
    "sample",
    "uniform",
]

Distribution = Callable[[np.random.Generator], Any]
"""Draws one value."""

BATCH_SIZES = (1, 8, 32, 128, 512, 2048, 8192, 60_000)
"""The batch sizes of the batch-size question."""

SAME_STEP = 300
"""Images of a batch from which both reductions take the same step in the batch-size question."""


def grid(base: TrainingConfig, **values: Iterable[Any]) -> tuple[TrainingConfig, ...]:
    """Return `base` with every combination of the values, the last setting varying fastest.

    Parameters
    ----------
    base : TrainingConfig
        The settings that stay; changes in mid-run end where learning rate or batch size vary.
    **values : iterable
        For each setting that varies, by its name, the values: ``grid(base, batch_size=[8, 64], seed=range(3))``.

    Raises
    ------
    ConfigError
        If a setting is unknown, has no values, or one that it may not have.
    """
    axes = {name: _values(name, axis) for name, axis in values.items()}
    combinations = itertools.product(*axes.values())
    return tuple(base.replace(**dict(zip(axes, combination, strict=True))) for combination in combinations)


def sample(
    base: TrainingConfig, n: int, *, rng: int | np.random.Generator = 0, **distributions: Distribution
) -> tuple[TrainingConfig, ...]:
    """Return `base` `n` times, with settings drawn at random and independently.

    Where only a few of the settings matter, so many runs say more than those of a grid: each has another value
    of every setting (Bergstra and Bengio 2012, "Random search for hyper-parameter optimization").

    Parameters
    ----------
    base : TrainingConfig
        The settings that stay; changes in mid-run end where learning rate or batch size vary.
    n : int
        How many, at least 1.
    rng : int or numpy.random.Generator
        Where the random numbers come from; the same int gives the same settings. It isn't the runs' `seed`.
    **distributions : callable
        For each setting that varies, by its name, what draws a value: `log_uniform`, `uniform`, `choice`, or any
        function of a generator. A number drawn for a whole number is rounded.

    Raises
    ------
    ConfigError
        If `n` isn't positive, a setting is unknown, or a value is drawn that it may not have.
    """
    if not isinstance(n, int) or n < 1:
        raise ConfigError("n", n, "a whole number of at least 1")
    generator = np.random.default_rng(rng)
    for name, draw in distributions.items():
        _check_name(name, draw)
        if not callable(draw):
            raise ConfigError(name, draw, "a distribution, such as log_uniform(0.01, 1)")
    return tuple(
        base.replace(**{name: _drawn(name, draw(generator)) for name, draw in distributions.items()})
        for _ in range(n)
    )


def log_uniform(low: float, high: float) -> Distribution:
    """Return a distribution whose logarithm is uniform from `low`, above 0, to `high`: for rates and sizes."""
    if not 0 < low < high:
        raise ValueError(f"low is {low} and high is {high}; expected 0 < low < high")
    logarithms = math.log(low), math.log(high)
    # The logarithm's rounding may leave the range.
    return lambda generator: min(max(math.exp(generator.uniform(*logarithms)), low), high)


def uniform(low: float, high: float) -> Distribution:
    """Return the uniform distribution from `low` to `high`."""
    if not low < high:
        raise ValueError(f"low is {low} and high is {high}; expected low < high")
    return lambda generator: generator.uniform(low, high)


def choice(values: Iterable[Any]) -> Distribution:
    """Return a distribution in which each of the values, at least one, is equally likely."""
    listed = list(values)
    if not listed:
        raise ValueError("values is empty; expected at least one")
    return lambda generator: listed[generator.integers(len(listed))]


def _values(name: str, values: Iterable[Any]) -> tuple[Any, ...]:
    _check_name(name, values)
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise ConfigError(name, values, "a list of values, or a range")
    listed = tuple(values)
    if not listed:
        raise ConfigError(name, values, "at least one value")
    return listed


def _check_name(name: str, value: object) -> None:
    if name not in FIELDS:
        raise ConfigError(name, value, "one of the settings " + ", ".join(FIELDS))


def _drawn(name: str, value: Any) -> Any:
    is_whole = isinstance(FIELDS[name], Whole | LayerSizes) and isinstance(value, float)
    return round(value) if is_whole and math.isfinite(value) else value


def batch_size_grid(
    config: TrainingConfig | None = None,
    *,
    batch_sizes: Iterable[int] = BATCH_SIZES,
    seeds: Iterable[int] = (0, 1, 2),
) -> tuple[TrainingConfig, ...]:
    """Return the configs of the question what the batch size does, once by sum and once by mean, for each seed.

    By sum a larger batch takes a larger step, by mean the same: at one learning rate a large batch then fails for
    opposite reasons. The two rates are those of `batch_size_rates`; the other settings stay, by default the
    exercise's.
    """
    config = config or TrainingConfig()
    varied = {"batch_size": tuple(batch_sizes), "seed": tuple(seeds)}
    return tuple(
        run
        for reduction, rate in batch_size_rates(config).items()
        for run in grid(config.replace(reduction=reduction, learning_rate=rate), **varied)
    )


def batch_size_rates(config: TrainingConfig) -> Mapping[str, float]:
    """Return the learning rate of each reduction in the batch-size question, by ``"sum"`` and ``"mean"``.

    The config's rate is that of its own reduction. The other one's is such that both take the same step on
    `SAME_STEP` images, or as close to it as the range of learning rates allows. RMSProp and Adam take the mean in
    any case: with them there is one rate.
    """
    if OPTIMIZERS[config.optimizer].is_scale_free:
        return {config.reduction: config.learning_rate}
    by_sum = config.learning_rate / (1 if config.reduction == "sum" else SAME_STEP)
    rates = {"sum": by_sum, "mean": by_sum * SAME_STEP} | {config.reduction: config.learning_rate}
    return {name: float(FIELDS["learning_rate"].clamp(f"{rate:.10g}")) for name, rate in rates.items()}
