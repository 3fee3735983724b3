"""``nn-explorer check``: check one submission of the exercise, or those of a whole class.

It also writes the same checks for otter-grader or nbgrader: one per task, one point each.
"""

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from pprint import pformat
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.progress import track

from explorer.checks import MISTAKES, TASKS
from explorer.checks.solutions import GIVEN, solution
from explorer.checks.tasks import textbook
from explorer.foreign_files import printable
from explorer.safe_write import whole_file
from explorer.serve.access import RefusedError
from explorer.serve.checked_submissions import REQUIRED, CheckedSubmission, check_all
from explorer.serve.run_options import INTERRUPTED, REFUSED, positive
from explorer.serve.submission import Limits
from explorer.wording import counted

WRONG = 1
ENDINGS = (".py", ".ipynb")
SIGNS = MappingProxyType({"right": "✓", "wrong": "✗", "waiting": "…", "missing": "–", "unchecked": "?"})
_MOST_NAME = 36  # letters of a file's name in the table
_MOST_LETTERS = 1000  # of a line
_MOST_MISTAKES = 10
DESCRIPTION = """\
Check a solution of the exercise, a script or a notebook, and name its mistakes.
Of several files, or of all in a folder, show a table: a row each, then each
task's totals and the most common mistakes.
"""
EPILOG = """\
What is executed: imports, functions, classes, and assignments, also in loops,
that call nothing that the submission defines. All else is left out: magics,
training, drawing, what follows if __name__ == "__main__". If that would set a
name that an answer needs, a line says so.

What is limited: each submission has a process of its own, with limited time,
memory, size of files and output, no secrets among its variables, and an empty
working directory; it is killed with all that it has started. It is NOT a
sandbox: it can read and write what you can, reach the network, and give itself
a better result. Check strangers' code as a user without rights or in a container.

Exit codes: 0 all is right; 1 something is wrong or missing; 2 nothing can be
checked; 130 stopped by Ctrl-C.

Examples:
  nn-explorer check exercise.ipynb
  nn-explorer check submissions/ --json > results.jsonl
  nn-explorer check --cells nbgrader -o source/exercise
"""


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``check`` to its parser."""
    add = parser.add_argument
    add("paths", nargs="*", type=Path, metavar="PATH", help="a .py, a .ipynb, or a folder of them")
    add("--json", action="store_true", help="write a JSON object for each submission, a line each")
    for option, usual, unit in zip(("--seconds", "--memory"), Limits(), ("N", "MB"), strict=True):
        words = f"what a submission may take (default: {usual})"
        add(option, type=positive, default=usual, metavar=unit, help=words)
    words = "instead write the same checks for a grader: tests, or a notebook with a cell for each task"
    add("--cells", choices=("otter", "nbgrader"), help=words)
    words = "the folder that --cells writes to (default: tests)"
    add("-o", "--output", type=Path, default=Path("tests"), metavar="FOLDER", help=words)
    add("--overwrite", action="store_true", help="let --cells replace files")


def run(arguments: Namespace) -> int:
    """Check the given files, or write the checks for a grader; return the exit code."""
    if arguments.cells:
        return _write(_written(arguments.cells), arguments.output, overwrite=arguments.overwrite)
    paths, found = list[Path](), list[CheckedSubmission]()
    for given in arguments.paths:
        try:
            paths += _submissions(given)
        except OSError as error:
            found.append(CheckedSubmission(str(given), error=str(error)))
    if not paths:
        reasons = [f"{submission.file}: {submission.error}" for submission in found] or [
            "nothing to check: name a script, a notebook, or a folder of them"
        ]
        raise RefusedError(f"{'; '.join(reasons)}.")
    if arguments.json:
        for submission in found:
            print(json.dumps(submission.record()))
    console = Console(stderr=True)
    checked: Iterable[CheckedSubmission] = check_all(paths, Limits(arguments.seconds, arguments.memory))
    if console.is_terminal:
        checked = track(checked, "Checking", len(paths), console=console, transient=True)
    try:
        for submission in checked:
            found.append(submission)
            if arguments.json:
                print(json.dumps(submission.record()), flush=True)
        if not arguments.json:
            found.sort(key=lambda submission: submission.file)
            for line in _table(found) if len(found) > 1 else _lines(found[0]):
                print(printable(line, _MOST_LETTERS))  # strangers' text can't move the cursor
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader has closed the pipe, as in `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or closing it would fail once more
    if not any(submission.verdicts for submission in found):
        return REFUSED
    return 0 if all(submission.is_right for submission in found) else WRONG


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


def _write(files: Mapping[str, str], folder: Path, *, overwrite: bool) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with whole_file(folder / name, overwrite=overwrite) as stream:
                stream.write(text.encode())
    except OSError as error:
        raise RefusedError(f"{error}; --overwrite replaces files.") from error
    print(f"Wrote {counted(len(files), 'file')} to {folder}.")
    return 0


def _lines(found: CheckedSubmission) -> Iterator[str]:
    """Yield the lines for one submission: one per task, without bonus tasks that are missing."""
    for verdict in found.verdicts:
        if verdict.outcome != "missing" or verdict.task in REQUIRED:
            yield repr(verdict)
            yield from (f"    {line}" for line in verdict.example.splitlines())
    if found.verdicts:
        yield f"{found.count()} of {len(REQUIRED)} right, and {found.count(bonus=True)} of the bonus"
    yield from _remarks(found)


def _table(found: Sequence[CheckedSubmission]) -> Iterator[str]:
    """Yield the table for a class: a row per submission, totals per task, and the most common mistakes."""
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


def _written(grader: str) -> dict[str, str]:
    """Return the files for a grader, as texts by file name."""
    if grader == "otter":
        return {f"{task}.py": otter_test(task) for task in TASKS}
    return {"exercise.ipynb": json.dumps(nbgrader_notebook(), indent=1)}


def otter_test(task: str) -> str:
    """Return a task's test in otter-grader's OK format; if it fails, it shows the verdict."""
    code = (
        ">>> from explorer.checks import diagnose\n"
        f">>> verdict = diagnose({task!r}, globals().get({textbook(task).__name__!r}))\n"
        ">>> print('right' if verdict.outcome == 'right' else verdict)\nright\n"
    )
    suite = {"type": "doctest", "scored": True, "setup": "", "teardown": ""}
    suite |= {"cases": [{"code": code, "hidden": False, "locked": False}]}
    test = {"name": task, "points": 1, "suites": [suite]}
    return f"OK_FORMAT = True\n\ntest = {pformat(test, sort_dicts=False)}\n"


def nbgrader_notebook() -> dict[str, Any]:
    """Return the exercise as a teacher's nbgrader notebook: for each task its solution and its check."""
    setup = "import numpy as np\n\nfrom explorer.checks import diagnose"
    cells = [_cell("setup", setup, locked=True), _cell("network", GIVEN.rstrip(), locked=True)]
    for name, task in TASKS.items():
        check = f'verdict = diagnose("{name}", globals().get("{textbook(name).__name__}"))\n'
        check += 'print(verdict)\nassert verdict.outcome == "right"'
        text = {"cell_type": "markdown", "id": f"{name}-title", "metadata": {}, "source": f"### {task.title}"}
        cells += [text, _cell(name, solution(name, has_marks=True), solution=True)]
        cells.append(_cell(f"{name}-check", check, locked=True, grade=True, points=1))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _cell(name: str, source: str, **kind: Any) -> dict[str, Any]:
    roles = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
    metadata = {"nbgrader": {"grade_id": name, **roles, **kind}}
    cell = {"cell_type": "code", "id": name, "metadata": metadata, "source": source}
    return cell | {"execution_count": None, "outputs": []}
