"""The configs of a study: grids, random samples, values entered as text, and the time that they take to train.

The time is estimated from a few timed mini-batches.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice, pairwise
from time import perf_counter
from types import MappingProxyType
from typing import Any

import numpy as np

from explorer.datasets import Dataset
from explorer.datasets.augmentation import Augmentation, distort
from explorer.network import OPTIMIZERS
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import Choice, ConfigError, Field, LayerSizes, Real, Whole
from explorer.training.process_settings import one_blas_thread
from explorer.training.run import TrainingRun, check_images
from explorer.training.share import n_cores
from explorer.wording import counted, long_duration

Distribution = Callable[[np.random.Generator], Any]
"""Draws one value."""

BATCH_SIZES = (1, 8, 32, 128, 512, 2048, 8192, 60_000)
"""The batch sizes of the batch-size study."""

SAME_STEP = 300
"""Images in the batch for which both reductions make the same step in the batch-size study."""

_MOST_VALUES = 1000
_IN_A_RANGE = 5  # values, if their number isn't given
_RANGE = re.compile(r"(.+?)\s*(?:\.\.|…)\s*(.+?)\s*(?:[×x*]\s*(\d{1,9}))?")
_OFFERED: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "hidden_sizes": ((8,), (32,), (128,)),
        "batch_size": (8, 32, 128, 512, 2048),
        "epochs": (1, 3, 10),
        "n_train": (1000, 10_000, None),
        "warmup": (0, 1, 3),
        "l2": (0.0, 0.00001, 0.0001, 0.001),
        "l1": (0.0, 0.00001, 0.0001),
        "dropout": (0.0, 0.2, 0.5),
        "input_dropout": (0.0, 0.1, 0.2),
        "max_norm": (0.0, 1.0, 3.0),
        "shift": (0.0, 1.0, 2.0),
        "rotation": (0.0, 10.0, 20.0),
        "scale": (0.0, 0.1, 0.2),
        "elastic": (0.0, 0.7, 1.4),
        "patience": (0, 3, 10),
    }
)
NO_AXES = frozenset({"seed", "n_validation", "changes"})
"""Settings that no study compares: each seed is a repetition, and runs evaluated on other images, or changed at
steps of their own, are not comparable."""


def grid(base: TrainingConfig, **values: Iterable[Any]) -> tuple[TrainingConfig, ...]:
    """Combine `base` with every combination of the values, the last setting varying fastest.

    For example ``grid(base, batch_size=[8, 64], seed=range(3))``. Mid-run changes of `base` are dropped if the
    learning rate or batch size varies. Raises `ConfigError` if a setting is unknown, has no values, or an invalid
    one.
    """
    axes = {name: _values(name, axis) for name, axis in values.items()}
    combinations = itertools.product(*axes.values())
    return tuple(base.replace(**dict(zip(axes, combination, strict=True))) for combination in combinations)


def sample(
    base: TrainingConfig, n: int, *, rng: int | np.random.Generator = 0, **distributions: Distribution
) -> tuple[TrainingConfig, ...]:
    """Return `n` variants of `base`, with settings drawn at random and independently.

    If only a few of the settings matter, such runs tell more than as many of a grid: each has another value of
    every setting (Bergstra and Bengio 2012, "Random search for hyper-parameter optimization").

    Each distribution is `log_uniform`, `uniform`, `choice`, or any function of a generator; numbers drawn for
    integer settings are rounded. `rng` is a generator or its seed, independent of the runs' `seed`: the same int
    gives the same settings. Mid-run changes of `base` are dropped if the learning rate or batch size varies.
    Raises `ConfigError` if `n` isn't positive, a setting is unknown, or a drawn value is invalid.
    """
    if not isinstance(n, int) or n < 1:
        raise ConfigError("n", n, "a whole number of at least 1")
    generator = np.random.default_rng(rng)
    for name, draw in distributions.items():
        _check_name(name, draw)
        if not callable(draw):
            raise ConfigError(name, draw, "a distribution, such as log_uniform(0.01, 1)")
    draws = ({name: draw(generator) for name, draw in distributions.items()} for _ in range(n))
    return tuple(
        base.replace(**{name: _drawn(name, value) for name, value in drawn.items()}) for drawn in draws
    )


def log_uniform(low: float, high: float) -> Distribution:
    """Return the log-uniform distribution from `low`, above 0, to `high`: for rates and sizes."""
    if not 0 < low < high:
        raise ValueError(f"low is {low} and high is {high}; expected 0 < low < high")
    logarithms = math.log(low), math.log(high)
    # Rounding in the logarithm may leave the range.
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
    if not (listed := tuple(values)):
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
    """Return the configs of the batch-size study: each batch size and seed, with summed and with mean gradients.

    With the sum, larger batches make larger steps; with the mean they don't: at one learning rate a large batch
    then fails for opposite reasons. The two rates are those of `batch_size_rates`; the other settings stay, by
    default those of the exercise.
    """
    config = config or TrainingConfig()
    varied = {"batch_size": tuple(batch_sizes), "seed": tuple(seeds)}
    return tuple(
        run
        for reduction, rate in batch_size_rates(config).items()
        for run in grid(config.replace(reduction=reduction, learning_rate=rate), **varied)
    )


def batch_size_rates(config: TrainingConfig) -> Mapping[str, float]:
    """Return the learning rate of each reduction in the batch-size study, by ``"sum"`` and ``"mean"``.

    The config's rate applies to its own reduction. The other rate makes the same step on `SAME_STEP` images, or as
    close to it as the range of learning rates allows. RMSProp and Adam always use the mean, and have one rate.
    """
    if OPTIMIZERS[config.optimizer].is_scale_free:
        return {config.reduction: config.learning_rate}
    by_sum = config.learning_rate / (1 if config.reduction == "sum" else SAME_STEP)
    rates = {"sum": by_sum, "mean": by_sum * SAME_STEP} | {config.reduction: config.learning_rate}
    return {name: float(FIELDS["learning_rate"].clamp(f"{rate:.10g}")) for name, rate in rates.items()}


def parse_values(setting: Field, text: str) -> tuple[Any, ...]:
    """Parse values such as ``"8, 32, 128"`` or ``"0.001..1 ×4"``; `ConfigError` for none, or an invalid one.

    A range is spaced on a logarithmic scale, or on a linear one for seeds and ranges that include 0.
    """
    parts = [part.strip() for part in re.split(r"[,;]", text) if part.strip()]
    if not parts:
        raise ConfigError(setting.name, text, "at least one value")
    values = tuple(dict.fromkeys(value for part in parts for value in _values_of(setting, part)))
    if len(values) > _MOST_VALUES:
        raise ConfigError(setting.name, text, f"at most {_MOST_VALUES} values")
    return values


def as_text(setting: Field, value: Any) -> str:
    """Return the text that `parse_values` converts back to one value."""
    return setting.text(value) if isinstance(setting, LayerSizes) else setting.format(value)


def offered_values(setting: Field, config: TrainingConfig, n_images: int) -> str:
    """Suggest values of a setting for a study, as text."""
    if setting.name == "learning_rate" and isinstance(setting, Real):
        low, high = (setting.clamp(f"{config.learning_rate * factor:.3g}") for factor in (0.1, 10))
        return f"{setting.format(low)}..{setting.format(high)} ×{_IN_A_RANGE}"
    values = setting.choices if isinstance(setting, Choice) else _OFFERED[setting.name]
    fitting = [value for value in values if not isinstance(value, int) or value < n_images]
    return ", ".join(as_text(setting, value) for value in fitting)


def _values_of(setting: Field, part: str) -> Iterator[Any]:
    if (found := _RANGE.fullmatch(part)) is None:
        yield _value(setting, part)
        return
    low, high = (_value(setting, end) for end in found.groups()[:2])
    if isinstance(setting, LayerSizes) and len(low) == len(high) == 1:
        (low,), (high,) = low, high
    n = int(found[3] or _IN_A_RANGE)
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        raise ConfigError(setting.name, part, f"a list of values, each {setting.expected_text}")
    if not 2 <= n <= _MOST_VALUES:
        raise ConfigError(setting.name, part, f"2 to {_MOST_VALUES} values in a range")
    is_log = low and high and not (isinstance(setting, Whole) and not setting.is_amount)
    for number in np.geomspace(low, high, n) if is_log else np.linspace(low, high, n):
        yield setting.check(float(f"{number:.3g}") if isinstance(setting, Real) else round(number))


def _value(setting: Field, part: str) -> Any:
    is_whole = isinstance(setting, Whole)
    return setting.parse(re.sub(r"(?<=\d)[ \u202f](?=\d{3}\b)", "", part) if is_whole else part)


# ---------------------------------------------------------------- cost

_LARGE = 128  # images in a batch from which the overhead of a step is negligible
_FORWARD = 1 / 3  # share of the forward pass, which is all that scoring needs, in a step's work
_STEP_IN_IMAGES = 12  # overhead of a step, in images, roughly
_MANY_RUNS, _LONG_SECONDS = 1000, 3600
_MOST_STEPS, _MOST_WORK = 256, 2e8  # per timing; work in images times weights: about 20 ms
_DISTORTED = 128  # images
_PLAIN = ("n_train", "n_validation", "changes", "shift", "rotation", "scale", "elastic")
_TIMED: Mapping[str, Any] = MappingProxyType(  # settings of each timed run
    {"learning_rate": 1e-5, **{name: getattr(TrainingConfig(), name) for name in _PLAIN}}
)


@dataclass(frozen=True, slots=True)
class Cost:
    """The estimated cost of a study: wall time in seconds on `n_workers` processes."""

    shares: Mapping[TrainingConfig, float]
    n_workers: int
    seconds: float

    @property
    def n_trials(self) -> int:
        """Number of runs."""
        return len(self.shares)

    @property
    def is_large(self) -> bool:
        """Whether the study needs confirmation before it starts."""
        return self.n_trials > _MANY_RUNS or self.seconds > _LONG_SECONDS

    def of(self, config: TrainingConfig) -> float:
        """Return the run's share of the total work, above 0; the shares sum to 1."""
        return self.shares[config]

    def seconds_left(self, done: float, elapsed: float) -> float:
        """Return the remaining seconds after `elapsed` seconds, with a share `done` of the work, 0 to 1, complete.

        Blend the estimate (weight: the share left) with the measured pace (weight: the share done).
        """
        left = max(0.0, 1 - done)
        return left * (left * self.seconds + elapsed)

    def __str__(self) -> str:
        cores = counted(self.n_workers, "core")
        return f"{counted(self.n_trials, 'run')}, about {long_duration(self.seconds)} on {cores}"


