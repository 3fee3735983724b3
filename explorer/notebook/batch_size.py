"""The answer to the exercise's question what a very small and a very large batch do.

`batch_size_study` trains a network for each batch size, reduction and seed, and `batch_size_figures` shows the
answer. With the sum, a large batch takes steps that are too large; with the mean, it takes too few.
"""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter

from explorer.datasets import Dataset, load_dataset, load_mnist
from explorer.figures.studies import StudyPoint, study_figure, study_points
from explorer.notebook.page import Shown, figure
from explorer.notebook.progress import counted
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
    """The result of a study of batch sizes.

    Parameters
    ----------
    points : tuple of StudyPoint
        One for each run that finished at least one epoch.
    failed : tuple of StudyResult
        The runs that ended with an error; their finished epochs are among `points`.
    n_runs : int
        Runs planned.
    n_done : int
        Runs that ended; fewer than `n_runs` if the study was interrupted.
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
            done += "; interrupted, finished runs are kept"
        rates = ", ".join(f"{rate:g} with the {name}" for name, rate in self.rates.items())
        steps = f"learning rate {rates}: the same step for a batch of {SAME_STEP}"
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
    """Train a network for each batch size, with the sum and with the mean, for each seed.

    Uses one process per core. An interruption ends the study and keeps the finished runs.

    Parameters
    ----------
    config : TrainingConfig, optional
        The other settings, by default the exercise's: 10 epochs on all images. Its learning rate belongs to its
        own reduction; the other reduction gets the rate that makes the same step for a batch of 300 images.
    batch_sizes : iterable of int
        Images per step, 1 to 60 000.
    seeds : iterable of int
        One run for each.
    epochs : int, optional
        Passes through the images, if not the config's.
    n_train : int, optional
        Training images, if not the config's.
    dataset : Dataset or path, optional
        By default the package's MNIST.
    executor : concurrent.futures.Executor, optional
        Runs the trainings, if not one process per core.

    Raises
    ------
    ConfigError
        If a setting is invalid.
    DatasetError
        If the data set can't be read.
    """
    config = _with(config or TrainingConfig(), epochs=epochs, n_train=n_train)
    data = _opened(dataset)
    # The smallest batches take longest: if they start first, no core has to wait for another at the end.
    runs = sorted(
        batch_size_grid(config, batch_sizes=batch_sizes, seeds=seeds), key=lambda run: run.batch_size
    )
    started, results = perf_counter(), list[StudyResult]()
    with suppress(KeyboardInterrupt):  # finished runs are the result, and its text says so
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

    For both reductions: the mean over the seeds, with a band from the lowest to the highest.
    """
    each = f"after {result.epochs} epoch{'s' * (result.epochs > 1)} of {result.n_images} images"
    return (
        figure(
            study_figure(result.points),
            f"Test accuracy {each}: the mean over the seeds, with a band from the lowest to the highest.",
        ),
        figure(
            study_figure(result.points, measure="time"),
            "Time per epoch. A step on a few images costs almost as much as a step on many; and once a network "
            "has saturated, numbers next to 0 can slow the processor down.",
        ),
        figure(
            study_figure(result.points, measure="updates"),
            "Weight updates per run, the same for both reductions: the larger the batch, the fewer.",
        ),
    )


def batch_size_words(result: BatchSizeStudy) -> Shown:
    """Return in words what the smallest, the best and the largest batch size reached with each reduction."""
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
    return f"With the {reduction} and learning rate {rate:g}, the network reached {reached}."


def _mean(values: Iterable[float]) -> float:
    values = tuple(values)
    return sum(values) / len(values)
