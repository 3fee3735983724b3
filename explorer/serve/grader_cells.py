"""The exercise's checks for two graders, otter-grader and nbgrader: one for each task, a point each."""

import ast
import inspect
import json
from collections.abc import Callable, Mapping
from pprint import pformat
from textwrap import dedent, indent
from types import MappingProxyType
from typing import Any

from explorer.checks import TASKS, exercise

__all__ = ["WRITTEN", "nbgrader_notebook", "otter_test"]


def otter_test(task: str) -> str:
    """Return a task's test as a file in otter-grader's OK format; where it fails, it shows the verdict."""
    code = (
        ">>> from explorer.checks import diagnose\n"
        f">>> verdict = diagnose({task!r}, globals().get({_answer(task)!r}))\n"
        ">>> print('right' if verdict.outcome == 'right' else verdict)\nright\n"
    )
    suite = {"type": "doctest", "scored": True, "setup": "", "teardown": ""}
    suite |= {"cases": [{"code": code, "hidden": False, "locked": False}]}
    test = {"name": task, "points": 1, "suites": [suite]}
    return f"OK_FORMAT = True\n\ntest = {pformat(test, sort_dicts=False)}\n"


def nbgrader_notebook() -> dict[str, Any]:
    """Return the exercise as nbgrader takes it from a teacher: for each task its solution and its check."""
    textbook = ast.parse(inspect.getsource(exercise)).body
    imports = [ast.unparse(node) for node in textbook if isinstance(node, ast.Import | ast.ImportFrom)]
    setup = "\n".join([*imports, "from explorer.checks import diagnose\n\nArray = NDArray[Any]"])
    given = f"class Network:\n{inspect.getsource(exercise.Network.__init__)}"
    cells = [_cell("setup", setup, locked=True), _cell("network", given, locked=True)]
    for name, task in TASKS.items():
        check = f'verdict = diagnose("{name}", globals().get("{_answer(name)}"))\n'
        check += 'print(verdict)\nassert verdict.outcome == "right"'
        text = {"cell_type": "markdown", "id": f"{name}-title", "metadata": {}, "source": f"### {task.title}"}
        cells += [text, _cell(name, _gap(name), solution=True)]
        cells.append(_cell(f"{name}-check", check, locked=True, grade=True, points=1))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


WRITTEN: Mapping[str, Callable[[], Mapping[str, str]]] = MappingProxyType(
    {
        "otter": lambda: {f"{task}.py": otter_test(task) for task in TASKS},
        "nbgrader": lambda: {"exercise.ipynb": json.dumps(nbgrader_notebook(), indent=1)},
    }
)
"""What is written for each grader: texts by the names of their files."""


def _answer(task: str) -> str:
    """Return the name of the function or class that a task is answered by."""
    return str(TASKS[task].solution[0].__qualname__).partition(".")[0]


def _cell(name: str, source: str, **kind: Any) -> dict[str, Any]:
    roles = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
    metadata = {"nbgrader": {"grade_id": name, **roles, **kind}}
    cell = {"cell_type": "code", "id": name, "metadata": metadata, "source": source}
    return cell | {"execution_count": None, "outputs": []}


def _gap(task: str) -> str:
    """Return the textbook's answer to a task; what nbgrader is to take out is between the marks it looks for."""
    lines = dedent(inspect.getsource(TASKS[task].solution[0])).splitlines()
    functions = [node for node in ast.walk(ast.parse("\n".join(lines))) if isinstance(node, ast.FunctionDef)]
    for node in sorted(functions, key=lambda node: -node.lineno):
        if ast.get_docstring(node) is not None:
            margin = " " * node.body[0].col_offset
            lines.insert(node.end_lineno or 0, f"{margin}### END SOLUTION")
            lines.insert(node.body[0].end_lineno or 0, f"{margin}### BEGIN SOLUTION")
    text = "\n".join(lines)
    return f"class Network(Network):\n{indent(text, '    ')}" if _answer(task) == "Network" else text
