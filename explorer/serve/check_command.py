"""``nn-explorer check``: check submissions of the exercise."""

import json
import os
import signal
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from subprocess import DEVNULL, Popen, TimeoutExpired
from tempfile import TemporaryDirectory, TemporaryFile
from types import MappingProxyType
from typing import IO, Any

from rich.console import Console
from rich.progress import track

from explorer.checks import MISTAKES, TASKS, Verdict
from explorer.foreign_files import printable
from explorer.serve.access import FAILED, REFUSED, RefusedError, positive
from explorer.serve.environment import kernel_environment
from explorer.serve.submission import Limits
from explorer.serve.warden import (
    MOST_PROCESSES,
    TOO_LARGE,
    TOO_MANY,
    adopt_orphans,
    descendants,
    end_all,
    show_environment,
)
from explorer.training.share import n_cores
from explorer.training.studies.executors import BLAS_VARIABLES
from explorer.wording import counted, duration

REQUIRED = tuple(name for name, task in TASKS.items() if not task.is_bonus)
_MOST_BYTES = 1_000_000  # of a check's output
ENDINGS = (".py", ".ipynb")
SIGNS = MappingProxyType({"right": "✓", "wrong": "✗", "waiting": "…", "missing": "–", "unchecked": "?"})
_MOST_NAME = 36  # letters of a file's name in the table
_MOST_LETTERS = 1000  # of a line
_MOST_MISTAKES = 10
_WARDEN_SECONDS = 10.0  # in which a warden has ended all that a submission has started
_ENDS = MappingProxyType(
    {
        0: "its process ended early",
        TOO_LARGE: "it uses more than {} MB in all its processes",
        TOO_MANY: f"it has more than {MOST_PROCESSES} processes",
    }
)
OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "paths": {"nargs": "*", "type": Path},
        "--seconds": {"type": positive, "default": Limits().seconds},
        "--memory": {"type": positive, "default": Limits().megabytes},
    }
)


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
    """Check files, and yield each result as it is ready; one that exceeds its limits keeps those up to then."""
    running, before = set[Popen[bytes]](), descendants(os.getpid())
    adopt_orphans()
    show_environment(False)
    with ThreadPoolExecutor(n_cores()) as pool:
        checks = [pool.submit(_check, path, limits, running) for path in paths]
        try:
            yield from (check.result() for check in as_completed(checks))
        finally:
            for check in checks:
                check.cancel()
            for process in [*running]:
                process.terminate()
    adopt_orphans(False)
    show_environment(True)
    # Left by a submission that has ended its warden.
    end_all(lambda: {*descendants(os.getpid())} - {*before})


def _check(path: Path, limits: Limits, running: set[Popen[bytes]]) -> CheckedSubmission:
    """Check one submission in a process without secrets in its environment, in an empty working directory."""
    python = sys.executable, "-m"
    submission = *python, "explorer.serve.submission", str(path.absolute()), *map(str, limits)
    warden = (*python, "explorer.serve.warden", str(limits.megabytes)) if sys.platform == "linux" else ()
    command = [*warden, *submission]
    with (
        TemporaryDirectory(prefix="nn-explorer-check-", ignore_cleanup_errors=True) as folder,
        TemporaryFile() as output,
    ):
        environment = kernel_environment(os.environ) | dict.fromkeys(BLAS_VARIABLES, "1")
        environment |= {"MPLBACKEND": "Agg", "TMPDIR": folder}
        settings: dict[str, Any] = {"cwd": folder, "env": environment, "start_new_session": True}
        with Popen(command, stdin=DEVNULL, stdout=output, stderr=DEVNULL, **settings) as process:
            running.add(process)
            try:
                reason = _ENDS.get(process.wait(limits.seconds), "it has ended the process that watches it")
            except TimeoutExpired:
                reason = f"it takes more than {duration(limits.seconds)}"
            reason = reason.format(limits.megabytes)
            process.terminate()
            try:
                process.wait(_WARDEN_SECONDS)
            except TimeoutExpired:
                reason = "it has stopped the process that watches it"
                process.kill()
            if os.name == "posix":  # elsewhere than on Linux, those of its group
                with suppress(
                    ProcessLookupError, PermissionError
                ):  # the group is empty; macOS raises the second
                    os.killpg(process.pid, signal.SIGKILL)
        running.discard(process)
        output.seek(0)
        return _read(str(path), output, reason)


