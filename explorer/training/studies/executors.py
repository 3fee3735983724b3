"""The work on the trials of a study, in any process, and the processes for it on this machine."""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import os
import pickle
import platform
import signal
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from time import perf_counter, thread_time
from typing import Any, TypeVar

import numpy as np

from explorer.datasets import Dataset, load_mnist
from explorer.datasets.loading import map_dataset
from explorer.training.config import TrainingConfig
from explorer.training.fields import ConfigError
from explorer.training.process_settings import one_blas_thread
from explorer.training.records import EpochRecord, Evaluation, Snapshot
from explorer.training.run import DivergedError, Event, TrainingRun
from explorer.training.studies.journal import FinalFigures, StudyError, Trial, TrialStatus
from explorer.training.turns import Turns, n_cores, turns_of

_Keep = Callable[[TrainingConfig, Snapshot], object]

_LOOK_SECONDS = 0.1  # between two looks at a server's turns

_log = logging.getLogger(__name__)

_Result = TypeVar("_Result")

BLAS_VARIABLES = (
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
"""Environment variables that bound the threads of BLAS; each is read when NumPy is imported."""

# A worker runs this before it imports anything: BLAS reads the variables once, when NumPy is imported, and calling
# a function of this package would import NumPy first.
_BEFORE_NUMPY = f"""
import os
os.environ.update(dict.fromkeys({BLAS_VARIABLES!r}, "1"))
from explorer.training.studies.executors import answer_calls
answer_calls(calls, niceness)
"""


@dataclass(frozen=True, slots=True)
class SharedData:
    """The images of a study: each worker maps them, or gets them with one of its runs and keeps them."""

    folder: Path
    """Written by `write_dataset`; a worker on another computer may not see it."""
    hash: str
    """The data set's `content_hash`."""


@dataclass(frozen=True, slots=True)
class MissingData:
    """The answer of a worker that has no copy of the study's images."""

    worker: str


WorkerData = Dataset | SharedData | None
"""The images of a trial: in memory, shared by all trials of a study, or None for the package's MNIST."""


def versions() -> str:
    """Return the versions that must agree between a study and its workers for equal trials everywhere."""
    python = ".".join(platform.python_version_tuple()[:2])
    return f"nn-explorer {version('nn-explorer')} with NumPy {np.__version__} on Python {python}"


def run_shared(
    config: TrainingConfig,
    data: WorkerData,
    expected: str,
    n_threads: int,
    sent: Dataset | None,
    _call: int,
    keep: _Keep = lambda _config, _snapshot: None,
) -> Trial | MissingData:
    """Run a trial as `run_trial` does, on images that this process has, can map, or finds in `sent`.

    The number of the call makes it differ from all others: Dask answers an equal one from its memory. Raises
    `StudyError` if the images have changed, or for another version.
    """
    if not isinstance(data, SharedData):
        return run_trial(config, data or load_mnist(), expected, n_threads, keep)
    try:
        dataset = _found(data, sent)
    except OSError:
        return MissingData(_name())
    return run_trial(config, dataset, expected, n_threads, keep)


def run_trial(
    config: TrainingConfig,
    dataset: Dataset,
    expected: str,
    n_threads: int = 1,
    keep: _Keep = lambda _config, _snapshot: None,
) -> Trial:
    """Train a network in `n_threads` threads and return the trial; an error of the run becomes part of it.

    `keep`, which a pool may add to the call, gets the network at the end of each epoch. Raises `StudyError` if
    this process has other `versions` than `expected`, those of the study.
    """
    if (own := versions()) != expected:
        words = f"{own}, the study has {expected}: install the same versions on both."
        raise StudyError(f"The worker {_name()} has {words}")
    started, epochs, final, error = perf_counter(), list[EpochRecord](), None, ""
    status: TrialStatus = "finished"

    def on_event(event: Event) -> None:  # what there is before an error, too
        if isinstance(event, EpochRecord):
            epochs.append(event)
        elif isinstance(event, Snapshot):
            keep(config, event)

    try:
        with one_blas_thread():
            # On a server a turn is for one core.
            run = TrainingRun(config, dataset, n_threads=n_threads if _turns() is None else 1)
            final = FinalFigures.of(_trained(run, on_event))
    except DivergedError as failure:
        status, error = "diverged", str(failure)
    except (ConfigError, StudyError) as failure:
        status, error = "failed", str(failure)
    except Exception as failure:  # noqa: BLE001  # whatever it is, it is the trial's result
        _log.exception("A trial of a study failed")
        status, error = "failed", f"{type(failure).__name__}: {failure}"
    seconds = perf_counter() - started
    return Trial(config, status, tuple(epochs), final, error, seconds, _name())


def _name() -> str:
    return f"{platform.node()}:{os.getpid()}"


def _trained(run: TrainingRun, on_event: Callable[[Event], object]) -> Evaluation:
    """Train like `train` and return the exact figures; on a server, in turn and within the seat's limit."""
    turns, began, next_look = _turns(), thread_time(), 0.0

    def goes_on() -> bool:
        nonlocal next_look
        if turns is not None and perf_counter() > next_look:
            turns.wait()
            if reason := turns.limit(thread_time() - began):
                raise StudyError(reason)
            next_look = perf_counter() + _LOOK_SECONDS
        return True

    try:
        goes_on()
        for event in run:
            on_event(event)
            goes_on()
        return run.evaluate(goes_on) or run.evaluate()  # the first is never None
    finally:
        if turns is not None:
            turns.leave()


@cache
def _turns() -> Turns | None:
    """Return this worker's turns; it is cached because it tracks the visitor's page across runs."""
    return turns_of(os.environ)


@cache
def _known_data() -> dict[str, Dataset]:
    """Return the data sets that runs in this process find, by their `content_hash`."""
    return {}


def _found(data: SharedData, sent: Dataset | None) -> Dataset:
    """Return the images of an earlier run here, those sent, or those in the folder; `OSError` without any."""
    known = _known_data()
    if (dataset := known.get(data.hash, sent)) is None:
        dataset = map_dataset(data.folder)
    if data.hash not in known:
        if dataset.content_hash != data.hash:
            raise StudyError(f"The images of the study, {dataset.name}, have changed since it began.")
        known.clear()
        known[data.hash] = dataset
    return dataset


class WorkerPool(Executor):
    """Worker processes with single-threaded BLAS, which end with their parent; by default one for each core.

    If one dies, killed or out of memory, only the future of its current call raises `BrokenExecutor`, and a new
    process replaces it. (The standard library's `ProcessPoolExecutor` fails as a whole.) Their `niceness` keeps
    the process that started them, such as the page, responsive.

    Keep a pool open to save its startup, about a second: ``with WorkerPool() as pool: study(…, executor=pool)``.
    """

    def __init__(self, n_workers: int | None = None, *, niceness: int = 5) -> None:
        n_workers = n_cores() if n_workers is None else n_workers
        if n_workers < 1:
            raise ValueError(f"n_workers is {n_workers}; expected at least 1, or None")
        self.cores_each = max(1, n_cores() // n_workers)
        self._niceness = niceness
        self._calls = SimpleQueue[tuple[Future[Any], tuple[Any, ...]] | None]()
        self._lock = Lock()  # guards the attributes below
        self._workers = set[_Worker]()
        self._takes_calls, self._is_ended = True, False
        self._threads = [Thread(target=self._serve, daemon=True) for _ in range(n_workers)]
        for thread in self._threads:
            thread.start()
        atexit.register(self.end_workers)

    def submit(self, fn: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> Future[_Result]:
        """Call `fn` in the next free process."""
        future = Future[_Result]()
        with self._lock:
            if not self._takes_calls:
                raise RuntimeError("the pool is shut down")
            self._calls.put((future, (fn, args, kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the processes finish and end."""
        with self._lock:
            self._takes_calls = False
            self._is_ended |= cancel_futures
            for _ in self._threads:
                self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()
            atexit.unregister(self.end_workers)

    def __exit__(self, *raised: object) -> None:
        """Let the processes finish and end; kill them if an exception leaves the block."""
        if raised[0] is not None:
            self.end_workers()
        self.shutdown()

    def end_workers(self) -> None:
        """Kill the processes, even during calls, and accept no more calls."""
        self.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for worker in self._workers:
                worker.process.kill()

    def _serve(self) -> None:
        """Run queued calls one by one in a process owned by this thread."""
        worker: _Worker | None = None
        while queued := self._calls.get():
            future, call = queued
            if self._is_ended:
                future.cancel()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                # It may have died while idle.
                if worker is None or not worker.process.is_alive():
                    worker = self._in_place_of(worker)
                result = worker.answer(call)
            except Exception as error:  # noqa: BLE001  # whatever it is, it belongs to the future
                future.set_exception(error)
            else:
                future.set_result(result)
            del queued, future, call  # free the data before waiting for the next call
        if worker is not None:
            worker.calls.close()  # ends it
            worker.process.join()

    def _in_place_of(self, dead: _Worker | None) -> _Worker:
        with self._lock:
            if self._is_ended:
                raise BrokenExecutor("the pool has ended its processes")
            try:
                worker = _Worker(self._niceness)
            except OSError as error:
                reason = f"the system starts no further process ({error.strerror})"
                if isinstance(error, FileNotFoundError):  # the kernel's working folder belongs to the package
                    again = "if nn-explorer was installed again since then, restart the server"
                    reason = f"a folder or file that this program was started from is gone: {again}"
                raise StudyError(f"The study can't go on: {reason}.") from error
            self._workers = self._workers - {dead} | {worker}
            return worker


class _Worker:
    """A process and the connection to it, which closes when the process dies, even during an answer."""

    def __init__(self, niceness: int) -> None:
        if sys.platform != "win32":  # even before it runs, it ignores Ctrl-C, which its parent handles
            resource_tracker.ensure_running()  # starting it unblocks the signal
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited from this thread
        context = multiprocessing.get_context("spawn")  # a fork would copy locks owned by other threads
        self.calls, other_end = context.Pipe()
        with other_end:
            arguments = (_BEFORE_NUMPY, {"calls": other_end, "niceness": niceness})
            self.process = context.Process(target=exec, args=arguments, name="study worker", daemon=True)
            self.process.start()

    def answer(self, call: tuple[Any, ...]) -> Any:
        """Return the result of a call, or raise its exception; `BrokenExecutor` if the process dies."""
        content = pickle.dumps(call, pickle.HIGHEST_PROTOCOL)
        try:
            self.calls.send_bytes(content)
            content = self.calls.recv_bytes()
        except (EOFError, OSError) as error:
            self.process.kill()
            self.process.join()
            raise BrokenExecutor("a worker has died", self.process.exitcode) from error
        is_result, value = pickle.loads(content)
        if is_result:
            return value
        raise value


def answer_calls(calls: Connection, niceness: int) -> None:
    """Answer calls until the parent closes the connection, or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        os.nice(niceness)
    Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        while True:
            calls.send_bytes(_answer(calls.recv_bytes()))


def _end_with_parent() -> None:
    """Exit when the parent dies, even during a call, which would not notice."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(0)


def _answer(call: bytes) -> bytes:
    try:
        function, arguments, named = pickle.loads(call)
        return pickle.dumps((True, function(*arguments, **named)), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001  # it belongs to the caller
        return pickle.dumps((False, error), pickle.HIGHEST_PROTOCOL)
