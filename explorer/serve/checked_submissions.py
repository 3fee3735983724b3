"""Checks many submissions: each in a process of its own, as many at once as there are cores."""

import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen, TimeoutExpired
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any

from explorer.checks import TASKS, Verdict
from explorer.serve.environment import kernel_environment
from explorer.serve.submission import Limits
from explorer.training.share import n_cores
from explorer.training.studies.executors import BLAS_VARIABLES
from explorer.wording import duration

REQUIRED = tuple(name for name, task in TASKS.items() if not task.is_bonus)
OUTCOMES = frozenset({"right", "wrong", "waiting", "missing"})
_MOST_BYTES = 1_000_000  # of a check's output


@dataclass(frozen=True, slots=True)
class CheckedSubmission:
    """The results for one file."""

    file: str
    verdicts: tuple[Verdict, ...] = ()
    """One per task that was reached."""
    notes: tuple[str, ...] = ()
    """One sentence for each part of the file that could not be used."""
    error: str = ""
    """Why the check did not finish, in one sentence; empty if it did."""

    def outcome(self, task: str) -> str:
        """Return a task's outcome: one of `Verdict`, or ``"unchecked"``."""
        return next((verdict.outcome for verdict in self.verdicts if verdict.task == task), "unchecked")

    def count(self, *, bonus: bool = False) -> int:
        """Return the number of required tasks that are right, or of bonus tasks."""
        return sum(v.outcome == "right" and TASKS[v.task].is_bonus is bonus for v in self.verdicts)

    @property
    def is_right(self) -> bool:
        """Whether all required tasks are right and no bonus task is wrong."""
        return all(
            self.outcome(name) in (("right", "waiting", "missing") if task.is_bonus else ("right",))
            for name, task in TASKS.items()
        )

    def record(self) -> dict[str, Any]:
        """Return the results as a JSON-serializable dict."""
        tasks = [v.record() | {"look": v.look, "example": v.example, "note": v.remark} for v in self.verdicts]
        counts = {"right": self.count(), "of": len(REQUIRED), "bonus": self.count(bonus=True)}
        return {"file": self.file, **counts, "tasks": tasks, "notes": self.notes, "error": self.error}


def check_all(paths: Iterable[Path], limits: Limits) -> Iterator[CheckedSubmission]:
    """Check scripts and notebooks, and yield each result as it is ready; closing the generator stops the rest.

    A check that exceeds its limits is killed; the results up to then are kept.
    """
    running = set[Popen[bytes]]()
    with ThreadPoolExecutor(n_cores()) as pool:
        checks = [pool.submit(_check, path, limits, running) for path in paths]
        try:
            yield from (check.result() for check in as_completed(checks))
        finally:
            for check in checks:
                check.cancel()
            for process in [*running]:
                _end(process)


def _check(path: Path, limits: Limits, running: set[Popen[bytes]]) -> CheckedSubmission:
    """Check one submission in a process without secrets in its environment, in an empty working directory."""
    command = [sys.executable, "-m", "explorer.serve.submission", str(path.absolute()), *map(str, limits)]
    with (
        TemporaryDirectory(prefix="nn-explorer-check-", ignore_cleanup_errors=True) as folder,
        TemporaryFile() as said,
    ):
        environment = kernel_environment(os.environ) | dict.fromkeys(BLAS_VARIABLES, "1")
        environment |= {"MPLBACKEND": "Agg", "TMPDIR": folder}
        settings: dict[str, Any] = {"cwd": folder, "env": environment, "start_new_session": True}
        with Popen(command, stdin=DEVNULL, stdout=said, stderr=DEVNULL, **settings) as process:
            running.add(process)
            try:
                process.wait(limits.seconds)
                reason = "its process ended early"
            except TimeoutExpired:
                reason = f"it takes more than {duration(limits.seconds)}"
            finally:
                _end(process)
        running.discard(process)
        said.seek(0)
        return _read(str(path), said, reason)


def _end(process: Popen[bytes]) -> None:
    """Kill a process and its descendants, which may outlive it."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):  # the group is empty; macOS raises the second
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _read(file: str, said: IO[bytes], reason: str) -> CheckedSubmission:
    """Return the results in a check's output, one JSON object per line; `reason` explains a missing end."""
    verdicts, notes, told = dict[str, Verdict](), list[str](), dict[str, Any]()
    try:
        for found in map(json.loads, said.read(_MOST_BYTES).splitlines()):
            told |= found
            notes += [str(found["note"])] if "note" in found else []
            if "verdict" in found:
                fields: dict[str, Any] = {name: str(value) for name, value in found["verdict"].items()}
                fields |= {"helpers": tuple(map(str, found["verdict"].get("helpers", ())))}
                verdict = Verdict(**fields | {"seconds": float(fields.get("seconds", 0))})
                if verdict.task in TASKS and verdict.outcome in OUTCOMES:
                    verdicts[verdict.task] = verdict
    except (ValueError, TypeError, AttributeError, RecursionError):
        told.pop("end", None)  # it was cut off, or the submission wrote it
    error = str(told.get("error", "")) if "end" in told else reason
    stuck = next((name for name in TASKS if name not in verdicts), None)
    if "end" not in told and "defined" in told and stuck:
        verdicts[stuck] = Verdict(stuck, "wrong", message=f"the check did not end: {reason}")
    elif verdicts and all(verdict.outcome == "missing" for verdict in verdicts.values()):
        error = "; ".join(notes) or "it has none of the exercise's functions"
        verdicts, notes = {}, []
    return CheckedSubmission(file, tuple(verdicts.values()), tuple(notes), error)