def _read(file: str, output: IO[bytes], reason: str) -> CheckedSubmission:
    """Return the results in a check's output, one JSON object per line; `reason` explains a missing end."""
    verdicts, notes, result = dict[str, Verdict](), list[str](), dict[str, Any]()
    try:
        for found in map(json.loads, output.read(_MOST_BYTES).splitlines()):
            result |= found
            notes += [str(found["note"])] if "note" in found else []
            if "verdict" in found:
                fields: dict[str, Any] = {name: str(value) for name, value in found["verdict"].items()}
                fields |= {"helpers": tuple(map(str, found["verdict"].get("helpers", ())))}
                verdict = Verdict(**fields | {"seconds": float(fields.get("seconds", 0))})
                if verdict.task in TASKS and verdict.outcome in SIGNS:
                    verdicts[verdict.task] = verdict
    except (ValueError, TypeError, AttributeError, RecursionError):
        result.pop("end", None)  # it was cut off, or the submission wrote it
    error = str(result.get("error", "")) if "end" in result else reason
    stuck = next((name for name in TASKS if name not in verdicts), None)
    if "end" not in result and "defined" in result and stuck:
        verdicts[stuck] = Verdict(stuck, "wrong", message=f"the check did not end: {reason}")
    elif verdicts and all(verdict.outcome == "missing" for verdict in verdicts.values()):
        error = "; ".join(notes) or "it has none of the exercise's functions"
        verdicts, notes = {}, []
    return CheckedSubmission(file, tuple(verdicts.values()), tuple(notes), error)


def run(arguments: Namespace) -> int:
    """Run ``nn-explorer check``."""
    paths, failed, found = list[Path](), list[CheckedSubmission](), list[CheckedSubmission]()
    for given in arguments.paths:
        try:
            paths += _submissions(given)
        except OSError as error:
            failed.append(CheckedSubmission(str(given), error=str(error)))
    if not paths:
        reasons = "; ".join(f"{submission.file}: {submission.error}" for submission in failed)
        none = "nothing to check: name a script, a notebook, or a folder of them"
        raise RefusedError(f"{reasons or none}.")
    console = Console(stderr=True)
    checked: Iterable[CheckedSubmission] = check_all(paths, Limits(arguments.seconds, arguments.memory))
    if console.is_terminal:
        checked = track(checked, "Checking", len(paths), console=console, transient=True)
    for submission in chain(failed, checked):
        found.append(submission)
        if arguments.json:
            print(json.dumps(submission.record()), flush=True)
    if not arguments.json:
        found.sort(key=lambda submission: submission.file)
        for line in _table(found) if len(found) > 1 else _lines(found[0]):
            print(printable(line, _MOST_LETTERS))  # strangers' text can't move the cursor
        sys.stdout.flush()
    if not any(submission.verdicts for submission in found):
        return REFUSED
    return 0 if all(submission.is_right for submission in found) else FAILED


def _submissions(given: Path) -> list[Path]:
    """Return the given file, or all scripts and notebooks in a folder except hidden ones."""
    if not given.is_dir():
        if not given.exists():
            raise FileNotFoundError("there is no such file or folder")
        if given.suffix not in ENDINGS:
            raise OSError("found neither a script nor a notebook; expected a name ending in .py or .ipynb")
        return [given]
    named = (path for path in given.rglob("*") if path.suffix in ENDINGS and path.is_file())
    return sorted(path for path in named if "/." not in f"/{path.relative_to(given).as_posix()}")


def _lines(found: CheckedSubmission) -> Iterator[str]:
    for verdict in found.verdicts:
        if verdict.outcome != "missing" or verdict.task in REQUIRED:
            yield repr(verdict)
            yield from (f"    {line}" for line in verdict.example.splitlines())
    if found.verdicts:
        yield f"{found.count()} of {len(REQUIRED)} right, and {found.count(bonus=True)} of the bonus"
    yield from _remarks(found)


def _table(found: Sequence[CheckedSubmission]) -> Iterator[str]:
    width = min(max(len(submission.file) for submission in found), _MOST_NAME)
    yield " " * width + "".join(f"{number:3}" for number in range(1, len(TASKS) + 1))
    for submission in found:
        signs = "".join(f"  {SIGNS[submission.outcome(task)]}" for task in TASKS)
        right = f"{signs}  {submission.count():2} of {len(REQUIRED)}"
        yield f"{submission.file[-width:]:{width}}{right if submission.verdicts else '  not checked'}"
    yield ""
    yield " " * 20 + "".join(f"{sign} {outcome:11}" for outcome, sign in SIGNS.items()).rstrip()
    for number, task in enumerate(TASKS, 1):
        totals = Counter(submission.outcome(task) for submission in found)
        yield f"{number:2} {task:17}" + "".join(f"{totals[outcome]:<13}" for outcome in SIGNS).rstrip()
    verdicts = [verdict for submission in found for verdict in submission.verdicts]
    made = Counter((v.task, v.mistake) for v in verdicts if v.mistake in MISTAKES)
    if made:
        yield from ("", "The most common mistakes:")
    for (task, mistake), count in made.most_common(_MOST_MISTAKES):
        yield f"{count:3} × {task}: {MISTAKES[mistake].what}"
    n_right = sum(submission.is_right for submission in found)
    yield from ("", f"{counted(len(found), 'submission')}, {n_right} of them completely right")
    yield from (line for submission in found for line in _remarks(submission))


def _remarks(found: CheckedSubmission) -> Iterator[str]:
    yield from (f"{found.file}: {remark}" for remark in (*found.notes, found.error) if remark)