def measured_cost(
    configs: Iterable[TrainingConfig], dataset: Dataset, *, n_workers: int | None = None
) -> Cost:
    """Estimate the cost of a study with at least one config; duplicates count once.

    Times a few mini-batches of the smallest and the largest network of each optimizer, with dropout and without,
    with the smallest batch size and a large one, in about half a second. The time per image is interpolated over
    the number of weights and over 1 / batch size. Raises `ConfigError` if a config needs more training images
    than there are.
    """
    configs, n_workers = tuple(dict.fromkeys(configs)), n_workers or n_cores()
    for config in configs:
        check_images(config, dataset)
    seconds: dict[TrainingConfig, float] = {}
    for method in {_method(config) for config in configs}:
        alike = [config for config in configs if _method(config) == method]
        seconds |= zip(alike, _seconds(alike, dataset), strict=True)
    whole = sum(seconds.values())
    shares = {config: seconds[config] / whole for config in configs}
    return Cost(shares, n_workers, max(whole / n_workers, *seconds.values()))


def _seconds(configs: Sequence[TrainingConfig], dataset: Dataset) -> list[float]:
    weights = np.array([n_weights(config, dataset) for config in configs])
    ends = [int(weights.argmin()), int(weights.argmax())]
    sizes = np.array([min(_LARGE, config.batch_size) for config in configs])
    tried = _LARGE, int(sizes.min())
    with one_blas_thread():
        timed = {(i, size): _image_seconds(configs[i], dataset, size) for i in {*ends} for size in {*tried}}
    large, small = (np.interp(weights, weights[ends], [timed[i, size] for i in ends]) for size in tried)
    steps = 1 / sizes - 1 / _LARGE
    trained = large + (small - large) * steps / max(steps.max(), 1e-9)
    n_held_out = np.array([config.n_validation for config in configs])
    n_images = np.array([config.n_train or dataset.n_train for config in configs]) - n_held_out
    n_scored = np.where(n_held_out > 0, n_held_out, dataset.n_test)
    distorting = cache(partial(_distorted_seconds, dataset))
    distorted = [config.augmentation.is_on and distorting(config.elastic > 0) for config in configs]
    epochs = np.array([config.epochs for config in configs])
    scored = large * _FORWARD * (epochs * n_scored + n_images)
    found: list[float] = (epochs * n_images * (trained + np.array(distorted)) + scored).tolist()
    return found


