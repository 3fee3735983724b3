"""The textbook's answer to each task, as a cell that runs in the exercise's notebook as it stands."""

import ast
import inspect
import re
from textwrap import dedent, indent
from typing import Any

from explorer.checks import exercise
from explorer.checks.tasks import METHODS, TASKS, textbook
from explorer.network import initializers

__all__ = ["GIVEN", "solution"]

GIVEN = """\
from explorer.network import Layers


class Network(Layers):
    def __init__(self, n_input, n_hidden, n_output):
        self.layer_sizes = self.n_input, self.n_hidden, self.n_output = n_input, n_hidden, n_output
        self.rng = np.random.default_rng()
        self.init_weights()
"""
"""The notebook's cell with the class that each method is added to."""

_NAMED = re.compile(r"^( *)\{(\w+)\}$", re.MULTILINE)
_GUARDS = "of_floats", "of_one_shape"  # a network gives its functions arrays of floats, of one shape


def solution(task: str, *, has_marks: bool = False) -> str:
    """Return a cell with the textbook's lines that answer a task, without docstrings and types.

    With marks it is one for nbgrader: each of the textbook's functions with one line of its docstring, which may
    name shapes, and with its body, but nothing else, between the marks of what students don't see.
    """
    owners = textbook(task), exercise, initializers
    usual = f"class Network(Network):\n    {{{task}}}" if task in METHODS else f"{{{task}}}"

    def source(named: re.Match[str]) -> str:
        function = next(getattr(owner, named[2]) for owner in owners if hasattr(owner, named[2]))
        return indent(_source(function, has_marks=has_marks), named[1])

    return _NAMED.sub(source, TASKS[task].cell or usual)


def _source(function: Any, *, has_marks: bool) -> str:
    """Return a function's source without its types and the guards of its arguments."""
    lines = dedent(inspect.getsource(getattr(function, "fget", function))).splitlines()
    node = ast.parse("\n".join(lines)).body[0]
    assert isinstance(node, ast.FunctionDef)
    for argument in node.args.args:
        argument.annotation = None
    words = ast.get_docstring(node) or ""
    body, head = lines[node.body[bool(words)].lineno - 1 :], [f"def {node.name}({ast.unparse(node.args)}):"]
    for item in reversed(node.decorator_list):
        line = lines[item.lineno - 1]
        if isinstance(item, ast.Call):  # a block instead: what NumPy decorates can't be sent to a process
            call, comment = line[1 : item.end_col_offset], line[item.end_col_offset :]
            body = [f"    with {call}:{comment}", *(indent(each, "    ") for each in body)]
        elif ast.unparse(item) not in _GUARDS:
            head = [line, *head]
    if has_marks:
        docstring = f'    """{words.splitlines()[0]}"""'
        body = [docstring, "    ### BEGIN SOLUTION", *body, "    ### END SOLUTION"]
    return "\n".join([*head, *body])
