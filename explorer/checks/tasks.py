"""The tasks of the exercise: their texts, how an answer is checked, and which known mistake a wrong one makes."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial, wraps
from textwrap import indent
from types import MappingProxyType
from typing import Any, ParamSpec

import numpy as np

from explorer.checks import exercise, functions, networks
from explorer.checks import observations as seen
from explorer.checks.mistakes import METHODS, MISTAKES, Mistake, plain_source, table, textbook
from explorer.checks.observations import RAISED, SHAPES, Pieces, Probe, is_same
from explorer.checks.results import CheckError, Passed, check, no_leftovers
from explorer.network import initializers

_Arguments = ParamSpec("_Arguments")
_BONUS = 9


@dataclass(frozen=True, slots=True)
class Task:
    """One task of the exercise; its name is also that of the function or method that the student writes."""

    name: str
    observe: Callable[[Any, Probe], Pieces]
    """Returns what an answer gives, by which a mistake is known."""
    examine: Callable[[Any, Probe], Passed]
    """Checks an answer, or raises `CheckError`."""
    part: int
    title: str
    hints: Sequence[str]
    returns: str = "array"
    """What the function or method returns: an ``"array"``, or a number, ``"several"`` values or ``"nothing"``."""
    example: str = ""
    """Lines of Python with an input small enough for paper; the last is an expression that uses the answer."""
    gives: Sequence[str] = ()
    """Names of the example's results; empty for a function of each element of ``a``."""
    cell: str = ""
    """The answer, if more than the function or method is needed; ``{name}`` is the textbook's of that name."""

    @property
    def is_bonus(self) -> bool:
        """Whether it can be left out: the last part's can."""
        return self.part == _BONUS

    @property
    def needs(self) -> Sequence[str]:
        """The methods that it builds on: those before it, but no other one needs `predict`."""
        before = METHODS[: METHODS.index(self.name)] if self.name in METHODS else ()
        return [name for name in before if name != "predict"]


def _each(check: Callable[..., Passed]) -> Callable[[Any, Probe], Passed]:
    return lambda answer, _: check(answer)


def _tasks() -> Iterator[Task]:
    trials: dict[str, tuple[Callable[[Any, Probe], Pieces], Callable[[Any, Probe], Passed]]] = {
        "sigmoid": (seen.elementwise, _each(functions.sigmoid)),
        "d_sigmoid": (seen.elementwise, _each(partial(functions.slope, exercise.sigmoid))),
        "squared_error": (seen.loss, _each(functions.squared_error)),
        "d_squared_error": (seen.loss, _each(partial(functions.loss_slope, exercise.squared_error))),
        "init_weights": (seen.initial_weights, networks.initial_weights_of),
        "forward": (seen.forward, networks.forward_pass_of),
        "predict": (seen.predict, lambda kind, probe: networks.decisions(*probe.trial(kind)[:2])),
        "backward": (seen.backward, lambda kind, probe: networks.gradients(*probe.trial(kind), alone=True)),
        "train_iteration": (seen.step, lambda kind, probe: networks.step(*probe.trial(kind), 0.05)),
        "fit": (seen.fit, networks.mini_batches_of),
        "load_digits": (seen.load_digits, _each(functions.digits)),
        "evaluate": (seen.evaluate, _each(functions.evaluation)),
        "softmax": (seen.softmax, _each(functions.softmax)),
        "cross_entropy": (partial(seen.loss, soft=False), _each(functions.cross_entropy)),
        "relu": (seen.elementwise, _each(functions.relu)),
        "d_relu": (seen.elementwise, _each(partial(functions.slope, exercise.relu))),
        "several_layers": (seen.several_layers, _each(networks.several_layers)),
    }
    for name, texts in table("tasks.toml").items():
        observe, examine = trials[name]
        yield Task(name, observe, check(examine), **texts)


TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in _tasks()})
"""Every task by its name, in the order of the exercise."""

