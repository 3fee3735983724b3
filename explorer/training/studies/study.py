"""Many runs, each yielded as soon as it ends, with the same results in any executor, to the bit."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from explorer.datasets import Dataset, load_mnist
from explorer.datasets.loading import write_dataset
from explorer.foreign_files import reason
from explorer.safe_write import own_folder
from explorer.training.config import TrainingConfig
from explorer.training.run import check_images
from explorer.training.studies.executors import (
    MissingData,
    SharedData,
    WorkerData,
    WorkerPool,
    run_shared,
    run_trial,
    versions,
)
from explorer.training.studies.journal import Journal, StudyError, Trial
from explorer.training.turns import n_cores

_POLL_SECONDS = 0.2  # Windows doesn't interrupt an endless wait for a future
_FIRST_RUNS, _RUNS_EACH = 256, 4  # submitted before any worker is known, and for each that is
_MOST_TRIES = 3  # at a trial, if workers die

_Configs = tuple[TrainingConfig, ...]
_Future = Future[Trial | MissingData]
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
            runs = _Runs(executor, configs, dataset, _shared(dataset, executor, stack))
            try:
                for trial in runs:
                    yield from _kept(trial, keep)
            finally:
                for trial in runs.cancel():
                    keep(trial)
    elif n_workers > 1:
        with WorkerPool(n_workers) as pool:
            yield from _trials(configs, dataset, pool, keep)
    else:
        for config in configs:
            yield from _kept(run_trial(config, dataset, versions(), n_cores()), keep)


def _shared(dataset: Dataset, executor: Executor, stack: ExitStack) -> WorkerData:
    """Write the images for the workers, unless these are threads of this process, or have them anyway."""
    if dataset is load_mnist():
        return None
    if isinstance(executor, ThreadPoolExecutor):
        return dataset
    try:
        # If the system keeps a mapped file, it stays until the system cleans up.
        folder = stack.enter_context(own_folder("nn-explorer-"))
        write_dataset(dataset, folder)
    except OSError as error:
        raise StudyError(f"The images can't be written for the workers: {reason(error)}.") from error
    return SharedData(folder, dataset.content_hash)


class _Runs:
    """The runs of a study in an executor, of which a few for each worker are submitted at a time."""

    def __init__(self, executor: Executor, configs: _Configs, dataset: Dataset, data: WorkerData) -> None:
        client = getattr(executor, "_client", None)
        self._client, self._submit_call = client if hasattr(client, "scatter") else None, executor.submit
        if (
            self._client is not None
        ):  # Dask's, whose executor never ends a call if the result is lost on its way
            self._submit_call = partial(self._client.submit, **vars(executor)["_kwargs"])
        self._dataset, self._data, self._versions = dataset, data, versions()
        self._n_threads = executor.cores_each if isinstance(executor, WorkerPool) else 1
        self._waiting = deque((config, 1) for config in configs)
        self._running: dict[_Future, tuple[TrainingConfig, int]] = {}
        self._ended, self._n_calls = SimpleQueue[_Future](), 0
        self._workers = set[str]()
        self._supplied: dict[_Future, str] = {}  # runs with the images, and the worker that lacks them

    def __iter__(self) -> Iterator[Trial]:
        self._submit_some()
        while self._running:
            try:
                future = self._ended.get(timeout=_POLL_SECONDS)
            except Empty:
                continue
            config, tries = self._running.pop(future)
            self._supplied.pop(future, None)
            ended = _outcome(future, config, tries)
            if ended is None:
                self._submit(config, tries + 1)
            elif isinstance(ended, Trial):
                self._workers.add(ended.worker)
                self._submit_some()
                yield ended
            elif ended.worker not in self._supplied.values():
                self._submit(config, tries, ended.worker)
            else:  # its images are on their way
                self._waiting.append((config, tries))

    def _submit_some(self) -> None:
        while self._waiting and len(self._running) < _FIRST_RUNS + _RUNS_EACH * len(self._workers):
            self._submit(*self._waiting.popleft())

    def _submit(self, config: TrainingConfig, tries: int, lacks: str = "") -> None:
        """Submit a run, with the images if a worker `lacks` them; whichever takes it keeps them."""
        self._n_calls += 1
        try:
            images = self._movable_images() if lacks else None
            future: Any = self._submit_call(
                run_shared, config, self._data, self._versions, self._n_threads, images, self._n_calls
            )
        except Exception as error:
            raise StudyError(f"The study can't go on: {_cause(error)}.") from error
        self._running[future] = config, tries
        if lacks:
            self._supplied[future] = lacks
        future.add_done_callback(self._ended.put)

    def _movable_images(self) -> Any:
        """Return the images as an argument of a call. A client of Dask moves them past its scheduler."""
        return self._client.scatter(self._dataset, hash=False) if self._client else self._dataset

    def cancel(self) -> Iterator[Trial]:
        """Cancel what has not begun, and return the trials that have ended."""
        for future, (_, tries) in self._running.items():
            if not future.done():
                future.cancel()
            elif not (future.cancelled() or future.exception()):
                yield from (one for one in [_finished(future, tries)] if isinstance(one, Trial))


def _kept(trial: Trial, keep: _Keep) -> Iterator[Trial]:
    try:
        keep(trial)
    finally:
        yield trial  # even if it can't be kept


def _outcome(future: _Future, config: TrainingConfig, tries: int) -> Trial | MissingData | None:
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


def _finished(future: _Future, tries: int) -> Trial | MissingData:
    if isinstance(ended := future.result(), MissingData):
        return ended
    trial = replace(ended, tries=tries)
    for record in trial.epochs:
        record.confusion.flags.writeable = False  # the flag is lost between processes
    return trial


def _cause(error: BaseException) -> str:
    if isinstance(error, BrokenExecutor):
        return "a worker process died (killed or out of memory)"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
