"""The duration of a study, estimated from a few timed mini-batches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice, pairwise
from time import perf_counter
from types import MappingProxyType
from typing import Any

import numpy as np

from explorer.datasets import Dataset
from explorer.datasets.augmentation import Augmentation, distort
from explorer.training.config import TrainingConfig
from explorer.training.process_settings import one_blas_thread
from explorer.training.run import TrainingRun, check_images
from explorer.training.share import n_cores
from explorer.wording import counted, long_duration

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
    if not configs:
        raise ValueError("configs is empty; expected at least one run")
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
    timed_images = cache(partial(_distorted_seconds, dataset))
    distorted = [timed_images(config.elastic > 0) * config.augmentation.is_on for config in configs]
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
