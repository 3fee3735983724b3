"""Diagnoses an answer to a task: right, wrong with the mistake's name, waiting for its code, or missing."""

import dis
import inspect
import linecache
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, update_wrapper, wraps
from html import escape
from time import perf_counter
from types import CodeType, FunctionType, MappingProxyType
from typing import Any

import numpy as np

from explorer.checks import exercise
from explorer.checks.mistakes import METHODS, NETWORKS, textbook
from explorer.checks.observations import KEPT, Probe, attempt
from explorer.checks.results import CheckError, GapError, Passed, RaisedError, compare, limited, watched
from explorer.checks.structure import parameters, sizes_found
from explorer.checks.tasks import TASKS, recognize
from explorer.network import Layers
from explorer.wording import did_you_mean, enumerated

SIGNS = MappingProxyType({"right": "✓", "wrong": "✗", "waiting": "…", "missing": "–", "unchecked": "?"})
_ON_PAPER = "Work out on paper what this small example gives."
_DIGITS = 4  # decimals of a number in an example
CURVE_AT = np.linspace(-6, 6, 49)
"""The points at which the curve of a function is drawn."""


class MissingError(CheckError):
    """There is no answer."""


@dataclass(frozen=True, slots=True, repr=False)
class Verdict:
    """The result of diagnosing an answer."""

    task: str
    outcome: str
    """``"right"``, ``"wrong"``, ``"missing"`` or ``"waiting"``: with a gap, or for a part that is still wrong."""
    mistake: str = ""
    """The name of a known mistake, or "" for none."""
    message: str = ""
    """A sentence: what is wrong, or what was compared."""
    look: str = ""
    """A sentence: where to look; empty unless the answer is wrong."""
    example: str = ""
    """Lines of Python: an input small enough for paper, the expected result, and the answer's result."""
    curve: tuple[float, ...] = ()
    """A wrong function's values at `CURVE_AT`; empty for what is no function of each element."""
    note: str = ""
    was_fatal: bool = False
    helpers: tuple[str, ...] = ()
    """Parts that the answer builds on and that aren't right yet: the textbook's were used instead."""
    seconds: float = 0.0

    @property
    def remark(self) -> str:
        """The note, and a sentence about the helpers that aren't right yet."""
        yours = "yours isn't" if len(self.helpers) == 1 else "yours aren't"
        helped = f"checked with the textbook's {enumerated(self.helpers)}, because {yours} right yet"
        return "; ".join(filter(None, (helped if self.helpers else "", self.note)))

    def record(self) -> dict[str, Any]:
        """Return the fields worth saving, as a JSON-serializable dict."""
        return {name: getattr(self, name) for name in ("task", "outcome", "mistake", "message", "seconds")}

    def __repr__(self) -> str:
        headline = f"{SIGNS[self.outcome]} {self.task}: {self.message}"
        sentences = filter(None, (headline, self.look, self.remark and f"Note: {self.remark}"))
        return " ".join(f"{sentence}{'' if sentence[-1] in '.?' else '.'}" for sentence in sentences)

    def _repr_html_(self) -> str:
        kind = "lesson-check" if self.outcome == "right" else "lesson-raised"
        return f'<p class="{kind}">{escape(repr(self))}</p>'


def diagnose(task: str, answer: Any, seconds: float = 5.0, *, seed: int = 0) -> Verdict:
    """Diagnose an answer to one of `TASKS`; whatever the answer does, this doesn't raise.

    The answer is a function, or for the parts of a network its class, or an object of it. After `seconds` it is
    stopped; a single long call can only be ended with its process, as `explorer.notebook.exercise` does. `seed`
    determines the numbers and sizes of the trial.
    """
    verdicts: dict[str, Verdict] = {}
    task, probe = TASKS[task].name, Probe(seed, seconds)
    used = _used(answer, task)
    for name in TASKS:
        if name not in (*NETWORKS, task) and name in used and _is_own(name, used[name]):
            verdicts[name] = _diagnosed(name, used[name], probe, verdicts)
    return _diagnosed(task, answer, probe, verdicts)


def diagnose_all(namespace: Mapping[str, Any], seconds: float = 5.0, *, seed: int = 0) -> dict[str, Verdict]:
    """Return the verdicts for all tasks in order; functions are found by name, the network by its methods."""
    return {verdict.task: verdict for verdict in diagnose_each(namespace, seconds, seed=seed)}


