"""The textbook's answer to each task, as a cell that runs in the exercise's notebook as it stands."""

import ast
import inspect
from collections.abc import Iterable, Iterator
from textwrap import dedent, indent
from typing import Any

from explorer.checks import exercise
from explorer.checks.tasks import METHODS, TASKS, textbook
from explorer.network import activations, initializers, losses, network

__all__ = ["solution"]

_MODULES = activations, initializers, losses, network, exercise
_GUARDS = "of_floats", "of_one_shape"  # which turn what a network never gives them into arrays, or refuse it


def solution(task: str) -> str:
    """Return the textbook's lines that answer a task, without docstrings and types, and the imports they need."""
    entry, answer = TASKS[task], textbook(task)
    own = [getattr(answer, name) for name in entry.uses if hasattr(answer, name)]
    others = [_defined(name) for name in entry.uses if not hasattr(answer, name)]
    if task in METHODS:
        parts = [entry.given, *map(_plain, [*own, getattr(answer, task)])]
        text = _class("Network(Network)", parts)
    elif isinstance(answer, type):
        text = _class("LayeredNetwork(Layers, Textbook)", map(_plain, [vars(answer)["__init__"], *own]))
    else:
        text = _plain(answer)
    cell = "\n\n\n".join([*map(_plain, others), text])
    imports = "\n".join(_imports(cell))
    return f"{imports}\n\n\n{cell}" if imports else cell


def _class(header: str, parts: Iterable[str]) -> str:
    return f"class {header}:\n" + "\n\n".join(indent(part, "    ") for part in parts if part)


def _defined(name: str) -> Any:
    return next(getattr(module, name) for module in _MODULES if hasattr(module, name))


def _plain(function: Any) -> str:
    """Return a function's source without its docstring, its types, and the guards of its arguments."""
    lines = dedent(inspect.getsource(getattr(function, "fget", function))).splitlines()
    node = ast.parse("\n".join(lines)).body[0]
    assert isinstance(node, ast.FunctionDef)
    kept = [item for item in node.decorator_list if ast.unparse(item) not in _GUARDS]
    for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
        argument.annotation = None
    first = node.body[ast.get_docstring(node) is not None]
    head = [lines[item.lineno - 1] for item in kept] + [f"def {node.name}({ast.unparse(node.args)}):"]
    return "\n".join([*head, *lines[first.lineno - 1 :]])


def _imports(cell: str) -> Iterator[str]:
    """Yield an import for each name that a cell uses and that neither it nor the notebook defines."""
    tree = ast.parse(cell)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - {"np", *TASKS}
    for module in _MODULES:
        for node in ast.parse(inspect.getsource(module)).body:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            names = [alias for alias in node.names if (alias.asname or alias.name) in used]
            used -= {alias.asname or alias.name for alias in names}
            if names and isinstance(node, ast.ImportFrom):
                node.module, node.level = f"explorer.network.{node.module}" if node.level else node.module, 0
            node.names = names
            if names:
                yield ast.unparse(node)
