"""Many runs, each yielded as soon as it ends, with the same results in any executor, to the bit."""

import logging
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from queue import Empty, SimpleQueue

from explorer.datasets import Dataset, load_mnist
from explorer.datasets.loading import write_dataset
from explorer.foreign_files import reason
from explorer.safe_write import own_folder
from explorer.training.config import TrainingConfig
from explorer.training.run import check_images
from explorer.training.studies.executors import WorkerData, WorkerPool, run_trial, versions
from explorer.training.studies.journal import Journal, StudyError, Trial
from explorer.training.turns import n_cores

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.2  # Windows doesn't interrupt an endless wait for a future
_TURNS_SECONDS = 0.5  # between two looks at a server's turns
_MOST_TRIES = 3  # at a trial, if workers die

_Configs = tuple[TrainingConfig, ...]
_Keep = Callable[[Trial], object]


def study(
    configs: Iterable[TrainingConfig],
    dataset: Dataset | None = None,
    *,
    executor: Executor | None = None,
    journal: str | os.PathLike[str] | None = None,
) -> Generator[Trial, None, None]:
    """Train a network for each config, and yield each trial as soon as it ends, in any order.

    Equal configs run once. A run that fails is a trial too, with its `error`. If a worker dies, its run is tried
    again, up to three times in all. Leaving the iteration early cancels runs that have not started; those in
    progress are killed in the study's own pool, and finished by an executor that you pass. Worker processes import
    the main module, so a script calls this under ``if __name__ == "__main__":``.

    By default, the images are the package's MNIST, and the runs happen in a `WorkerPool` of their own, with one
    process per core; with one core or one config, in this process. A run uses two cores if there are two for each
    process of the pool. An `executor` that you pass is not shut down. The file `journal` stores each trial as soon
    as it ends, one line each; trials already in it are yielded first and not run again, except those that failed.

    Raises `ConfigError` if a config needs more training images than there are: nothing has been run then. Raises
    `StudyError` if the journal can't be used, is in use, or can't be written; if the executor accepts no more
    work, or its workers have other versions: trials that ended before are in the journal.
    """
    if not isinstance(dataset, Dataset | None):
        raise TypeError(f"dataset is {dataset!r:.60}; expected a Dataset, as load_dataset returns, or None")
    configs, dataset = tuple(dict.fromkeys(configs)), dataset or load_mnist()
    for config in configs:
        check_images(config, dataset)
    if journal is None:
        yield from _trials(configs, dataset, executor, lambda _: None)
        return
    with Journal(journal, dataset) as book:
        kept = book.recorded.settled
        yield from (kept[config] for config in configs if config in kept)
        yield from _trials(tuple(c for c in configs if c not in kept), dataset, executor, book.add)


def _trials(configs: _Configs, dataset: Dataset, executor: Executor | None, keep: _Keep) -> Iterator[Trial]:
    n_workers = min(n_cores(), len(configs))
    if executor is not None:
        with ExitStack() as stack:
            yield from _from_executor(executor, configs, _sent(dataset, executor, stack), keep)
    elif n_workers > 1:
        with WorkerPool(n_workers) as pool:
            yield from _trials(configs, dataset, pool, keep)
    else:
        for config in configs:
            yield from _kept(run_trial(config, dataset, versions(), n_cores()), keep)


def _sent(dataset: Dataset, executor: Executor, stack: ExitStack) -> WorkerData:
    """Return the data to send to the workers: a folder if possible, as images with each run would take 55 MB."""
    if dataset is load_mnist():
        return None
    if isinstance(executor, WorkerPool | ProcessPoolExecutor):
        try:
            # If the system keeps a mapped file, it stays until the system cleans up.
            path = stack.enter_context(own_folder("nn-explorer-"))
            write_dataset(dataset, path)
        except OSError as error:
            raise StudyError(f"The images can't be written for the workers: {reason(error)}.") from error
        return path
    return dataset


def _from_executor(executor: Executor, configs: _Configs, data: WorkerData, keep: _Keep) -> Iterator[Trial]:
    """Yield trials as they end; when left early, keep those that have ended by then."""
    ended = SimpleQueue[Future[Trial]]()
    running: dict[Future[Trial], tuple[TrainingConfig, int]] = {}
    expected = versions()
    n_threads = executor.cores_each if isinstance(executor, WorkerPool) else 1

    def begin(config: TrainingConfig, tries: int) -> None:
        try:
            future = executor.submit(run_trial, config, data, expected, n_threads)
        except Exception as error:
            raise StudyError(f"The study can't go on: {_cause(error)}.") from error
        running[future] = config, tries
        future.add_done_callback(ended.put)

    try:
        for config in configs:
            begin(config, 1)
        while running:
            try:
                future = ended.get(timeout=_POLL_SECONDS)
            except Empty:
                continue
            config, tries = running.pop(future)
            if (trial := _outcome(future, config, tries)) is None:
                begin(config, tries + 1)
            else:
                yield from _kept(trial, keep)
    finally:
        for future, (_, tries) in running.items():
            if not future.done():
                future.cancel()
            elif not future.cancelled() and not future.exception():
                keep(_finished(future, tries))


def _kept(trial: Trial, keep: _Keep) -> Iterator[Trial]:
    try:
        keep(trial)
    finally:
        yield trial  # even if it can't be kept


def _outcome(future: Future[Trial], config: TrainingConfig, tries: int) -> Trial | None:
    try:
        return _finished(future, tries)
    except StudyError:
        raise
    except (ImportError, AttributeError) as error:
        cause = (
            f"a worker can't import what it needs ({error}): install the same version of nn-explorer there"
        )
        raise StudyError(f"The study can't go on: {cause}.") from error
    except Exception as error:  # noqa: BLE001  # however it was lost
        if tries < _MOST_TRIES:
            return None
        return Trial(config, "failed", error=f"{_cause(error)}, {tries} times", tries=tries)


def _finished(future: Future[Trial], tries: int) -> Trial:
    trial = replace(future.result(), tries=tries)
    for record in trial.epochs:
        record.confusion.flags.writeable = False  # the flag is lost between processes
    return trial


def _cause(error: BaseException) -> str:
    if isinstance(error, BrokenExecutor):
        return "a worker process died (killed or out of memory)"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