REQUIRED = tuple(name for name, task in TASKS.items() if not task.is_bonus)
"""The names of those that can't be left out."""

_NAMED = re.compile(r"^( *)\{(\w+)\}$", re.MULTILINE)


def solution(task: str) -> str:
    """Return a cell with the textbook's answer to a task, without docstrings and types."""
    owners = textbook(task), exercise, initializers
    usual = f"class Network(Network):\n    {{{task}}}" if task in METHODS else f"{{{task}}}"

    def source(named: re.Match[str]) -> str:
        function = next(getattr(owner, named[2]) for owner in owners if hasattr(owner, named[2]))
        lines = plain_source(function).splitlines()
        at = next(row for row, line in enumerate(lines) if line.startswith("def "))
        head, body = [lines[at]], lines[at + 1 :]
        for line in reversed(lines[:at]):
            if line.startswith("@np."):  # a block instead: functions decorated by NumPy can't be pickled
                call, mark, comment = line[1:].partition("  #")
                body = [f"    with {call}:{mark}{comment}", *(indent(each, "    ") for each in body)]
            else:
                head.insert(0, line)
        return indent("\n".join([*head, *body]), named[1])

    return _NAMED.sub(source, TASKS[task].cell or usual)


def naming(task: str, check: Callable[_Arguments, Passed]) -> Callable[_Arguments, Passed]:
    """Return a check that names the known mistake in its first argument, or in the second, a derivative."""

    @wraps(check)
    def run(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> Passed:
        try:
            return check(*args, **kwargs)
        except CheckError as error:
            answer, function = args[1 if task.startswith("d_") else 0], task.removeprefix("d_")
            if function != task:
                seen, right = (_seen(function, each, Probe()) for each in (args[0], textbook(function)))
                if not is_same(seen.get("value"), right["value"]):
                    raise error.with_traceback(None) from None  # another function's slope: no mistake applies
            if task == "init_weights":
                error.mistake = recognize(task, lambda *_: answer)  # its own weights, whatever their number
            else:
                error.mistake = recognize(task, type(answer) if task in METHODS else answer)
            raise error.with_traceback(None) from None

    return run


def recognize(task: str, answer: Any, probe: Probe | None = None) -> Mistake | None:
    """Return the known mistake that produces the same output as this wrong answer.

    Known mistakes together must explain every piece that differs from the textbook's. Among them, the one that
    explains most is returned, or in a tie the most severe.
    """
    probe = probe or Probe()
    try:
        seen, right = _seen(task, answer, probe), _known(task, textbook(task), probe)
    except Exception:  # noqa: BLE001  # such a network doesn't work at other sizes, so there is no output
        return None
    raised = {name for name, piece in seen.items() if isinstance(piece, str) and piece.startswith(RAISED)}
    differing = {name for name in seen.keys() - raised if not is_same(seen[name], right.get(name))}
    if not differing or any(seen[name] != SHAPES for name in raised):
        return None  # it is the textbook's answer, or its exception has another cause than the mistakes
    found = dict[Mistake, set[str]]()
    for mistake in (mistake for mistake in MISTAKES.values() if mistake.task == task):
        found[mistake] = set()
        for wrong in (_known(task, textbook(task, answers), probe) for answers in mistake.answers):
            changed = {name for name, piece in wrong.items() if not is_same(piece, right.get(name))}
            changed = {name for name in changed & seen.keys() if not is_same(seen[name], SHAPES)}
            if all(is_same(seen[name], wrong[name]) for name in changed):
                found[mistake] |= changed
    if set[str]().union(*found.values()) != differing:
        return None
    return max(found, key=lambda mistake: len(found[mistake]))


def _seen(task: str, answer: Any, probe: Probe) -> Pieces:
    with warnings.catch_warnings(), np.errstate(all="ignore"), no_leftovers():
        warnings.simplefilter("ignore")
        return TASKS[task].observe(answer, probe)


@cache
def _known(task: str, answer: Any, probe: Probe) -> Pieces:
    return _seen(task, answer, probe)
