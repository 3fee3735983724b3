"""The answer to the exercise's question what a very small and a very large batch do.

`batch_size_study` trains a network for each batch size, reduction and seed, and `batch_size_figures` shows the
answer. With the sum, a large batch takes steps that are too large; with the mean, it takes too few.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from statistics import fmean
from time import perf_counter

from IPython import get_ipython
from IPython.display import ProgressBar
from rich.progress import track

from explorer.datasets import Dataset, load_dataset, load_mnist
from explorer.figures.studies import StudyMeasure, StudyPoint, study_figure, study_points
from explorer.notebook.page import Shown, figure
from explorer.training import TrainingConfig
from explorer.training.studies import (
    BATCH_SIZES,
    SAME_STEP,
    StudyResult,
    batch_size_grid,
    batch_size_rates,
    study,
)
from explorer.wording import counted

__all__ = ["BatchSizeStudy", "batch_size_figures", "batch_size_study", "batch_size_words", "with_progress"]


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

    @property
    def extent(self) -> str:
        """The training of each run in words: ``"10 epochs of 60000 images"``."""
        return f"{counted(self.epochs, 'epoch')} of {self.n_images} images"

    def __repr__(self) -> str:
        done = f"{self.n_done} of {self.n_runs} runs, {self.extent} each, in {self.seconds:.0f} s"
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
    seeds: Iterable[int] = (0, 1, 2),
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
    changed = {"epochs": epochs, "n_train": n_train}
    config = (config or TrainingConfig()).replace(**{k: v for k, v in changed.items() if v is not None})
    if not isinstance(dataset, Dataset):
        dataset = load_mnist() if dataset is None else load_dataset(dataset)
    runs = batch_size_grid(config, batch_sizes=batch_sizes, seeds=seeds)
    # The smallest batches take longest: if they start first, no core has to wait for another at the end.
    runs = tuple(sorted(runs, key=lambda run: run.batch_size))
    started, results = perf_counter(), list[StudyResult]()
    with suppress(KeyboardInterrupt):  # finished runs are the result, and its text says so
        results.extend(with_progress(study(runs, dataset, executor=executor), len(runs), "batch sizes"))
    n_images = len(dataset.train_labels)
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


def batch_size_figures(result: BatchSizeStudy) -> tuple[Shown, ...]:
    """Return final test accuracy, seconds per epoch and number of updates against the batch size.

    For both reductions: the mean over the seeds, with a band from the lowest to the highest.
    """
    words: dict[StudyMeasure, str] = {
        "accuracy": f"Test accuracy after {result.extent}: the mean over the seeds, "
        "with a band from the lowest to the highest.",
        "time": "Time per epoch. A step on a few images costs almost as much as a step on many; and once a "
        "network has saturated, numbers next to 0 can slow the processor down.",
        "updates": "Weight updates per run, the same for both reductions: the larger the batch, the fewer.",
    }
    return tuple(figure(study_figure(result.points, measure=name), said) for name, said in words.items())


def batch_size_words(result: BatchSizeStudy) -> Shown:
    """Return in words what the smallest, the best and the largest batch size reached with each reduction."""
    sentences = [_sentence(result.points, reduction, rate) for reduction, rate in result.rates.items()]
    text = " ".join(sentence for sentence in sentences if sentence)
    return Shown(f"<p>{text}</p>", text)


def with_progress(results: Iterable[StudyResult], total: int, words: str) -> Iterator[StudyResult]:
    """Return the results as they come, while a bar shows how many of `total` there are.

    In a notebook the bar is an HTML element, not a widget: it also works in a static page made from the notebook.
    """
    if not hasattr(get_ipython(), "kernel"):
        return iter(track(results, description=words, total=total))
    return (result for _, result in zip(ProgressBar(total), results, strict=True))


def _sentence(points: Iterable[StudyPoint], reduction: str, rate: float) -> str:
    own = [point for point in points if point.reduction == reduction]
    means = {
        size: 100 * fmean(point.test_accuracy for point in own if point.batch_size == size)
        for size in sorted({point.batch_size for point in own})
    }
    if not means:
        return ""
    sizes = dict.fromkeys((min(means), max(means, key=means.__getitem__), max(means)))
    reached = ", ".join(f"{means[size]:.1f} % with batches of {size}" for size in sizes)
    return f"With the {reduction} and learning rate {rate:g}, the network reached {reached}."
