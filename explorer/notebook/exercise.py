"""The exercise from a student's side: a process of its own checks each answer, and a file keeps the progress."""

import faulthandler
import io
import json
import linecache
import marshal
import os
import pickle
import threading
from collections import ChainMap
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from types import CodeType
from typing import Any, ClassVar
from weakref import finalize

import numpy as np
from IPython import get_ipython
from IPython.display import display

from explorer.app.layout import AppBox
from explorer.checks import TASKS, Verdict
from explorer.checks.diagnosis import CURVE_AT, diagnose, example_call
from explorer.checks.mistakes import textbook
from explorer.checks.results import unfitting
from explorer.checks.tasks import REQUIRED, solution
from explorer.foreign_files import reason
from explorer.notebook.page import Shown, lesson_html, limit_blas_in_cells
from explorer.training.studies.executors import WorkerPool
from explorer.widgets.code_view import watch
from explorer.widgets.highlighting import tokens
from explorer.widgets.rendered import Display, element
from explorer.widgets.task_card import WATCH, TaskCard
from explorer.wording import counted, did_you_mean, duration, enumerated

_PROUD = f"All {len(REQUIRED)} tasks are right: from e⁻ᵃ to the digits it reads, this network is yours."
_PAUSE = 0.2  # seconds between two messages about a training
_LONGEST_LINE = 10_000  # characters; longer lines were not written by this module
_BEAT = 0.1  # seconds
_FROZEN = 1  # the exit code of `faulthandler`
_MOST_BYTES = 50_000_000  # of an answer with everything that it uses


@dataclass(frozen=True, slots=True)
class Attempt:
    """A checked answer, or an opened hint."""

    task: str
    outcome: str
    """``"right"``, ``"wrong"``, or ``"hint"`` if a hint or the solution was opened."""
    mistake: str = ""
    rung: int = 0
    """The last hint opened so far: 1 to 3, 4 for the solution, 0 for none."""
    seconds: float = 0.0
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    """The time in UTC: ``"2030-01-31T12:00:00+00:00"``."""


class AttemptLog:
    """The attempts of one student, also written to a file if possible; damaged lines in it are ignored."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path, self._attempts = Path(path).absolute(), list[Attempt]()
        self._trouble, self._is_told = "", False
        with self._noticing():
            self._attempts += _read(self._path) if self._path.exists() else ()

    @property
    def kept(self) -> str:
        """A sentence on where the attempts are saved, or why they aren't."""
        return self._trouble or f"Your progress is kept in `{self._path.name}`."

    def add(self, attempt: Attempt) -> None:
        """Record an attempt."""
        self._attempts.append(attempt)
        with self._noticing(), self._path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read() != b"\n":  # the previous line was cut off, and must not damage this one
                    file.write(b"\n")
            file.write(json.dumps(asdict(attempt)).encode() + b"\n")

    def rung(self, task: str) -> int:
        """Return the last hint of a task that was opened, as in `Attempt.rung`."""
        return max((attempt.rung for attempt in self._attempts if attempt.task == task), default=0)

    def last_outcomes(self) -> dict[str, str]:
        """Return the result of each task's last check: ``"right"`` or ``"wrong"``."""
        return {attempt.task: attempt.outcome for attempt in self._attempts if attempt.outcome != "hint"}

    def solved(self) -> set[str]:
        """Return the tasks whose last check found them right."""
        return {task for task, outcome in self.last_outcomes().items() if outcome == "right"}

    def trouble(self) -> str:
        """Return why the file isn't written, on the first call only; else an empty string."""
        trouble, self._is_told = "" if self._is_told else self._trouble, bool(self._trouble)
        return trouble

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = f"{self._path.name} can't be used here: {reason(error)}"
            self._trouble = f"Your progress lasts only until the kernel is restarted, because {why}."


class CheckedTask(Display[TaskCard]):
    """The card of a task; without a kernel, as in a static page, its verdict in one line."""

    view: Any  # and below it the code that is watched

    def __init__(self, shown: TaskCard) -> None:
        super().__init__(shown)
        self.view = AppBox([self])

    def watch(self, answer: object) -> None:
        """Show the run of the task's example below, from the answer on, or where it raises."""
        name, code = self.shown.name, watch(example_call(self.shown.name, answer))
        own = [k for k, step in enumerate(code.recording.steps) if step.place.function.endswith(name)]
        code.at = max([code.at, *own[:1]])
        self.view.children = (self, code)

    def _repr_mimebundle_(self, *args: Any, **options: Any) -> Any:
        return self.view._repr_mimebundle_(*args, **options) | {"text/plain": repr(self)}

    def __repr__(self) -> str:
        return self.shown.line