def diagnose_each(namespace: Mapping[str, Any], seconds: float = 5.0, *, seed: int = 0) -> Iterator[Verdict]:
    """Yield the verdicts of `diagnose_all`, each as it is found."""
    own = {name: thing for name, thing in namespace.items() if _is_own(name, thing)}
    verdicts: dict[str, Verdict] = {}
    for task, answer in _answers(own).items():
        if answer is None:
            message = f"there is no function {task}{did_you_mean(task, own.keys() - TASKS.keys(), 0.7)}"
            if task in NETWORKS:
                second = "second " if task == "several_layers" else ""
                message = f"there is no {second}class with the methods of a network"
            verdicts[task] = Verdict(task, "missing", message=message)
        else:
            verdicts[task] = _diagnosed(task, answer, Probe(seed, seconds), verdicts)
        yield verdicts[task]


def _diagnosed(task: str, answer: Any, probe: Probe, known: Mapping[str, Verdict]) -> Verdict:
    """Diagnose an answer; its parts without a verdict are diagnosed first, and replaced if they aren't right."""
    verdicts, needed = dict(known), TASKS[task].needs
    used = {*needed, *(known.keys() & _used(answer, task).keys() - {*METHODS})}
    for name in (*needed, task):
        if name not in verdicts:
            unsound = {other for other in used if other in verdicts and verdicts[other].outcome != "right"}
            verdicts[name] = _tried(name, answer, unsound, probe)
    return verdicts[task]


def _tried(task: str, answer: Any, unsound: set[str], probe: Probe) -> Verdict:
    began = perf_counter()
    helpers = tuple(name for name in TASKS if name in unsound)
    note, fields = "", dict[str, Any]()
    try:
        passed, lines = limited(lambda: _examined(task, answer, unsound, probe), probe.seconds)
        outcome, fields = "right", {"message": passed.what}
        prints = f"it prints {lines} line{'s' if lines > 1 else ''}" if lines else ""
        note = "; ".join(filter(None, (passed.note, prints)))
    except (GapError, MissingError) as error:
        outcome, fields = "waiting" if isinstance(error, GapError) else "missing", {"message": str(error)}
    except CheckError as error:
        if methods := _awaited(error, answer, unsound):
            until = f"{enumerated(methods)} {'are' if methods[1:] else 'is'} right"
            fields = {"message": f"this can't be checked until {until}: {error.args[0]}"}
            outcome, helpers = "waiting", ()
        else:
            outcome, fields = "wrong", {"message": error.args[0]}
            with suppress(CheckError):  # the search for its mistake has a separate time limit
                search = partial(_explained, task, error, probe, helpers)
                fields |= limited(search, probe.seconds)[0] if error.answer is not None else {}
    except Exception as error:  # noqa: BLE001  # a bug in the check itself: reported like everything else
        outcome, fields = "wrong", {"message": f"this can't be checked: {type(error).__name__}: {error}"}
    seconds = round(perf_counter() - began, 3)
    return Verdict(task, outcome, **fields, note=note, helpers=helpers, seconds=seconds)


def _explained(task: str, error: CheckError, probe: Probe, helpers: tuple[str, ...]) -> dict[str, Any]:
    """Return a wrong answer's mistake, or else an example, and its curve, as fields of a verdict."""
    reported, fields = error.args[0], dict[str, Any]()
    if TASKS[task].example and not TASKS[task].gives:
        values = attempt(lambda: np.asarray(error.answer(CURVE_AT[None].copy()), float))
        fields = {"curve": tuple(values[0].tolist())} if np.shape(values) == (1, CURVE_AT.size) else {}
    if known := recognize(task, error.answer, probe):
        message = f"{reported}. {known.what}" if isinstance(error, RaisedError) else known.what
        return fields | {"mistake": known.name, "message": message, "look": known.look}
    return fields | (_example(task, error.answer, helpers) if re.search(r": expected -?\d", reported) else {})


def _awaited(error: CheckError, answer: Any, unsound: set[str]) -> list[str]:
    """Return the methods that must be right first: the student's keep attributes that the textbook's don't."""
    absent = re.search(r"AttributeError: .* has no attribute '(\w+)'", error.args[0])
    kind = answer if isinstance(answer, type) else type(answer)
    own = (member for name in dir(kind) if inspect.isfunction(member := getattr(kind, name, None)))
    kept = {name for method in own for name in names_in(method.__code__, "STORE_ATTR")} if absent else set()
    return [name for name in METHODS if name in unsound and absent and absent[1] in kept]


