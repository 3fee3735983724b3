"""``nn-explorer check``: check submissions of the exercise."""

import csv
import json
import os
import signal
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from heapq import merge
from operator import attrgetter
from pathlib import Path
from subprocess import DEVNULL, Popen, TimeoutExpired
from tempfile import TemporaryDirectory, TemporaryFile
from types import MappingProxyType
from typing import IO, Any

from rich.console import Console
from rich.progress import track

from explorer.checks import MISTAKES, TASKS, Verdict
from explorer.checks.diagnosis import SIGNS
from explorer.checks.tasks import REQUIRED
from explorer.extensions.grading.submission import Limits
from explorer.extensions.grading.warden import MOST_PROCESSES, TOO_LARGE, TOO_MANY, descendants, end_all
from explorer.foreign_files import printable
from explorer.serve.access import FAILED, REFUSED, RefusedError, positive
from explorer.serve.environment import adopt_orphans, kernel_environment, process_option
from explorer.training.studies.executors import BLAS_VARIABLES
from explorer.training.turns import n_cores
from explorer.wording import counted, duration

_PR_SET_DUMPABLE = 4
_MOST_BYTES = 1_000_000  # of a check's output
ENDINGS = (".py", ".ipynb")
_MOST_NAME = 36  # letters of a file's name in the table
_MOST_LETTERS = 1000  # of a line
_MOST_MISTAKES = 10
_WARDEN_SECONDS = 10.0  # in which a warden has ended all that a submission has started
_STOPPED = "it has stopped the process that watches it"
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
    def lacking(self) -> list[str]:
        """The required tasks that aren't right and the bonus tasks that are wrong: none if all is right."""
        bonus = "right", "waiting", "missing"
        tasks = ((name, bonus if task.is_bonus else bonus[:1]) for name, task in TASKS.items())
        return [name for name, allowed in tasks if self.outcome(name) not in allowed]

    def record(self) -> dict[str, Any]:
        """Return the results as a JSON-serializable dict."""
        tasks = [v.record() | {"look": v.look, "example": v.example, "note": v.remark} for v in self.verdicts]
        counts = {"right": self.count(), "of": len(REQUIRED), "bonus": self.count(bonus=True)}
        return {"file": self.file, **counts, "tasks": tasks, "notes": self.notes, "error": self.error}

    def row(self) -> list[str | int]:
        """Return a gradebook's row: file, counts as in `record`, the outcome of each task, remarks."""
        remarks = "; ".join(filter(None, (*self.notes, self.error)))
        file, remarks = (printable(text, _MOST_LETTERS) for text in (self.file, remarks))
        file = f"'{file}" if file[0] in "=+-@" else file  # or a spreadsheet computes it
        return [file, self.count(), len(REQUIRED), self.count(bonus=True), *map(self.outcome, TASKS), remarks]


def check_all(paths: Iterable[Path], limits: Limits) -> Iterator[CheckedSubmission]:
    """Check files, and yield the results in the same order; one that exceeds its limits keeps those up to then."""
    running, before = set[Popen[bytes]](), descendants(os.getpid())
    adopt_orphans()
    process_option(_PR_SET_DUMPABLE, False)  # so that no submission reads this process's environment
    try:
        with ThreadPoolExecutor(n_cores()) as pool:
            try:
                yield from pool.map(partial(_check, limits=limits, running=running), paths)
            finally:
                for process in [*running]:
                    process.terminate()
    finally:
        adopt_orphans(False)
        process_option(_PR_SET_DUMPABLE, True)
        # Left by a submission that has ended its warden.
        end_all(lambda: {*descendants(os.getpid())} - {*before})


def _check(path: Path, limits: Limits, running: set[Popen[bytes]]) -> CheckedSubmission:
    """Check one submission in a process without secrets in its environment, in an empty working directory."""
    command = [sys.executable, "-m", f"{__package__}.submission", str(path.absolute()), *map(str, limits)]
    if sys.platform == "linux":
        command = [sys.executable, "-m", f"{__package__}.warden", str(limits.megabytes), *command]
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, TemporaryFile() as output:
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
                reason = _STOPPED
                process.kill()
            if os.name == "posix":
                # Elsewhere than on Linux, those of its group; macOS raises the second if that is empty.
                with suppress(ProcessLookupError, PermissionError):
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
    stuck = next((name for name in TASKS if name not in verdicts), None)
    says_end = "end" in result and ("error" in result or not stuck)
    has_ended = says_end and reason != _STOPPED  # else the submission wrote it
    error = str(result.get("error", "")) if has_ended else reason
    if not has_ended and "defined" in result and stuck:
        verdicts[stuck] = Verdict(stuck, "wrong", message=f"the check broke off: {reason}")
    elif verdicts and all(verdict.outcome == "missing" for verdict in verdicts.values()):
        error = error or "; ".join(notes) or "it has none of the exercise's functions"
        verdicts, notes = {}, []
    return CheckedSubmission(file, tuple(verdicts.values()), tuple(notes), error)


