"""The configs of a study: grids, values entered as text, and an estimate of the time that they take to train."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise, product
from time import perf_counter
from typing import Any

import numpy as np

from explorer.datasets import Dataset
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import ConfigError, Field, LayerSizes, Real, Whole
from explorer.training.process_settings import one_blas_thread
from explorer.training.run import TrainingRun, check_images
from explorer.training.turns import study_workers
from explorer.wording import counted, long_duration

_MOST_VALUES = 1000
_IN_A_RANGE = 5  # values, if their number isn't given
_RANGE = re.compile(r"(.+?)\s*(?:\.\.|…)\s*(.+?)\s*(?:[×x*]\s*(\d{1,9}))?")


def grid(base: TrainingConfig, **values: Iterable[Any]) -> tuple[TrainingConfig, ...]:
    """Combine `base` with every combination of the values, the last setting varying fastest.

    For example ``grid(base, batch_size=[8, 64], seed=range(3))``. Mid-run changes of `base` are dropped if the
    learning rate or batch size varies. Raises `ConfigError` for unknown settings, no values, and invalid ones.
    """
    axes = dict[str, tuple[Any, ...]]()
    for name, axis in values.items():
        if name not in FIELDS:
            raise ConfigError(name, axis, "one of the settings " + ", ".join(FIELDS))
        if isinstance(axis, str | bytes | Mapping) or not isinstance(axis, Iterable):
            raise ConfigError(name, axis, "a list of values, or a range")
        axes[name] = tuple(axis)
        if not axes[name]:
            raise ConfigError(name, axis, "at least one value")
    chosen = (dict(zip(axes, combination, strict=True)) for combination in product(*axes.values()))
    return tuple(base.replace(**changes) for changes in chosen)


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


_STEP, _IMAGE = 300_000, 10_000  # overhead of a step and of an image, in images times weights
_DISTORTED, _ELASTIC = 200_000, 170_000  # overhead of a distorted image, and what elastic distortions add
_FORWARD = 1 / 3  # share of the forward pass, which is all that scoring needs, in a step's work
_UNTIMED = ("n_train", "n_validation", "changes", "shift", "rotation", "scale", "elastic")
_MOST_TIMED, _MOST_STEPS, _MOST_WORK = 128, 512, 4e8  # images in a step, steps, and their work: about 20 ms


@dataclass(frozen=True, slots=True)
class Cost:
    """The estimated cost of a study: wall time in seconds on `n_workers` processes."""

    shares: Mapping[TrainingConfig, float]
    """Each run's share of the work; they sum to 1."""
    n_workers: int
    seconds: float

    @property
    def is_large(self) -> bool:
        """Whether the study needs confirmation before it starts."""
        return len(self.shares) > 1000 or self.seconds > 3600

    def seconds_left(self, done: float, elapsed: float) -> float:
        """Return the remaining seconds after `elapsed` seconds, with a share `done` of the work, 0 to 1, complete.

        Blend the estimate (weight: the share left) with the measured pace (weight: the share done).
        """
        left = max(0.0, 1 - done)
        return left * (left * self.seconds + elapsed)

    def __str__(self) -> str:
        cores = counted(self.n_workers, "core")
        return f"{counted(len(self.shares), 'run')}, about {long_duration(self.seconds)} on {cores}"


def measured_cost(
    configs: Iterable[TrainingConfig], dataset: Dataset, *, n_workers: int | None = None
) -> Cost:
    """Estimate the cost of a study; duplicates count once.

    The runs' shares follow from counting operations, the seconds from a few timed mini-batches of the smallest and
    the largest run. Raises `ConfigError` if a config needs more training images than there are.
    """
    configs, n_workers = tuple(dict.fromkeys(configs)), n_workers or study_workers()
    for config in configs:
        check_images(config, dataset)
    if not configs:
        return Cost({}, n_workers, 0.0)
    work = np.array([_work(config, dataset) for config in configs])
    ends = [int(work.argmin()), int(work.argmax())]
    with one_blas_thread():
        timed = {i: _timed_pace(configs[i], dataset) for i in {*ends}}
    seconds = work * np.interp(work, work[ends], [timed[i] for i in ends])
    shares = dict(zip(configs, (seconds / seconds.sum()).tolist(), strict=True))
    return Cost(shares, n_workers, float(max(seconds.sum() / n_workers, seconds.max())))


def n_weights(config: TrainingConfig, dataset: Dataset) -> int:
    """Return the number of weights and biases of a network."""
    sizes = (dataset.n_inputs, *config.hidden_sizes, dataset.n_classes)
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))


def _work(config: TrainingConfig, dataset: Dataset) -> float:
    """Return the work of a run, in training images times weights."""
    n_images = (config.n_train or dataset.n_train) - config.n_validation
    n_scored = config.epochs * (config.n_validation or dataset.n_test) + n_images
    steps = config.epochs * n_images / config.batch_size * _step_work(config, dataset, config.batch_size)
    return steps + n_scored * n_weights(config, dataset) * _FORWARD


def _step_work(config: TrainingConfig, dataset: Dataset, batch_size: int) -> int:
    distortion = config.augmentation.is_on * _DISTORTED + (config.elastic > 0) * _ELASTIC
    return _STEP + batch_size * (n_weights(config, dataset) + _IMAGE + distortion)


def _timed_pace(config: TrainingConfig, dataset: Dataset) -> float:
    """Train a few mini-batches, and return the seconds that a unit of work takes."""
    size = max(1, min(config.batch_size, _MOST_TIMED, dataset.n_train // 4))
    usual = {name: getattr(TrainingConfig(), name) for name in _UNTIMED}
    config = config.replace(batch_size=size, learning_rate=1e-5, **usual)  # so that it doesn't diverge
    run, work = TrainingRun(config, dataset, n_threads=1), _step_work(config, dataset, size)
    n_steps = max(1, min(_MOST_STEPS, run.steps_per_epoch - 1, int(_MOST_WORK / work)))
    events = iter(run)
    next(events)  # the first is slower
    started = perf_counter()
    for _ in islice(events, n_steps):
        pass
    return (perf_counter() - started) / (n_steps * work)