class Examiner:
    """Diagnoses answers in another process, or in this one if there can't be another.

    A thread can only be stopped between two instructions of Python: a single one such as ``7**10**8`` would freeze
    its whole process, and thus a notebook's kernel.
    """

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
            took = round(perf_counter() - began, 3)
            return Verdict(task, "wrong", message=reason, seconds=took, was_fatal=True)
        except Exception:  # noqa: BLE001  # it can't be pickled, or there are no processes, as in a browser
            return diagnose(task, answer, seconds)
        finally:
            if not is_usable and self._pool is not None:  # also after an interrupt
                self._pool.end_workers()
                self._pool = None
        return verdict


def _request(task: str, answer: Any, seconds: float) -> bytes:
    """Return a request for the other process: an answer with everything that it uses, and its source cells."""
    import cloudpickle  # here: without it, answers are checked in this process

    reducers = {CodeType: lambda code: (marshal.loads, (marshal.dumps(code),))}

    class Carrier(cloudpickle.Pickler):  # type: ignore[misc]  # it comes without types
        """Preserves a code's file and lines, which error messages report."""

        dispatch_table: ClassVar[ChainMap[Any, Any]] = ChainMap(reducers, cloudpickle.Pickler.dispatch_table)

    cells = {file: entry for file, entry in linecache.cache.items() if len(entry) > 1 and entry[1] is None}
    Carrier(carried := io.BytesIO()).dump((task, answer, seconds, cells))
    if carried.tell() > _MOST_BYTES:
        raise ValueError("it uses a large array")
    return carried.getvalue()


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


