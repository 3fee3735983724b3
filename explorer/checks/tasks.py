"""The tasks of the exercise, with hints, the textbook's answers as cells for its notebook, and the known mistakes.

Each mistake has answers of its own: the textbook's source with a piece changed.
"""

import inspect
import json
import linecache
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from textwrap import indent
from types import MappingProxyType, ModuleType, SimpleNamespace
from typing import Any

from explorer.checks import exercise
from explorer.checks.source import plain_source
from explorer.network import activations, initializers, losses, network

METHODS = "init_weights", "forward", "predict", "backward", "train_iteration", "fit"
"""The tasks that are methods of the network's class, in order."""

MARK = "  # WRONG"
"""Suffix of each line that a mistake has changed."""

_TEXTBOOK = "activations|losses|initializers|network"
_INNER_IMPORT = re.compile(rf"^from (explorer\.network)?\.({_TEXTBOOK}) import .+\n", re.MULTILINE)

_CHOICE = re.compile(r"\\u27e8(.*?)\\u27e9")  # ⟨…⟩ in JSON
_TINY = "|".join(("np.finfo(float).eps", "1e-300", "1e-20", *(f"1e-{power}" for power in range(3, 17))))

Edits = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Task:
    """One task of the exercise; its name is also that of the function or method that the student writes."""

    name: str
    part: int
    title: str
    hints: tuple[str, str, str]
    is_bonus: bool = False
    example: str = ""
    """Lines of Python with an input small enough for paper; the last is an expression that uses the answer."""
    gives: Sequence[str] = ()
    """Names of the example's results; empty for a function of each element of ``a``."""
    cell: str = ""
    """The answer, if more than the function or method is needed; ``{name}`` is the textbook's of that name."""


def textbook(task: str, answers: Any = exercise) -> Any:
    """Return the function or class that answers a task, from the textbook or from a mistake."""
    classes = {"several_layers": "LayeredNetwork"} | dict.fromkeys(METHODS, "Network")
    return getattr(answers, classes.get(task, task))


@dataclass(frozen=True, eq=False)
class Mistake:
    """A known mistake; the attributes are the file's, which explains each."""

    name: str
    task: str
    what: str
    look: str
    variants: Sequence[Edits]
    trains: bool = False

    @cached_property
    def answers(self) -> tuple[SimpleNamespace, ...]:
        """The textbook's answers with this mistake, one per variant."""
        every = (alike for edits in self.variants for alike in _alternatives(json.dumps(edits)))
        return tuple(
            _answers(f"{self.name}-{number}", self.task, edits) for number, edits in enumerate(every)
        )

    @property
    def network(self) -> type[Any] | None:
        """The network with only this mistake, created like the exercise's (None if no such network trains)."""
        return self.answers[0].Network if self.trains else None

    @property
    def source(self) -> str:
        """The function or method with the mistake, without its docstring; its wrong lines end in ``# WRONG``."""
        answers = vars(self.answers[0]).values()
        members = (member for answer in answers for member in (answer, *vars(answer).values()))
        functions = (member for member in members if inspect.isfunction(member) and _is_textbooks(member))
        return next(text for text in map(plain_source, functions) if MARK in text)


def _alternatives(edits: str) -> Iterator[Edits]:
    """Yield edits, given as JSON, for each combination of the choices that they leave open."""
    if choice := _CHOICE.search(edits):
        for option in choice[1].replace("TINY", _TINY).split("|"):
            yield from _alternatives(edits.replace(choice[0], option))
    else:
        yield json.loads(edits)


def _answers(name: str, task: str, edits: Edits) -> SimpleNamespace:
    """Return the answers to a task after edits of the textbook's source."""
    text = text_for(task)
    for right, wrong in edits:
        before, _, after = text.partition(right)
        begun, _, line = before.rpartition("\n")
        rest, _, below = after.partition("\n")
        changed = f"{line}{wrong}{rest}"
        mark = "" if MARK in wrong else MARK
        text = "\n".join([begun, f"{changed}{mark}", below] if changed.strip() else [begun, below])
    file = f"exercise.py with {name}"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file  # for `inspect`
    defined: dict[str, Any] = {"__name__": exercise.__name__}
    exec(compile(text, file, "exec"), defined)
    return SimpleNamespace(**{name: thing for name, thing in defined.items() if _is_textbooks(thing)})


def _is_textbooks(thing: Any) -> bool:
    return getattr(thing, "__module__", "") == exercise.__name__


@cache
def text_for(task: str) -> str:
    """Return the part of the textbook's source that an answer to a task needs, as one editable module."""
    modules: tuple[ModuleType, ...] = (exercise,)
    if task in METHODS or task == "several_layers":
        modules = activations, losses, initializers, network, exercise
    elif hasattr(activations, task):
        modules = (activations,)
    elif hasattr(losses, task):
        modules = (losses,)
    texts = [inspect.getsource(module) for module in modules]
    if modules[-1] is exercise and modules[1:]:
        texts.insert(-1, "Textbook = Network\n")
        texts = [_INNER_IMPORT.sub("", text) for text in texts]
    return "\n".join(texts)


def _entries(kind: str) -> list[dict[str, Any]]:
    text = (files("explorer.checks") / f"{kind}s.toml").read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = tomllib.loads(text)[kind]
    return entries


TASKS: Mapping[str, Task] = MappingProxyType(
    {entry["name"]: Task(**entry | {"hints": tuple(entry["hints"])}) for entry in _entries("task")}
)
"""Every task by its name, in the order of the exercise."""

MISTAKES: Mapping[str, Mistake] = MappingProxyType(
    {entry["name"]: Mistake(**entry) for entry in _entries("mistake")}
)
"""Every known mistake by its name, most severe first within its task."""


_NAMED = re.compile(r"^( *)\{(\w+)\}$", re.MULTILINE)


def solution(task: str) -> str:
    """Return a cell with the textbook's answer to a task, without docstrings and types."""
    owners = textbook(task), exercise, initializers
    usual = f"class Network(Network):\n    {{{task}}}" if task in METHODS else f"{{{task}}}"

    def source(named: re.Match[str]) -> str:
        function = next(getattr(owner, named[2]) for owner in owners if hasattr(owner, named[2]))
        return indent(_source(function), named[1])

    return _NAMED.sub(source, TASKS[task].cell or usual)


def _source(function: Any) -> str:
    lines = plain_source(function).splitlines()
    at = next(row for row, line in enumerate(lines) if line.startswith("def "))
    head, body = [lines[at]], lines[at + 1 :]
    for line in reversed(lines[:at]):
        if line.startswith("@np."):  # a block instead: functions decorated by NumPy can't be pickled
            call, mark, comment = line[1:].partition("  #")
            body = [f"    with {call}:{mark}{comment}", *(indent(each, "    ") for each in body)]
        else:
            head.insert(0, line)
    return "\n".join([*head, *body])
