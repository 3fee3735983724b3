"""The answer to the exercise's question what a very small and a very large batch do.

`batch_size_study` trains one network for each batch size, reduction and seed, and `batch_size_figures` shows the
answer. By sum a large batch takes too large a step; by mean it takes too few.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter

from explorer.datasets import Dataset, load_dataset, load_mnist
from explorer.figures.studies import StudyPoint, study_figure, study_points
from explorer.notebook.page import figure
from explorer.notebook.progress import counted
from explorer.notebook.shown import Shown
from explorer.training import TrainingConfig
from explorer.training.studies import (
    BATCH_SIZES,
    SAME_STEP,
    StudyResult,
    batch_size_grid,
    batch_size_rates,
    study,
)

__all__ = ["BatchSizeStudy", "batch_size_figures", "batch_size_study", "batch_size_words"]

SEEDS = (0, 1, 2)


@dataclass(frozen=True, slots=True, repr=False)
class BatchSizeStudy:
    """What came of a study of batch sizes.

    Parameters
    ----------
    points : tuple of StudyPoint
        One for each run that ended at least one epoch.
    failed : tuple of StudyResult
        The runs that ended with an error; its `points` still show how far they came.
    n_runs : int
        Runs that were asked for.
    n_done : int
        Runs that ended; fewer than `n_runs` when the study was interrupted.
    epochs : int
        Epochs of each run.
    n_images : int
        Training images of each epoch.
    seconds : float
        Wall time of the whole study, in seconds.
    rates : mapping of str to float
        The learning rate of each reduction.
    """

    points: tuple[StudyPoint, ...]
    failed: tuple[StudyResult, ...]
    n_runs: int
    n_done: int
    epochs: int
    n_images: int
    seconds: float
    rates: Mapping[str, float]

    def __repr__(self) -> str:
        each = f"{self.epochs} epoch{'s' * (self.epochs > 1)} of {self.n_images} images each"
        done = f"{self.n_done} of {self.n_runs} runs, {each}, in {self.seconds:.0f} s"
        if self.n_done < self.n_runs:
            done += "; interrupted: what had ended is kept"
        rates = ", ".join(f"by {name} {rate:g}" for name, rate in self.rates.items())
        steps = f"learning rate {rates}: the same step on a batch of {SAME_STEP}"
        failed = (f"batch {r.config.batch_size}, {r.config.reduction}: {r.error}" for r in self.failed)
        return "\n".join([done, steps, *failed])


def batch_size_study(
    config: TrainingConfig | None = None,
    *,
    batch_sizes: Iterable[int] = BATCH_SIZES,
    seeds: Iterable[int] = SEEDS,
    epochs: int | None = None,
    n_train: int | None = None,
    dataset: Dataset | str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
) -> BatchSizeStudy:
    """Train a network for each batch size, by sum and by mean, with each seed, and return what came of it.

    Runs in a process for each core of this machine. An interruption ends it and keeps the runs that had ended.

    Parameters
    ----------
    config : TrainingConfig, optional
        The settings that stay, by default the exercise's, 10 epochs on all images. Its learning rate is that of
        its own reduction; the other one's is such that both take the same step on a batch of 300 images.
    batch_sizes : iterable of int
        Images per step, 1 to 60 000.
    seeds : iterable of int
        One run for each.
    epochs : int, optional
        Passes over the images, in place of the config's.
    n_train : int, optional
        Training images, in place of the config's.
    dataset : Dataset or path, optional
        By default the MNIST of the package.
    executor : concurrent.futures.Executor, optional
        Where the runs happen instead.

    Raises
    ------
    ConfigError
        If a setting is not allowed.
    DatasetError
        If the data set can't be read.
    """
    config = _with(config or TrainingConfig(), epochs=epochs, n_train=n_train)
    data = _opened(dataset)
    # The smallest batches take the longest: started first, they leave no core waiting for the other at the end.
    runs = sorted(
        batch_size_grid(config, batch_sizes=batch_sizes, seeds=seeds), key=lambda run: run.batch_size
    )
    started, results = perf_counter(), list[StudyResult]()
    with suppress(KeyboardInterrupt):  # what has ended is the result, and its words say so
        results.extend(counted(study(runs, data, executor=executor), len(runs), "batch sizes"))
    n_images = len(data.train_labels)
    return BatchSizeStudy(
        points=study_points(results, n_images),
        failed=tuple(result for result in results if result.error),
        n_runs=len(runs),
        n_done=len(results),
        epochs=config.epochs,
        n_images=min(config.n_train or n_images, n_images),
        seconds=perf_counter() - started,
        rates=batch_size_rates(config),
    )


def batch_size_figures(result: BatchSizeStudy) -> tuple[Shown, Shown, Shown]:
    """Return final test accuracy, seconds per epoch and number of updates against the batch size.

    For both reductions; a line is the mean over the seeds, its band reaches from the lowest to the highest.
    """
    each = f"after {result.epochs} epoch{'s' * (result.epochs > 1)} of {result.n_images} images"
    return (
        figure(
            study_figure(result.points),
            f"Test accuracy {each}: mean over the seeds, and a band from the lowest to the highest.",
        ),
        figure(
            study_figure(result.points, measure="time"),
            "Time of an epoch. A step on few images costs nearly as much as one on many; and where a network has "
            "saturated, numbers next to 0 can slow the processor down.",
        ),
        figure(
            study_figure(result.points, measure="updates"),
            "Updates of the weights in the whole run: the same for both, and fewer the larger the batch.",
        ),
    )


def batch_size_words(result: BatchSizeStudy) -> Shown:
    """Return what the smallest, the best and the largest batch size reached by each reduction, in sentences."""
    sentences = [_sentence(result.points, reduction, rate) for reduction, rate in result.rates.items()]
    text = " ".join(sentence for sentence in sentences if sentence)
    return Shown(f"<p>{text}</p>", text)


def _opened(dataset: Dataset | str | os.PathLike[str] | None) -> Dataset:
    if isinstance(dataset, Dataset):
        return dataset
    return load_mnist() if dataset is None else load_dataset(dataset)


def _with(config: TrainingConfig, **settings: int | None) -> TrainingConfig:
    return config.replace(**{name: value for name, value in settings.items() if value is not None})


def _sentence(points: Iterable[StudyPoint], reduction: str, rate: float) -> str:
    own = [point for point in points if point.reduction == reduction]
    means = {
        size: _mean(point.test_accuracy for point in own if point.batch_size == size)
        for size in sorted({p.batch_size for p in own})
    }
    if not means:
        return ""
    smallest, largest = min(means), max(means)
    best = max(means, key=lambda size: means[size])
    reached = ", ".join(
        f"{100 * means[size]:.1f} % with batches of {size}"
        for size in dict.fromkeys((smallest, best, largest))
    )
    return f"By {reduction}, at learning rate {rate:g}, the network reached {reached}."


def _mean(values: Iterable[float]) -> float:
    values = tuple(values)
    return sum(values) / len(values)