class Exercise:
    """A student's progress through the exercise, across kernels.

    The file at `path` has a line for each checked answer and each opened hint. An answer may take `seconds`; the
    `examiner` checks it, by default a new one. From then on cells have one BLAS thread, see `limit_blas_in_cells`,
    and a traceback ends in the operator and operands whose shapes don't fit.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] = "exercise-progress.jsonl",
        seconds: float = 5.0,
        examiner: Examiner | None = None,
    ) -> None:
        limit_blas_in_cells()
        if (shell := get_ipython()) is not None and not shell.custom_exceptions:
            shell.set_custom_exc((TypeError, ValueError), _show_traceback)
        self._log, self._seconds, self._examiner = AttemptLog(path), seconds, examiner or Examiner()
        with suppress(RuntimeError):  # answers are then checked in this process
            self._examiner.prepare()
        self._cards: dict[str, CheckedTask] = {}
        self._found: dict[str, Verdict] = {}
        self._right: set[str] = set()

    def check(self, task: str, answer: object) -> CheckedTask:
        """Check a student's function or class, and return the task's card; ValueError if there is no such task."""
        if task not in TASKS:
            raise ValueError(f"there is no task {task!r}{did_you_mean(task, TASKS)}")
        self._found[task] = verdict = self._examiner.diagnose(task, answer, self._seconds)
        self._right = {name for name, found in self._found.items() if found.outcome == "right"}
        if verdict.outcome in {"right", "wrong"}:
            rung = self._log.rung(task)
            self._log.add(Attempt(task, verdict.outcome, verdict.mistake, rung, verdict.seconds))
        self._cards[task] = card = CheckedTask(self._card(verdict))
        card.on_press(partial(self._on_press, card, answer))
        solved = self._log.solved()
        for each in self._cards.values():
            is_bonus = TASKS[each.shown.name].is_bonus
            kin = {task for task, about in TASKS.items() if about.is_bonus == is_bonus}
            words = "bonus tasks" if is_bonus else "tasks"
            each.show(replace(each.shown, done=len(kin & solved), of=len(kin), counted=words))
        return card

    def ready(self, *tasks: str) -> bool:
        """Return whether the answers to some tasks and all they build on are right in this kernel; else say so."""
        needed = {name for task in tasks for name in (*TASKS[task].needs, task)}
        needed |= {name for task in needed & self._found.keys() for name in self._found[task].helpers}
        if missing := [task for task in TASKS if task in needed - self._right]:
            text = f"This cell waits until {_with_parts(missing)} {'are' if missing[1:] else 'is'} right."
            display(Shown(lesson_html("waits", text), text.replace("`", "")))
        return not missing

    @contextmanager
    def progress(self, network: Any, n_samples: int) -> Iterator[None]:
        """Show the progress of training a network on `n_samples` samples in total, counted by its steps."""
        step, began, done, updated = network.train_iteration, perf_counter(), 0, 0.0
        shown = display(_bar(0.0, "begins"), display_id=True)

        def advance(*args: Any, **kwargs: Any) -> Any:
            nonlocal done, updated
            loss = step(*args, **kwargs)
            done += np.shape([*args, *kwargs.values()][0])[-1]
            seconds = perf_counter() - began
            if shown and seconds - updated > _PAUSE:
                updated, share = seconds, min(done / n_samples, 1.0)
                shown.update(_bar(share, f"{share:.0%}, {duration(seconds / share - seconds)} left"))
            return loss

        network.train_iteration = advance
        try:
            yield
        finally:
            del network.train_iteration
            if shown:
                shown.update(_bar(done / n_samples, f"took {duration(perf_counter() - began)}"))

    def __repr__(self) -> str:
        return self._begin().replace("`", "")

    def _repr_html_(self) -> str:
        return lesson_html("waits", self._begin())

    def _begin(self) -> str:
        right = self._log.solved()
        rest = [task for task in TASKS if task not in right]
        following = _with_parts(rest[:1])
        if not right:
            return f"Ready. There are {len(REQUIRED)} tasks; begin with {following}. {self._log.kept}"
        done = f"{len(right.intersection(REQUIRED))} of {counted(len(REQUIRED), 'task')}"
        then = f", then go on with {following}" if rest else ""
        return f"You have solved {done}. Run your cells again from the top{then}. {self._log.kept}"

    def _card(self, verdict: Verdict) -> TaskCard:
        task, has_tried = verdict.task, verdict.task in self._log.last_outcomes()
        message, look, note = _sentence("", verdict.message), verdict.look, _sentence("Note: ", verdict.note)
        helpers, verb = _with_parts(verdict.helpers), "aren't" if verdict.helpers[1:] else "isn't"
        helped = f"Your {helpers} {verb} right yet, so this is checked with the textbook's"
        helped = f"{helped}." if helpers else ""
        if verdict.outcome == "right":
            message, look, note = helped, note, _sentence("Compared: ", verdict.message)
            if task in REQUIRED and self._right.issuperset(REQUIRED):
                message = f"{message} {_PROUD}".strip()
        elif verdict.message == f"{task} waits for its code":
            message = "Write your code in place of the gap, and run the cell again."
        elif helped:
            look = f"{look} {helped}".strip()
        colored = (
            element("span", text, class_=kind) if kind in {"keyword", "comment"} else text
            for kind, text in tokens(solution(task) if has_tried else "")
        )
        return TaskCard(
            name=task,
            outcome=verdict.outcome,
            message=message,
            look=look,
            example=verdict.example,
            curves=(tuple(textbook(task)(CURVE_AT).tolist()), verdict.curve) if verdict.curve else (),
            note=" ".join(filter(None, (note, self._log.trouble()))),
            hints=tuple(TASKS[task].hints),
            solution=tuple(colored),
            rung=self._log.rung(task),
            watchable=verdict.outcome == "wrong" and not verdict.was_fatal and bool(TASKS[task].example),
        )

    def _on_press(self, card: CheckedTask, answer: object, press: str) -> None:
        if press not in (shown := card.shown).presses:
            return
        if press == WATCH:
            card.watch(answer)
            return
        if (rung := int(press)) > self._log.rung(shown.name):
            self._log.add(Attempt(shown.name, "hint", rung=rung))
        is_open, note = 0 if shown.is_open == rung else rung, shown.note or self._log.trouble()
        card.show(replace(shown, note=note, rung=self._log.rung(shown.name), is_open=is_open))


def _show_traceback(shell: Any, kind: Any, error: Any, trace: Any, tb_offset: int | None = None) -> None:
    if words := unfitting(error):
        error.add_note(words)
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def _bar(share: float, words: str) -> Shown:
    bar = f'<progress style="width: 40ex" aria-label="Training" value="{share:.3f}"></progress>'
    return Shown(f"<p>{bar} Training {words}</p>", f"Training {words}")


def _with_parts(tasks: Sequence[str]) -> str:
    return enumerated([f"`{task}` (part {TASKS[task].part})" for task in tasks])


def _sentence(start: str, words: str) -> str:
    return f"{start}{words.removesuffix('.')}." if words else ""


def _read(path: Path) -> Iterator[Attempt]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        while line := lines.readline(_LONGEST_LINE):
            with suppress(ValueError, RecursionError):  # a damaged line
                found = json.loads(line)
                match found:
                    case {"task": str(), "outcome": "right" | "wrong" | "hint", "rung": 0 | 1 | 2 | 3 | 4}:
                        yield Attempt(found["task"], found["outcome"], rung=found["rung"])