def _method(config: TrainingConfig) -> tuple[str, bool]:
    """Return the settings besides the sizes that affect a step's time."""
    return config.optimizer, config.dropout > 0 or config.input_dropout > 0


def _distorted_seconds(dataset: Dataset, is_elastic: bool) -> float:
    """Measure the seconds per distorted image; in a study, all cores are busy, so this adds to the total."""
    images, rng = dataset.train_images[:_DISTORTED], np.random.default_rng(0)
    started = perf_counter()
    distort(images, Augmentation(rotation=10.0, elastic=float(is_elastic)), rng)
    return (perf_counter() - started) / len(images)


def n_weights(config: TrainingConfig, dataset: Dataset) -> int:
    """Return the number of weights and biases of a network."""
    sizes = (dataset.n_inputs, *config.hidden_sizes, dataset.n_classes)
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))


def _image_seconds(config: TrainingConfig, dataset: Dataset, batch_size: int) -> float:
    size = max(1, min(batch_size, len(dataset.train_labels) // 4))
    run = TrainingRun(config.replace(batch_size=size, **_TIMED), dataset, n_threads=1)
    work = (size + _STEP_IN_IMAGES) * n_weights(config, dataset)
    n_steps = max(1, min(_MOST_STEPS, run.steps_per_epoch - 1, math.floor(_MOST_WORK / work)))
    events = iter(run)
    next(events)  # the first is slower
    started = perf_counter()
    for _ in islice(events, n_steps):
        pass
    return (perf_counter() - started) / (n_steps * size)
