"""Diagnoses an answer in a process of its own, which can be killed whatever the answer does.

A thread can only be stopped between two instructions of Python: a single one such as ``7**10**8`` would freeze its
whole process, and thus a notebook's kernel.
"""

import faulthandler
import io
import json
import linecache
import marshal
import os
import pickle
import subprocess
import sys
import threading
from collections import ChainMap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter
from types import CodeType
from typing import IO, Any, ClassVar
from weakref import finalize

from explorer.checks.diagnosis import Verdict, diagnose, waits_for

_BEAT = 0.1  # seconds
_MOST_BYTES = 50_000_000  # of an answer with everything that it uses
_FROZEN = 1  # the exit code of `faulthandler`
_TRIES = 2  # the first process may be about to exit
_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # on Windows


class Examiner:
    """Diagnoses answers in another process, or in this one if there can't be another."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> subprocess.Popen[bytes]:
        """Return the process, starting it unless it runs; this doesn't wait for it."""
        if self._process is None or self._process.poll() is not None:
            paths = os.pathsep.join(path for path in sys.path if path)
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"import {__name__} as module; module.main()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": paths},
                start_new_session=True,  # interrupts go to the kernel only
                creationflags=_NO_WINDOW,
            )
            finalize(self, _end, self._process)
        return self._process

    def diagnose(self, task: str, answer: Any, seconds: float = 5.0) -> Verdict:
        """Diagnose as `explorer.checks.diagnose` does, even if an answer freezes or ends its process."""
        try:
            process = self._asked(_request(task, answer, seconds))
        except Exception:  # noqa: BLE001  # it can't be pickled, or there are no processes, as in a browser
            return diagnose(task, answer, seconds)
        began, part = perf_counter(), task
        try:
            for line in _pipes(process)[1]:
                found = json.loads(line)
                part = found.get("begins", part)
                if verdict := found.get("verdict"):
                    return Verdict(**verdict | {"helpers": tuple(verdict["helpers"])})
        except BaseException:
            _end(process)  # after an interrupt its result is useless
            raise
        reason = f"no result after {seconds:g} seconds: a single call in it takes too long"
        if (code := process.wait()) != _FROZEN:
            reason = f"it ends the program that checks it (exit code {code})"
        lost = Verdict(task, "wrong", message=reason, seconds=round(perf_counter() - began, 3))
        return lost if part == task else replace(lost, outcome="waiting", message=waits_for([part], reason))

    def _asked(self, request: bytes) -> subprocess.Popen[bytes]:
        """Return the process once it has accepted a request; raise if none does."""
        for _ in range(_TRIES):
            process = self.prepare()
            requests, answers = _pipes(process)
            with suppress(OSError):  # it was about to exit
                requests.write(request)
                requests.flush()
            if answers.readline():
                return process
            _end(process)
        raise ChildProcessError


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _request(task: str, answer: Any, seconds: float) -> bytes:
    """Return a request for the other process: an answer with everything that it uses, and its source cells."""
    cells = {file: entry for file, entry in linecache.cache.items() if len(entry) > 1 and entry[1] is None}
    _carrier(carried := io.BytesIO()).dump((task, answer, seconds, cells))
    if carried.tell() > _MOST_BYTES:
        raise ValueError("it uses a large array")
    return pickle.dumps(carried.getvalue())


def _carrier(stream: IO[bytes]) -> pickle.Pickler:
    """Return a pickler that preserves a code's file and lines, which error messages report."""
    import cloudpickle  # here: without it, answers are checked in this process

    told = {CodeType: lambda code: (marshal.loads, (marshal.dumps(code),))}

    class Carrier(cloudpickle.Pickler):  # type: ignore[misc]  # it comes without types, and drops the file
        dispatch_table: ClassVar[ChainMap[Any, Any]] = ChainMap(told, cloudpickle.Pickler.dispatch_table)

    return Carrier(stream)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with suppress(OSError):  # data that was still to be written
        process.communicate()


def main() -> None:
    """Diagnose requests from standard input until it ends; report results as one JSON object per line."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as stream:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # discards what an answer prints

        def tell(**found: Any) -> None:
            stream.write(json.dumps(found) + "\n")

        with suppress(EOFError):
            while (
                threading.active_count() == 1
            ):  # else an answer couldn't be stopped: another process takes over
                request = pickle.load(sys.stdin.buffer)
                task, answer, seconds, cells = pickle.loads(request)
                tell()
                linecache.cache.update(cells)
                with _living(seconds):
                    verdict = diagnose(task, answer, seconds, begin=lambda part: tell(begins=part))
                tell(verdict=asdict(verdict))


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