def _examined(task: str, answer: Any, unsound: set[str], probe: Probe) -> Passed:
    if answer is None or answer is ...:
        raise GapError(f"{task} waits for its code")
    if task in NETWORKS:
        kind = answer if isinstance(answer, type) else type(answer)
        if kind is not answer and not any(hasattr(kind, name) for name in METHODS):
            raise CheckError(f"{task}: expected a class of networks, got {kind.__name__}")
        answer = _watched_class(task, kind, unsound)
    elif callable(answer):
        answer = watched(_with_textbook(answer, unsound), returns=TASKS[task].returns)
    else:
        raise CheckError(f"{task}: expected a function, got {type(answer).__name__}")
    try:
        # Exceptions from creating a network are an answer's fault too.
        return TASKS[task].examine(answer, probe)
    except CheckError as error:
        error.answer = answer
        raise


def _example(task: str, answer: Any, helpers: tuple[str, ...]) -> dict[str, str]:
    """Return a task's example with both results, the first of several that differs, and a message on it."""
    *given, call = TASKS[task].example.splitlines() or [""]
    results, names = list[Any](), dict[str, Any]()
    for each in (textbook(task), answer):
        names = {"np": np, textbook(task).__name__: each}
        try:
            exec("\n".join(given), names)
            value = eval(call, names)
            parts = value if isinstance(value, tuple) else (value,)
            results.append([np.round(np.asarray(part), _DIGITS) for part in parts])
        except Exception:  # noqa: BLE001  # nothing to compare
            return {}
    place = None if TASKS[task].gives else lambda at: f"{task}({names['a'][at]:g})"
    yours = f"yours, with the textbook's {enumerated(helpers)}:" if helpers else "yours:   "
    for number, (right, found) in enumerate(zip(*results, strict=False)):
        try:
            compare((*TASKS[task].gives, task)[number], found, right, 0.0, place)
        except CheckError as error:
            part = f"[{number}]" if results[0][1:] else ""
            both = f"# expected: {_written(right)}", f"# {yours} {_written(found)}"
            lines = [*given, f"{call}{part}", *both]
            return {"message": error.args[0], "look": _ON_PAPER, "example": "\n".join(lines)}
    return {}


def example_call(task: str, answer: Any) -> Any:
    """Return a function that computes a task's example with an answer; its source is in `linecache`."""
    *given, call = TASKS[task].example.splitlines()
    lines = ["def example():\n", *(f"    {line}\n" for line in (*given, f"return {call}"))]
    path, names = f"<example of {task}>", {"np": np, textbook(task).__name__: answer}
    linecache.cache[path] = len("".join(lines)), None, lines, path
    exec(compile("".join(lines), path, "exec"), names)
    return names["example"]


def _written(value: Any) -> str:
    text = np.array2string(np.asarray(value), precision=_DIGITS, suppress_small=True, separator=", ")
    return re.sub(r"\s+(?=[\],])|(?<=\[)\s+|(?<= ) +", "", " ".join(text.split()))


def _used(answer: Any, task: str) -> dict[str, Any]:
    """Return the values of the global names used by an answer and its author's functions; None for undefined."""
    methods = METHODS if task == "several_layers" else (*TASKS[task].needs, task)
    waiting = [answer, *(getattr(answer, method, None) for method in methods)]
    used, seen = dict[str, Any](), set[Any]()
    while waiting:
        function = waiting.pop()
        function = getattr(function, "__func__", function)
        if not inspect.isfunction(function) or function in seen:
            continue
        seen.add(function)
        found = {name: function.__globals__.get(name) for name in names_in(function.__code__, "LOAD_GLOBAL")}
        used |= found
        own = [*found.values(), *(getattr(answer, name, None) for name in names_in(function.__code__))]
        own = [each.fget if isinstance(each, property) else each for each in own]
        functions = filter(inspect.isfunction, own)
        waiting += [each for each in functions if each.__globals__ is function.__globals__]
    return used


def names_in(code: CodeType, *instructions: str) -> set[str]:
    """Return the names used by some instructions, or by any, including nested functions and comprehensions."""
    within = (names_in(const, *instructions) for const in code.co_consts if isinstance(const, CodeType))
    steps = (step for step in dis.get_instructions(code) if step.opname in instructions)
    return ({step.argval for step in steps} if instructions else {*code.co_names}).union(*within)


