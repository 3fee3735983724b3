"""The exercise with a student's answers in its gaps, on fewer images than there are."""

import ast
import re
from pathlib import Path
from textwrap import dedent, indent

import nbformat
from checks.injected import RIGHT
from lessons import code_cells

from explorer.checks import TASKS
from explorer.checks.tasks import solution

EXERCISE = Path(__file__).parents[1] / "notebooks" / "exercise.ipynb"
FEWER = """\
from dataclasses import replace

parts = {f"{split}_{part}": n for split, n in (("train", 2000), ("test", 500)) for part in ("images", "labels")}
np.random.seed(0)  # the answers draw from it
dataset = replace(dataset, **{name: getattr(dataset, name)[:n] for name, n in parts.items()})"""
GAP = re.compile(r"^( *)(?:return \.\.\.|pass|LayeredNetwork = \.\.\.)  # YOUR CODE HERE.*$", re.MULTILINE)


def body(code):
    """The lines of a student's function or method that replace the one with the gap; a class does so as it is."""
    *before, made = ast.parse(code).body
    if isinstance(made, ast.ClassDef):
        if not made.bases:
            return code
        made = made.body[-1]  # of the notebook's class
    lines = dedent("\n".join(code.splitlines()[made.body[0].lineno - 1 :]))
    return "\n".join([*map(ast.unparse, before), lines])


ANSWERS = {task: body(next(row["code"] for row in RIGHT if row["task"] == task)) for task in TASKS}
"""By the ids of the cells: the first of the students' right answers."""


def given():
    """The notebook's cell with the class that each method is added to."""
    return next(cell.source for cell in code_cells(EXERCISE) if cell.id == "network")


def pasted(cells=solution):
    """A script of the given class and the solution of each task, as a student pastes them."""
    before_the_methods = [*TASKS].index("init_weights")
    parts = [cells(task) for task in TASKS]
    parts.insert(before_the_methods, given())
    return "\n\n\n".join(["import numpy as np", *parts]) + "\n"


def answered(notebook, *, with_app=False, answers=ANSWERS):
    """Fill in the answers of a notebook; the app at its end, which trains for a while, stays only if asked for."""
    cells = []
    for cell in notebook.cells:
        if cell.id in ANSWERS:
            answer = answers[cell.id]
            margin = GAP.search(cell.source)[1]
            cell.source = GAP.sub(indent(answer, margin), cell.source)
        if cell.id == "archive":
            cells.append(nbformat.v4.new_code_cell(FEWER))
        if cell.id != "explorer" or with_app:
            cells.append(cell)
    notebook.cells = cells
    return notebook
