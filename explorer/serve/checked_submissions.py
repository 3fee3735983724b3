"""The check of many submissions: each in a process of its own, as many at once as there are cores."""

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
_MOST_BYTES = 1_000_000  # of what a check says


@dataclass(frozen=True, slots=True)
class CheckedSubmission:
    """What was found in one file."""

    file: str
    verdicts: tuple[Verdict, ...] = ()
    """One a task, as far as the check came."""
    notes: tuple[str, ...] = ()
    """Each piece of the file that could not be used, in a sentence."""
    error: str = ""
    """Why the check did not come to its end, in a sentence; empty if it did."""

    def outcome(self, task: str) -> str:
        """Return what came out of a task: one of `Verdict`, or ``"unchecked"``."""
        return next((verdict.outcome for verdict in self.verdicts if verdict.task == task), "unchecked")

    def count(self, *, bonus: bool = False) -> int:
        """Return how many of the tasks are right, or of those of the bonus."""
        return sum(v.outcome == "right" and TASKS[v.task].is_bonus is bonus for v in self.verdicts)

    @property
    def is_right(self) -> bool:
        """Whether all tasks are right, and nothing of the bonus is wrong."""
        return all(
            self.outcome(name) in (("right", "waiting", "missing") if task.is_bonus else ("right",))
            for name, task in TASKS.items()
        )

    def record(self) -> dict[str, Any]:
        """Return it for JSON."""
        tasks = [v.record() | {"look": v.look, "example": v.example, "note": v.remark} for v in self.verdicts]
        counts = {"right": self.count(), "of": len(REQUIRED), "bonus": self.count(bonus=True)}
        return {"file": self.file, **counts, "tasks": tasks, "notes": self.notes, "error": self.error}


def check_all(paths: Iterable[Path], limits: Limits) -> Iterator[CheckedSubmission]:
    """Check scripts and notebooks and yield each as it is done; whoever stops asking ends the rest.

    What exceeds its limits is ended, and what was found before is kept.
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
    """Check one submission in a process that knows no secrets and whose working directory is empty."""
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
    """End a process with all that it has started, which may outlive it."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):  # nobody is left, which macOS says in another way
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _read(file: str, said: IO[bytes], reason: str) -> CheckedSubmission:
    """Return what a check has said, a JSON object a line; where its end is missing, for what `reason`."""
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
