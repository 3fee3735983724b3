"""Processes that train, on this machine: one that dies takes no other with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from typing import ParamSpec, TypeVar

from explorer.training.share import n_cores
from explorer.training.studies.trials import StudyError

__all__ = ["BLAS_VARIABLES", "WorkerPool", "begin_work"]

_Arguments, _Result = ParamSpec("_Arguments"), TypeVar("_Result")

BLAS_VARIABLES = (
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
"""Environment variables that bound the threads of BLAS; each is read when NumPy is imported."""

# A worker runs this before it imports anything: BLAS reads the variables once, when NumPy is imported, and a
# function of this package would import NumPy first.
_BEFORE_NUMPY = f"""
import os
os.environ.update(dict.fromkeys({BLAS_VARIABLES!r}, "1"))
from explorer.training.studies.worker_pool import begin_work
begin_work(leash)
"""


class WorkerPool(Executor):
    """Processes that train: BLAS on one thread each, and gone when their parent is.

    Each is an executor of its own. When one dies, killed or out of memory, only the future of what it was doing
    raises `BrokenExecutor`, and a new process takes its place.

    Keep a pool open to save its start, about a second: ``with WorkerPool() as pool: study(…, executor=pool)``.

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
        n_workers = n_workers or n_cores()
        self._context = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold
        self._leash, self._own_end = self._context.Pipe(duplex=False)
        self._idle: SimpleQueue[ProcessPoolExecutor] = SimpleQueue()
        self._processes = [self._new_process() for _ in range(n_workers)]
        for process in self._processes:
            self._idle.put(process)
        self._threads = ThreadPoolExecutor(n_workers, "study-worker")  # each waits for the process it has taken

    def submit(
        self,
        fn: Callable[_Arguments, _Result],
        /,
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> Future[_Result]:
        """Call `fn` in the next process that is free; see `concurrent.futures.Executor.submit`."""
        return self._threads.submit(self._in_a_process, fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the processes end; see `concurrent.futures.Executor.shutdown`."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        for process in self._processes:
            process.shutdown(wait)

    def end_workers(self) -> None:
        """End the processes at once, in the middle of what they do; the pool is still to be shut down."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._own_end.close()

    def _in_a_process(
        self,
        fn: Callable[_Arguments, _Result],
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> _Result:
        process = self._idle.get()
        try:
            return process.submit(fn, *args, **kwargs).result()
        except BrokenExecutor:
            if not self._own_end.closed:
                self._processes.remove(process)
                process = self._new_process()
                self._processes.append(process)
            raise
        finally:
            self._idle.put(process)

    def _new_process(self) -> ProcessPoolExecutor:
        try:
            return ProcessPoolExecutor(1, self._context, exec, (_BEFORE_NUMPY, {"leash": self._leash}))
        except OSError as error:
            reason = f"the system gives its processes no shared memory, /dev/shm on Linux ({error.strerror})"
            raise StudyError(f"A study can't run here: {reason}.") from error


def begin_work(leash: Connection) -> None:
    """Make this worker end with its parent, and leave Ctrl-C to it.

    The other end of the leash is in the parent alone, and closes when the parent lets go or dies. A worker that
    waits for work would never notice.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(leash,), daemon=True).start()


def _end_with(leash: Connection) -> None:
    leash.poll(None)
    os._exit(0)
