"""The processes that train the trials of a study on this machine."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

from explorer.training.studies.trials import StudyError
from explorer.training.turns import cores_each, n_cores

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

_NICENESS = 5  # of a study, so that the process that started it, such as the page, stays responsive


class WorkerPool(Executor):
    """Worker processes with single-threaded BLAS, which end with their parent; by default one for each core.

    If one dies, killed or out of memory, only the future of its current call raises `BrokenExecutor`, and a new
    process replaces it. (The standard library's `ProcessPoolExecutor` fails as a whole.)

    Keep a pool open to save its startup, about a second: ``with WorkerPool() as pool: study(…, executor=pool)``.
    """

    def __init__(self, n_workers: int | None = None, *, niceness: int = _NICENESS) -> None:
        n_workers = n_cores() if n_workers is None else n_workers
        if n_workers < 1:
            raise ValueError(f"n_workers is {n_workers}; expected at least 1, or None")
        self.cores_each = cores_each(n_workers)
        """Number of cores per process."""
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
        _keep_ctrl_c()
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


def _keep_ctrl_c() -> None:
    """Block Ctrl-C in the processes that this thread starts, even before they run: their parent handles it."""
    if sys.platform != "win32":
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # starting it unblocks the signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


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