def run(arguments: Namespace) -> int:
    """Run ``nn-explorer check``."""
    if arguments.json and arguments.csv:
        raise RefusedError("--json and --csv both write to standard output; give one of them.")
    found = list[CheckedSubmission]()
    for submission in _checked(arguments):
        found.append(submission)
        if arguments.json:
            print(json.dumps(submission.record()), flush=True)
    if arguments.csv:
        head = "file", "right", "of", "bonus", *TASKS, "remarks"
        csv.writer(sys.stdout, lineterminator="\n").writerows([head, *(one.row() for one in found)])
    elif not arguments.json:
        for line in _summary(found) if len(found) > 1 else _lines(found[0]):
            print(printable(line, _MOST_LETTERS))  # strangers' text can't move the cursor
    sys.stdout.flush()
    if not any(submission.verdicts for submission in found):
        return REFUSED
    return FAILED if any(submission.lacking for submission in found) else 0


def _checked(arguments: Namespace) -> Iterable[CheckedSubmission]:
    """Check all submissions, and yield them sorted by name; RefusedError if there are none."""
    paths, failed = list[Path](), list[CheckedSubmission]()
    for given in sorted(arguments.paths, key=str):
        try:
            paths += _submissions(given)
        except OSError as error:
            failed.append(CheckedSubmission(str(given), error=str(error)))
    if not paths:
        reasons = "; ".join(f"{submission.file}: {submission.error}" for submission in failed)
        none = "nothing to check: name a script, a notebook, or a folder of them"
        raise RefusedError(f"{reasons or none}.")
    console = Console(stderr=True)
    checked = check_all(sorted(paths, key=str), Limits(arguments.seconds, arguments.memory))
    if console.is_terminal:
        checked = iter(track(checked, "Checking", len(paths), console=console, transient=True))
    return merge(failed, checked, key=attrgetter("file"))


def _submissions(given: Path) -> list[Path]:
    """Return the given file, or all scripts and notebooks in a folder except hidden ones."""
    if not given.is_dir():
        if not given.exists():
            raise FileNotFoundError("there is no such file or folder")
        if given.suffix.lower() not in ENDINGS:
            raise OSError("found neither a script nor a notebook; expected a name ending in .py or .ipynb")
        return [given]
    named = (path for path in given.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    visible = [path for path in named if "/." not in f"/{path.relative_to(given).as_posix()}"]
    if not visible:
        raise FileNotFoundError("there is neither a script nor a notebook in it")
    return visible


def _lines(found: CheckedSubmission) -> Iterator[str]:
    for verdict in found.verdicts:
        if verdict.outcome != "missing" or verdict.task in REQUIRED:
            yield repr(verdict)
            yield from (f"    {line}" for line in verdict.example.splitlines())
    if found.verdicts:
        yield f"{found.count()} of {len(REQUIRED)} right, and {found.count(bonus=True)} of the bonus"
    yield from _remarks(found)


def _summary(found: Sequence[CheckedSubmission]) -> Iterator[str]:
    width = min(max(len(submission.file) for submission in found), _MOST_NAME)
    yield " " * width + "".join(f"{number:3}" for number in range(1, len(TASKS) + 1))
    for submission in found:
        signs = "".join(f"  {SIGNS[submission.outcome(task)]}" for task in TASKS)
        right = f"{signs}  {submission.count():2} of {len(REQUIRED)}"
        yield f"{submission.file[-width:]:{width}}{right if submission.verdicts else '  not checked'}"
    yield from ("", *_totals(found), *_mistakes(found), "")
    n_right = sum(not submission.lacking for submission in found)
    n_lost = sum(not submission.verdicts for submission in found)
    yield f"{counted(len(found), 'submission')}, {n_right} of them completely right, {n_lost} not checked"
    yield from (line for submission in found for line in _remarks(submission))


def _totals(found: Sequence[CheckedSubmission]) -> Iterator[str]:
    """Yield each task's outcomes; first comes the hardest, which most of those that reached it lack."""
    yield " " * 20 + "".join(f"{sign} {outcome:11}" for outcome, sign in SIGNS.items()).rstrip()
    lacking = Counter(task for s in found for task in s.lacking if s.outcome(task) != "unchecked")
    for number, task in sorted(enumerate(TASKS, 1), key=lambda row: -lacking[row[1]]):
        totals = Counter(submission.outcome(task) for submission in found)
        mark = "← hardest" if lacking[task] == max(lacking.values(), default=None) else ""
        yield f"{number:2} {task:17}{''.join(f'{totals[outcome]:<13}' for outcome in SIGNS)}{mark}".rstrip()


def _mistakes(found: Sequence[CheckedSubmission]) -> Iterator[str]:
    """Yield the most common mistakes, and by task the files whose mistakes have no name."""
    wrong = [(v, one.file) for one in found for v in one.verdicts if v.outcome == "wrong"]
    made = Counter((v.task, v.mistake) for v, _ in wrong if v.mistake in MISTAKES)
    unnamed = [(v.task, f"      {file}: {v.message}") for v, file in wrong if v.mistake not in MISTAKES]
    if made:
        yield from ("", "The most common mistakes:")
    for (task, mistake), count in made.most_common(_MOST_MISTAKES):
        yield f"{count:3} × {task}: {MISTAKES[mistake].what}"
    if unnamed:
        yield from ("", "Mistakes without a name:")
    for task in TASKS:
        lines = [line for name, line in unnamed if name == task]
        yield from [f"{len(lines):3} × {task}", *lines] if lines else ()


def _remarks(found: CheckedSubmission) -> Iterator[str]:
    yield from (f"{found.file}: {remark}" for remark in (*found.notes, found.error) if remark)
