"""Many runs, each yielded as soon as it ends, with the same results in any executor, to the bit."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from threading import Event, Thread

from explorer.datasets import Dataset, DatasetError, load_dataset, load_mnist
from explorer.datasets.loading import write_dataset
from explorer.foreign_files import reason
from explorer.safe_write import own_folder
from explorer.training.config import TrainingConfig
from explorer.training.fields import ConfigError
from explorer.training.records import bytes_at_work
from explorer.training.run import check_images
from explorer.training.share import Share, cores_each, n_cores, worker_seconds
from explorer.training.studies.configs import n_weights
from explorer.training.studies.executors import WorkerPool
from explorer.training.studies.journal import Journal
from explorer.training.studies.trials import StudyError, Trial, WorkerData, run_trial, versions

_LOOK_SECONDS = 0.2
_SHARE_SECONDS = 0.5  # between two looks at a server's share
_WORKER_BYTES = 40 << 20  # memory of a worker that trains a small network

_log = logging.getLogger(__name__)

MOST_TRIES = 3
"""Maximum number of attempts at a trial if workers die."""

_Configs = tuple[TrainingConfig, ...]
_Keep = Callable[[Trial], object]


def study(
    configs: Iterable[TrainingConfig],
    dataset: Dataset | str | os.PathLike[str] | None = None,
    *,
    executor: Executor | None = None,
    journal: str | os.PathLike[str] | None = None,
) -> Generator[Trial, None, None]:
    """Train a network for each config, and yield each trial as soon as it ends, in any order.

    Parameters
    ----------
    configs : iterable of TrainingConfig
        The runs; duplicates run once.
    dataset : Dataset, path or None
        The images and labels: None means the package's MNIST, a path is read by `load_dataset`.
    executor : concurrent.futures.Executor, optional
        Where the runs happen; it is not shut down. By default they run in a `WorkerPool` of their own, with one
        process per core; with one core or one config, in this process. A run uses two cores if there are two for
        each process of the pool.
    journal : path, optional
        A file that stores each trial as soon as it ends, one line each. Trials already in it are yielded first and
        not run again, except those that failed.

    Yields
    ------
    Trial
        One for each config. A run that fails is a trial too, with its `error`. If a worker dies, its run is tried
        again, up to three times in all, while the others continue.

    Raises
    ------
    ConfigError
        If a config needs more training images than there are; nothing has been run then.
    DatasetError
        If the data set can't be read.
    StudyError
        If the journal can't be used, is in use, or can't be written; if the executor accepts no more work, or its
        workers have other versions. Trials that ended before are in the journal.

    Notes
    -----
    Leaving the iteration early cancels runs that have not started. Runs in progress are killed in the study's own
    pool; an executor that you pass finishes them.

    Worker processes import the main module, so a script calls this under ``if __name__ == "__main__":``.
    """
    configs = tuple(dict.fromkeys(configs))
    if not isinstance(dataset, Dataset):
        dataset = load_mnist() if dataset is None else load_dataset(dataset)
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
            trial = run_trial(config, dataset, versions(), cores_each(n_workers))
            try:
                keep(trial)
            finally:
                yield trial  # even if it can't be kept


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
    """Yield trials one by one; keep each as soon as the next is requested, however many have ended since."""
    ended, ready = SimpleQueue[Future[Trial]](), deque[Trial]()
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
        while running or ready:
            while running and not (ready and ended.empty()):
                future = _first(ended)
                config, tries = running[future]
                if (trial := _outcome(future, config, tries)) is None:
                    begin(config, tries + 1)
                else:
                    ready.append(trial)
                    keep(trial)
                del running[future]  # if interrupted before this, the trial is kept below
            yield ready.popleft()
    except StudyError:
        yield from ready
        raise
    finally:
        for future, (_, tries) in running.items():
            if not future.done():
                future.cancel()
            elif not future.cancelled() and not future.exception():
                keep(_finished(future, tries))  # it has ended meanwhile


def _first(ended: SimpleQueue[Future[Trial]]) -> Future[Trial]:
    """Return the next future that ends; polls, because Windows doesn't interrupt an endless wait."""
    while True:
        with suppress(Empty):
            return ended.get(timeout=_LOOK_SECONDS)