def _with_textbook(member: Any, unsound: set[str]) -> Any:
    """Return a copy of a function or method that uses the textbook's in place of unsound ones, however deep."""
    if isinstance(member, staticmethod | classmethod):
        return type(member)(_with_textbook(member.__func__, unsound))
    if isinstance(member, property):
        return property(_with_textbook(member.fget, unsound), member.fset)
    functions = {name: getattr(exercise, name) for name in unsound - {*NETWORKS}}
    replaced = {name: getattr(f, "__wrapped__", f) for name, f in functions.items()}  # without guards
    if not replaced or not inspect.isfunction(member):
        return member
    before = member.__globals__
    now = dict(before)

    def twin(each: Any) -> Any:
        made = FunctionType(each.__code__, now, each.__name__, each.__defaults__, each.__closure__)
        made.__kwdefaults__ = each.__kwdefaults__
        return update_wrapper(made, each)

    own = {name: value for name, value in before.items() if inspect.isfunction(value)}
    now |= {name: twin(value) for name, value in own.items() if value.__globals__ is before} | replaced
    return twin(member)


def _watched_class(task: str, kind: type[Any], unsound: set[str]) -> type[Any]:
    """Return a copy of a student's class with watched methods, and the textbook's in place of unsound ones."""
    own = {name: getattr(kind, name, None) for name in METHODS}
    if task in METHODS and task != "init_weights" and not callable(own[task]):
        near = did_you_mean(task, {name for name in dir(kind) if name[0] != "_"} - {*METHODS}, 0.7)
        raise MissingError(f"{kind.__name__} has no method {task}{near}")
    own_bases = [base for base in reversed(kind.__mro__) if base.__module__ == kind.__module__]
    members = [member for base in own_bases for member in vars(base).items()]
    copies = ((name, member, _with_textbook(member, unsound)) for name, member in members)
    methods = {name: copy for name, member, copy in copies if copy is not member}
    methods |= {name: watched(_with_textbook(method, unsound), returns=TASKS[name].returns)
                for name, method in own.items() if callable(method)}  # fmt: skip
    if "backward" in unsound:
        unsound = unsound | {"forward"}  # the textbook's backward needs its sums and activations
    methods |= {name: _delegated(name) for name in METHODS if name in unsound}
    if "init_weights" in unsound:
        methods["init_weights"] = lambda self: None  # they are set before each check
    return type(kind.__name__, (kind,), methods)


def _delegated(name: str) -> Callable[..., Any]:
    """Return a method for any class of networks that delegates to a textbook network with the same arrays."""
    method = getattr(exercise.Network, name)

    @wraps(method)
    def delegate(self: Any, *args: Any, **kwargs: Any) -> Any:
        _hand_over(self, network := exercise.Network(*sizes_found(self)))
        result = method(network, *args, **kwargs)
        _hand_over(network, self)
        return result

    return delegate


def _hand_over(source: Any, target: Any) -> None:
    """Copy a network's weights, and what it keeps of its last forward pass, to another."""
    for name in (*parameters(source), *KEPT):
        if (array := getattr(source, name, None)) is not None:
            setattr(target, name, array)
    if isinstance(source, Layers) and isinstance(target, Layers) and hasattr(source, "h"):
        target.h = [*source.h]  # the first are the inputs


def _is_own(name: str, thing: Any) -> bool:
    """Return whether an object in a namespace may be a student's: neither private nor this package's."""
    return not name.startswith("_") and not str(getattr(thing, "__module__", "")).startswith("explorer.")


def _answers(own: Mapping[str, Any]) -> dict[str, Any]:
    classes = [thing for thing in own.values() if isinstance(thing, type)]
    having = {kind: sum(callable(getattr(kind, name, None)) for name in METHODS) for kind in classes}
    networks = sorted((kind for kind in classes if having[kind] >= 2), key=lambda kind: -having[kind])
    network = own.get("Network", next(iter(networks), None))
    for part in ("__init__", "forward", "backward"):  # a class that shares one is no separate answer
        inherited = None, getattr(network, part, None)
        networks = [kind for kind in networks if getattr(kind, part, None) not in inherited]
    layered = own.get("LayeredNetwork", next(iter(networks), None))
    found = {"several_layers": layered, **own, **dict.fromkeys(METHODS, network)}
    return {task: found.get(task) for task in TASKS}
