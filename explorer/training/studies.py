"""Studies: many runs from many configs, in several processes, each reported as it ends.

A study has the shape of a run: it is iterated, and whoever stops asking ends it. Where the runs happen is up to
an executor of the standard library's kind; the results are the same everywhere, to the bit.
"""

import itertools
import logging
import math
import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import perf_counter, thread_time
from typing import Any

from explorer.datasets import Dataset, DatasetError, load_dataset, load_mnist
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import ConfigError
from explorer.training.process_settings import one_blas_thread
from explorer.training.records import EpochRecord
from explorer.training.run import DivergedError, TrainingRun, train
from explorer.training.share import Share, n_cores

__all__ = [
    "BATCH_SIZES",
    "BLAS_VARIABLES",
    "SAME_STEP",
    "StudyError",
    "StudyResult",
    "WorkerPool",
    "batch_size_grid",
    "batch_size_rates",
    "effort",
    "grid",
    "study",
]

BATCH_SIZES = (1, 8, 32, 128, 512, 2048, 8192, 60_000)
"""The batch sizes of the batch-size question."""

SAME_STEP = 300
"""Images of a batch from which both reductions take the same step in the batch-size question."""

BLAS_VARIABLES = (
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
"""Environment variables that bound the threads of BLAS; each is read when NumPy is imported."""


class StudyError(RuntimeError):
    """A study, or one of its runs, can't go on; the text is a sentence for the user."""


_EXPECTED = (ConfigError, DatasetError, DivergedError, StudyError)
_LOOK_SECONDS = 0.1
_STEP_IN_IMAGES = 12
_MOST_WORKERS = 61  # more than that Windows can't wait for

# A worker runs this before it imports anything: BLAS reads the variables once, when NumPy is imported, and a
# function of this package would import NumPy first.
_BEFORE_NUMPY = f"""
import os
os.environ.update(dict.fromkeys({BLAS_VARIABLES!r}, "1"))
from explorer.training.studies import _begin_work
_begin_work(leash)
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StudyResult:
    """One run of a study.

    Parameters
    ----------
    config : TrainingConfig
        Its settings.
    epochs : tuple of EpochRecord
        Its records; when it failed, those from before.
    error : str
        Why it failed, in one sentence; empty when it finished.
    """

    config: TrainingConfig
    epochs: tuple[EpochRecord, ...]
    error: str = ""

    @property
    def last(self) -> EpochRecord | None:
        """The newest epoch, or None if there is none."""
        return self.epochs[-1] if self.epochs else None


def study(
    configs: Iterable[TrainingConfig],
    dataset: Dataset | str | os.PathLike[str] | None = None,
    *,
    executor: Executor | None = None,
) -> Generator[StudyResult, None, None]:
    """Train a network for each config, and yield each result as it comes, in whatever order.

    Parameters
    ----------
    configs : iterable of TrainingConfig
        The runs.
    dataset : Dataset, path or None
        The images and labels: None is the MNIST of the package. A path is opened by each worker once; another
        `Dataset` is handed to the workers.
    executor : concurrent.futures.Executor, optional
        Where the runs happen; it is not shut down. By default in a `WorkerPool` of their own, with a process for
        each core; with one core or one config, in this process.

    Yields
    ------
    StudyResult
        One for each config. A run that fails is a result too, with its `error`.

    Notes
    -----
    Leaving the iteration early cancels what has not begun. In a pool of the study's own it also ends what has; a
    given executor finishes that.

    Worker processes import the main module, so a script calls this under ``if __name__ == "__main__":``.
    """
    configs, source = tuple(configs), _source(dataset)
    n_workers = min(n_cores(), len(configs))
    if isinstance(executor, WorkerPool):  # of this machine: its processes can read a file
        with _written(source) as source:
            yield from _from_executor(executor, configs, source)
    elif executor is not None:
        yield from _from_executor(executor, configs, source)
    elif n_workers < 2:
        try:
            yield from (_run(config, source) for config in configs)
        finally:
            _opened.cache_clear()
    else:
        with _written(source) as source, WorkerPool(n_workers) as pool:
            try:
                yield from _from_executor(pool, configs, source)
            except BaseException:
                pool.end_workers()
                raise


def grid(config: TrainingConfig, **values: Iterable[Any]) -> tuple[TrainingConfig, ...]:
    """Return `config` with every combination of the values, the last setting varying fastest.

    Parameters
    ----------
    config : TrainingConfig
        The settings that stay.
    **values : iterable
        For each setting that varies, by its name, the values: ``grid(config, batch_size=(8, 64), seed=range(3))``.

    Raises
    ------
    ConfigError
        If a value is not allowed.
    """
    combinations = itertools.product(*values.values())
    return tuple(
        config.replace(**dict(zip(values, combination, strict=True))) for combination in combinations
    )


def batch_size_grid(
    config: TrainingConfig | None = None,
    *,
    batch_sizes: Iterable[int] = BATCH_SIZES,
    seeds: Iterable[int] = (0, 1, 2),
) -> tuple[TrainingConfig, ...]:
    """Return the configs of the question what the batch size does, once by sum and once by mean.

    By sum a larger batch takes a larger step, by mean the same: at one learning rate a large batch then fails for
    opposite reasons. The two rates are those of `batch_size_rates`.

    Parameters
    ----------
    config : TrainingConfig, optional
        The settings that stay, but for batch size, seed, reduction and its rate; by default the exercise's.
    batch_sizes : iterable of int
        Images per step.
    seeds : iterable of int
        One run for each.
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
    `SAME_STEP` images, or as close to it as the range of learning rates allows.
    """
    by_sum = config.learning_rate / (1 if config.reduction == "sum" else SAME_STEP)
    rates = {"sum": by_sum, "mean": by_sum * SAME_STEP} | {config.reduction: config.learning_rate}
    return {name: float(FIELDS["learning_rate"].clamp(f"{rate:.10g}")) for name, rate in rates.items()}


def effort(config: TrainingConfig, n_images: int) -> float:
    """Return roughly how much a run asks for, to be compared with others of the same network.

    Parameters
    ----------
    config : TrainingConfig
        The run's settings.
    n_images : int
        Training images of the data set.

    Returns
    -------
    float
        In passes of one image: a step costs as much as a dozen, besides its own images.
    """
    n_used = min(config.n_train or n_images, n_images)
    return float(config.epochs * (n_used + _STEP_IN_IMAGES * math.ceil(n_used / config.batch_size)))


class WorkerPool(ProcessPoolExecutor):
    """Processes that train: BLAS on one thread each, and gone when their parent is.

    Keep one open to save its start, about a second: ``with WorkerPool() as pool: study(…, executor=pool)``.

    Parameters
    ----------
    n_workers : int, optional
        Processes, at least 1; by default one for each core that this process may use.

    Raises
    ------
    StudyError
        If the system has no locks that processes could share, as without ``/dev/shm``.
    """

    def __init__(self, n_workers: int | None = None) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold
        leash, self._own_end = context.Pipe(duplex=False)
        n_workers = min(n_workers or n_cores(), _MOST_WORKERS)
        try:
            super().__init__(n_workers, context, exec, (_BEFORE_NUMPY, {"leash": leash}))
        except OSError as error:
            reason = f"the system gives its processes no shared memory, /dev/shm on Linux ({error.strerror})"
            raise StudyError(f"A study can't run here: {reason}.") from error

    def end_workers(self) -> None:
        """End the processes at once, in the middle of what they do; the pool is still to be shut down."""
        self._own_end.close()


@dataclass(frozen=True, slots=True)
class _File:
    """A data set that each worker opens once.

    The study's number is part of it, so that a later study opens the file again.
    """

    path: Path
    study: int
    ours: bool = False
    """Whether this package has written it, for its own workers: sent with each run, images cost 55 MB."""


_Source = Dataset | _File | None


def _source(dataset: Dataset | str | os.PathLike[str] | None) -> _Source:
    """Return what the workers find the data by."""
    if dataset is None or isinstance(dataset, Dataset):
        return None if dataset is None or dataset is load_mnist() else dataset
    return _File(Path(dataset).expanduser().absolute(), time.monotonic_ns())


@contextmanager
def _written(source: _Source) -> Iterator[_Source]:
    """Give the source as something small."""
    if not isinstance(source, Dataset):
        yield source
        return
    with TemporaryDirectory(prefix="nn-explorer-") as folder:
        path = Path(folder) / "dataset"
        path.write_bytes(pickle.dumps(source, pickle.HIGHEST_PROTOCOL))
        yield _File(path, time.monotonic_ns(), ours=True)


def _from_executor(
    executor: Executor, configs: tuple[TrainingConfig, ...], source: _Source
) -> Iterator[StudyResult]:
    runs = {_submitted(executor, config, source): config for config in configs}
    try:
        for future in as_completed(runs):
            yield _result(future, runs[future])
    finally:
        for future in runs:
            future.cancel()


def _submitted(executor: Executor, config: TrainingConfig, source: _Source) -> Future[StudyResult]:
    try:
        return executor.submit(_run, config, source)
    except BrokenExecutor as error:  # a worker died while others were submitted
        future: Future[StudyResult] = Future()
        future.set_exception(error)
        return future


def _result(future: Future[StudyResult], config: TrainingConfig) -> StudyResult:
    if future.cancelled():
        return StudyResult(config, (), "the run was cancelled")
    error = future.exception()
    if error is not None:  # its worker died, or the executor failed
        return StudyResult(config, (), _sentence(error))
    result = future.result()
    for record in result.epochs:
        record.confusion.flags.writeable = False  # between processes the flag gets lost
    return result


def _sentence(error: BaseException) -> str:
    if isinstance(error, BrokenExecutor):
        return "a process of the study has died: killed, or out of memory"
    return str(error) if isinstance(error, _EXPECTED) else f"{type(error).__name__}: {error}"


def _run(config: TrainingConfig, source: _Source) -> StudyResult:
    epochs: list[EpochRecord] = []
    try:
        epochs.extend(_trained(config, _loaded(source)))  # keeps what comes before an error
    except Exception as error:  # noqa: BLE001  # whatever it is, it is this run's result
        if not isinstance(error, _EXPECTED):
            _log.exception("A run of a study failed")
        return StudyResult(config, tuple(epochs), _sentence(error))
    return StudyResult(config, tuple(epochs))


def _trained(config: TrainingConfig, dataset: Dataset) -> Iterator[EpochRecord]:
    """Train as `train` does; on a server in turn with all who train there, within what it allows."""
    share = _share()
    if share is None:
        yield from train(config, dataset)
        return
    run, began, next_look = TrainingRun(config, dataset), thread_time(), 0.0
    try:
        share.wait()
        with one_blas_thread():
            for event in run:
                if isinstance(event, EpochRecord):
                    yield event
                if perf_counter() > next_look:
                    run.rest()
                    share.wait()
                    run.wake()
                    if reason := share.limit(thread_time() - began, run.snapshot_bytes):
                        raise StudyError(reason)
                    next_look = perf_counter() + _LOOK_SECONDS
    finally:
        share.leave()


@cache
def _share() -> Share | None:
    """Return the share of this worker: what it knows of its visitor goes from run to run."""
    return Share.of(os.environ)


def _loaded(source: _Source) -> Dataset:
    if source is None:
        return load_mnist()
    return source if isinstance(source, Dataset) else _opened(source)


@lru_cache(maxsize=1)
def _opened(file: _File) -> Dataset:
    if not file.ours:
        return load_dataset(file.path)
    dataset: Dataset = pickle.loads(file.path.read_bytes())
    return dataset


def _begin_work(leash: Connection) -> None:
    """Make this worker end with its parent, and leave Ctrl-C to it.

    The other end of the leash is in the parent alone, and closes when the parent lets go or dies. A worker that
    waits for work would never notice.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(leash,), daemon=True).start()


def _end_with(leash: Connection) -> None:
    leash.poll(None)
    os._exit(0)
