"""Diagnoses an answer in a process of its own, which can be killed whatever the answer does.

A thread can only be stopped between two instructions of Python: a single one such as ``7**10**8`` would freeze its
whole process, and thus a notebook's kernel.
"""

import faulthandler
import io
import linecache
import marshal
import os
import pickle
import threading
from collections import ChainMap
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from types import CodeType
from typing import IO, Any, ClassVar
from weakref import finalize

from explorer.checks.diagnosis import Verdict, diagnose
from explorer.training.studies.executors import WorkerPool

_BEAT = 0.1  # seconds
_FROZEN = 1  # the exit code of `faulthandler`
_MOST_BYTES = 50_000_000  # of an answer with everything that it uses


class Examiner:
    """Diagnoses answers in another process, or in this one if there can't be another."""

    def __init__(self) -> None:
        self._pool: WorkerPool | None = None

    def prepare(self) -> WorkerPool:
        """Return a pool of one process, starting it unless it runs; this doesn't wait for it."""
        if self._pool is None:
            self._pool = WorkerPool(1, niceness=0)
            finalize(self, self._pool.end_workers)
            self._pool.submit(diagnose, "sigmoid", None)  # imports what it needs
        return self._pool

    def diagnose(self, task: str, answer: Any, seconds: float = 5.0) -> Verdict:
        """Diagnose as `explorer.checks.diagnose` does, even if an answer freezes or ends its process."""
        began, is_usable = perf_counter(), False
        try:
            request = _request(task, answer, seconds)
            verdict, is_usable = self.prepare().submit(_diagnosed, request).result()
        except BrokenExecutor as error:
            reason = f"no result after {seconds:g} seconds: a single call in it takes too long"
            if (code := error.args[-1]) != _FROZEN:
                reason = f"it ends the program that checks it (exit code {code})"
            return Verdict(task, "wrong", message=reason, seconds=round(perf_counter() - began, 3))
        except Exception:  # noqa: BLE001  # it can't be pickled, or there are no processes, as in a browser
            return diagnose(task, answer, seconds)
        finally:
            if not is_usable and self._pool is not None:  # also after an interrupt
                self._pool.end_workers()
                self._pool = None
        return verdict


def _request(task: str, answer: Any, seconds: float) -> bytes:
    """Return a request for the other process: an answer with everything that it uses, and its source cells."""
    cells = {file: entry for file, entry in linecache.cache.items() if len(entry) > 1 and entry[1] is None}
    _carrier(carried := io.BytesIO()).dump((task, answer, seconds, cells))
    if carried.tell() > _MOST_BYTES:
        raise ValueError("it uses a large array")
    return carried.getvalue()


def _carrier(stream: IO[bytes]) -> pickle.Pickler:
    """Return a pickler that preserves a code's file and lines, which error messages report."""
    import cloudpickle  # here: without it, answers are checked in this process

    reducers = {CodeType: lambda code: (marshal.loads, (marshal.dumps(code),))}

    class Carrier(cloudpickle.Pickler):  # type: ignore[misc]  # it comes without types, and drops the file
        dispatch_table: ClassVar[ChainMap[Any, Any]] = ChainMap(reducers, cloudpickle.Pickler.dispatch_table)

    return Carrier(stream)


def _diagnosed(request: bytes) -> tuple[Verdict, bool]:
    """Return the verdict of a request, and whether the process is usable afterwards: all threads have ended."""
    n_threads = threading.active_count()
    task, answer, seconds, cells = pickle.loads(request)
    linecache.cache.update(cells)
    with _living(seconds):
        verdict = diagnose(task, answer, seconds)
    return verdict, threading.active_count() == n_threads


@contextmanager
def _living(seconds: float) -> Iterator[None]:
    """End this process, from a thread that needs no Python, once no other thread has run for some time."""
    is_over = threading.Event()

    def beat() -> None:
        while not is_over.wait(_BEAT):
            faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)

    with Path(os.devnull).open("w") as nowhere:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()
            faulthandler.cancel_dump_traceback_later()
