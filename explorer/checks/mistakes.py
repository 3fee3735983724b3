"""The textbook's source as on a blackboard, and the known mistakes: answers with a piece of it changed."""

import ast
import inspect
import linecache
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from textwrap import dedent
from types import MappingProxyType, ModuleType, SimpleNamespace
from typing import Any

from explorer.checks import exercise
from explorer.network import activations, initializers, losses, network

METHODS = "init_weights", "forward", "predict", "backward", "train_iteration", "fit"
"""The tasks that are methods of the network's class, in order."""

NETWORKS = (*METHODS, "several_layers")
"""The tasks whose answer is a class of networks."""

MARK = "  # WRONG"
"""Suffix of each line that a mistake has changed."""

_GUARDS = "of_floats", "of_one_shape"  # convert or reject arguments that a network never passes
_TEXTBOOK = "activations|losses|initializers|network"
_INNER_IMPORT = re.compile(rf"^from (explorer\.network)?\.({_TEXTBOOK}) import .+\n", re.MULTILINE)

_CHOICE = re.compile("⟨([^⟨⟩]*)⟩")
_SET = re.compile(r"\{(\w+)\}")


def plain_source(thing: Any) -> str:
    """Return the source of a function, method, property or class, without docstrings, types and guards."""
    return "\n".join(plain_lines(thing).values())


def plain_lines(thing: Any) -> dict[int, str]:
    """Return the lines of `plain_source`, by their numbers in the file; a function's arguments are one line."""
    code, first = inspect.getsourcelines(getattr(thing, "fget", thing))
    text = dedent("".join(code))
    lines, hidden = dict(enumerate(text.splitlines(), first)), set[int]()
    for node in ast.walk(ast.increment_lineno(ast.parse(text), first - 1)):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        begin, end = node.body[0].lineno, node.body[0].end_lineno or 0
        hidden |= {item.lineno for item in node.decorator_list if ast.unparse(item) in _GUARDS}
        if ast.get_docstring(node) is not None:
            hidden |= {*range(begin, end + 1 + (lines.get(end + 1) == ""))}
        if isinstance(node, ast.FunctionDef) and begin > node.lineno:
            for part in ast.walk(node):
                if isinstance(part, ast.arg):
                    part.annotation = None
                elif isinstance(part, ast.AnnAssign):
                    typed = f": {ast.unparse(part.annotation)} ="
                    lines[part.lineno] = lines[part.lineno].replace(typed, " =", 1)
            head = f"def {node.name}({ast.unparse(node.args)}):".replace("'", '"')
            lines[node.lineno] = " " * node.col_offset + head
            hidden |= {row for row in range(node.lineno + 1, begin) if lines[row].lstrip()[:1] != "#"}
    return {row: line for row, line in lines.items() if row not in hidden}


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
    variants: Sequence[str]
    right: str = ""

    @cached_property
    def answers(self) -> tuple[SimpleNamespace, ...]:
        """The textbook's answers with this mistake: one per variant, an edited source of the textbook."""
        every = dict.fromkeys(each for variant in self.variants for each in _alternatives(variant))
        found = list[SimpleNamespace]()
        for number, variant in enumerate(every):
            text = text_for(self.task)
            for edit in variant.split(" & "):
                right, _, wrong = edit.rpartition(" → ")
                right = right or self.right
                before, _, after = text.partition(right)
                begun, _, line = before.rpartition("\n")
                rest, _, below = after.partition("\n")
                changed = f"{line}{wrong.replace('…', right)}{rest}"
                mark = "" if MARK in wrong else MARK
                text = "\n".join([begun, f"{changed}{mark}", below] if changed.strip() else [begun, below])
            file = f"exercise.py with {self.name}-{number}"
            linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file  # for `inspect`
            defined: dict[str, Any] = {"__name__": exercise.__name__}
            exec(compile(text, file, "exec"), defined)
            own = {name: thing for name, thing in defined.items() if _is_textbooks(thing)}
            found.append(SimpleNamespace(**own))
        return tuple(found)

    @property
    def network(self) -> Any:
        """The class of networks with only this mistake, which is in one of their methods."""
        return self.answers[0].Network

    @property
    def source(self) -> str:
        """The function or method with the mistake, without its docstring; its wrong lines end in ``# WRONG``."""
        answers = vars(self.answers[0]).values()
        members = (member for answer in answers for member in (answer, *vars(answer).values()))
        functions = (member for member in members if inspect.isfunction(member) and _is_textbooks(member))
        return next(text for text in map(plain_source, functions) if MARK in text)


def _alternatives(variant: str) -> Iterator[str]:
    """Yield a variant for each combination of the choices that it leaves open."""
    if choice := _CHOICE.search(variant):
        for option in choice[1].split("|"):
            yield from _alternatives(variant.replace(choice[0], option))
    else:
        yield variant


def _is_textbooks(thing: Any) -> bool:
    return getattr(thing, "__module__", "") == exercise.__name__


@cache
def text_for(task: str) -> str:
    """Return the part of the textbook's source that an answer to a task needs, as one editable module."""
    modules: tuple[ModuleType, ...] = (exercise,)
    if task in NETWORKS:
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


def table(name: str) -> dict[str, Any]:
    """Return a table of this folder."""
    return tomllib.loads((files("explorer.checks") / name).read_text(encoding="utf-8"))


def _mistakes() -> Iterator[Mistake]:
    tables = table("mistakes.toml")
    shared = tables.pop("sets")
    for task, entries in tables.items():
        sets = {"right": ""} | shared | entries
        for name, mistake in entries.items():
            if isinstance(mistake, dict):
                right, *variants = (_written_out(text, sets) for text in ("{right}", *mistake["variants"]))
                yield Mistake(name, task, **mistake | {"variants": variants}, right=right)


def _written_out(text: str, sets: Mapping[str, Any]) -> str:
    """Return a text with the text of each set in place of the set's name."""
    return _SET.sub(lambda named: _written_out(sets[named[1]], sets), text)


MISTAKES: Mapping[str, Mistake] = MappingProxyType({mistake.name: mistake for mistake in _mistakes()})
"""Every known mistake by its name, most severe first within its task."""