def _outcome(future: Future[Trial], config: TrainingConfig, tries: int) -> Trial | None:
    try:
        return _finished(future, tries)
    except StudyError:
        raise
    except (ImportError, AttributeError) as error:  # the worker lacks the function
        raise StudyError(f"The study can't go on: {_cause(error)}.") from error
    except Exception as error:  # noqa: BLE001  # however it was lost
        if tries < MOST_TRIES:
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
    if isinstance(error, ImportError | AttributeError):
        return f"a worker can't import what it needs ({error}): install the same version of nn-explorer there"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


@dataclass(frozen=True, slots=True)
class StudyDelivery:
    """A message from a study: one more trial, its queue position, or its end."""

    number: int
    """Number of the study; a later study of the same runner has a higher number."""
    trial: Trial | None = None
    """A trial that ended, if one did."""
    queue_position: int | None = None
    """The study's position in the queue for a core of its server: 1 is next, 0 has one; None if unchanged."""
    error: str = ""
    """Why the study as a whole failed, in one sentence."""

    @property
    def is_end(self) -> bool:
        """Whether the study is over."""
        return self.trial is None and self.queue_position is None


_Deliver = Callable[[StudyDelivery], object]


def workers_for(configs: Iterable[TrainingConfig], dataset: Dataset) -> int:
    """Return how many runs train at once: one on each core, or as a server's seat has room; else `StudyError`."""
    share = Share.of(os.environ)
    if share is None:
        return n_cores()
    n_outputs = dataset.n_classes * dataset.n_test
    snapshot_bytes = 4 * (max(n_weights(config, dataset) for config in configs) + n_outputs)
    n_bytes = _WORKER_BYTES + bytes_at_work(snapshot_bytes)
    if exceeded := share.limit(n_bytes=n_bytes):
        raise StudyError(exceeded)
    return share.workers(n_bytes)


class StudyRunner:
    """Runs one study at a time, in a pool of processes; a thread delivers the results."""

    def __init__(self) -> None:
        self._number = 0
        self._pool: WorkerPool | None = None

    def start(
        self,
        configs: Iterable[TrainingConfig],
        dataset: Dataset,
        deliver: _Deliver,
        n_workers: int | None = None,
    ) -> int:
        """Start a study instead of the current one, its runs in this order, and return its number.

        Each `StudyDelivery` comes from the study's thread; one of a stopped study may still arrive.
        """
        self.stop()
        self._pool = pool = WorkerPool(n_workers)
        trials = study(configs, dataset, executor=pool)
        arguments = self._number, pool, trials, deliver
        Thread(target=self._watch, args=arguments, name="study", daemon=True).start()
        return self._number

    def stop(self) -> None:
        """End the study at once; pending results are not delivered."""
        self._number += 1
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.end_workers()  # its thread shuts it down

    def _watch(self, number: int, pool: WorkerPool, trials: Generator[Trial], deliver: _Deliver) -> None:
        error, limits, over = "", list[str](), Event()
        Thread(target=self._watch_share, args=(number, pool, deliver, limits, over), daemon=True).start()
        try:
            with pool, closing(trials):
                for trial in trials:
                    if number != self._number:
                        return
                    deliver(StudyDelivery(number, trial))
        except (ConfigError, DatasetError, StudyError) as failure:
            error = str(failure)
        except Exception as failure:  # noqa: BLE001  # whatever it is, it ends the study
            if number == self._number:
                _log.exception("A study failed")
            error = f"an unexpected error, {type(failure).__name__}: {failure}"
        finally:
            over.set()
        if number == self._number:
            deliver(StudyDelivery(number, error=(limits or [error])[0]))

    def _watch_share(
        self, number: int, pool: WorkerPool, deliver: _Deliver, limits: list[str], over: Event
    ) -> None:
        """Report the study's queue position when it changes; end it when its seat's share is used up."""
        share, last = Share.of(os.environ), 0
        while share is not None and not over.wait(_SHARE_SECONDS) and number == self._number:
            if exceeded := share.limit(worker_seconds()):
                limits.append(exceeded)
                pool.end_workers()
                return
            if (position := share.place_of_workers()) != last:
                last = position
                deliver(StudyDelivery(number, queue_position=position))
