"""The textbook's answer to each task, as a cell that runs unchanged in the exercise's notebook."""

import inspect
import re
from textwrap import indent
from typing import Any

from explorer.checks import exercise
from explorer.checks.source import plain_source
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
"""The notebook's cell with the class to which each method is added."""

_NAMED = re.compile(r"^( *)\{(\w+)\}$", re.MULTILINE)


def solution(task: str, *, has_marks: bool = False) -> str:
    """Return a cell with the textbook's answer to a task, without docstrings and types.

    With marks the cell is for nbgrader: each function has the first line of its docstring, which may give shapes,
    and its body, and nothing else, is between the marks that hide it from students.
    """
    owners = textbook(task), exercise, initializers
    usual = f"class Network(Network):\n    {{{task}}}" if task in METHODS else f"{{{task}}}"

    def source(named: re.Match[str]) -> str:
        function = next(getattr(owner, named[2]) for owner in owners if hasattr(owner, named[2]))
        return indent(_source(function, has_marks=has_marks), named[1])

    return _NAMED.sub(source, TASKS[task].cell or usual)


def _source(function: Any, *, has_marks: bool) -> str:
    """Return a function's source without types and argument guards."""
    lines = plain_source(function).splitlines()
    at = next(row for row, line in enumerate(lines) if line.startswith("def "))
    head, body = [lines[at]], lines[at + 1 :]
    for line in reversed(lines[:at]):
        if line.startswith("@np."):  # a block instead: functions decorated by NumPy can't be pickled
            call, mark, comment = line[1:].partition("  #")
            body = [f"    with {call}:{mark}{comment}", *(indent(each, "    ") for each in body)]
        else:
            head.insert(0, line)
    if has_marks:
        docstring = f'    """{(inspect.getdoc(function) or "").splitlines()[0]}"""'
        body = [docstring, "    ### BEGIN SOLUTION", *body, "    ### END SOLUTION"]
    return "\n".join([*head, *body])
