"""What is told in which card: an exception with its line, a wrong helper in its own card and no other."""

import tomllib
from pathlib import Path
from textwrap import indent

import numpy as np
import pytest
from exercise_answers import ANSWERS, GAP
from lessons import read

from explorer.checks import TASKS, diagnose_all
from explorer.notebook.exercise import Examiner, Exercise

EXERCISE = read(Path(__file__).parents[2] / "notebooks" / "exercise.ipynb")
CELLS = {cell.id: cell.source for cell in EXERCISE.cells if cell.cell_type == "code"}
CHAINS = tomllib.loads((Path(__file__).parent / "solutions" / "chains.toml").read_text("utf-8"))["chain"]
FILES = {"load_digits", "evaluate"}  # which build on no function of the student's
QUICK = 30  # of so many cases one runs in the fast tests,
LONG = 9  # and of so many one in the long ones; the others are a sweep


@pytest.fixture(scope="module")
def examiner():
    return Examiner()


def worked(chain, check, tasks=TASKS):
    """The namespace after the cells of the exercise have run with a chain's answers; some are checked."""
    namespace = {"__name__": "__main__", "np": np}
    namespace["check"] = lambda task, answer: check(task, answer) if task in tasks else None
    answers = ANSWERS | {task: code.strip() for task, code in chain.get("right", {}).items()}
    answers |= {task: code.strip() for task, code in chain["wrong"].items()}
    for name in ("network", *TASKS):
        source = CELLS[name]
        if name == "network":
            exec(compile(source, name, "exec"), namespace)
        elif (name not in FILES or name in tasks) and answers[name]:
            margin = GAP.search(source)[1]
            code = GAP.sub(lambda _, a=answers[name], m=margin: indent(a, m), source)
            exec(compile(code, f"cell {name}", "exec"), namespace)
    return namespace


MISSPELT = [
    (task, number)
    for task, answer in ANSWERS.items()
    for number, line in enumerate(answer.splitlines())
    if line.strip() and line.split()[0] not in {"class", "def", "import"}
]


def some_long(cases):
    for number, (name, *case) in enumerate(cases):
        rest = pytest.mark.sweep if number % LONG else pytest.mark.long
        yield pytest.param(*case, id=name, marks=[rest] * (number % QUICK > 0))


@pytest.mark.parametrize(("task", "number"), [*some_long((f"{task}-{n}", task, n) for task, n in MISSPELT)])
def test_an_exception_in_any_line_is_said_and_nothing_else(task, number, tmp_path, examiner):
    lines = ANSWERS[task].splitlines()
    margin = lines[number][: -len(lines[number].lstrip())]
    lines.insert(number, f"{margin}misspelt")
    exercise, cards = Exercise(tmp_path / "progress.jsonl", examiner=examiner), {}

    def check(name, answer):
        cards[name] = exercise.check(name, answer).shown

    worked({"wrong": {task: "\n".join(lines)}}, check, tasks=[task])
    card = cards[task]
    assert "raised NameError: name 'misspelt' is not defined (in " in card.message
    assert (card.outcome, card.look) == ("wrong", "")


@pytest.mark.parametrize("chain", [*some_long(("-".join(chain["wrong"]), chain) for chain in CHAINS)])
def test_each_card_is_about_its_own_cell(chain, tmp_path, examiner):
    exercise, cards = Exercise(tmp_path / "progress.jsonl", examiner=examiner), {}

    def check(task, answer):
        cards[task] = exercise.check(task, answer).shown

    namespace, wrong = worked(chain, check, tasks=TASKS.keys() - FILES), chain["wrong"]
    assert {task for task, card in cards.items() if card.outcome != "right"} == {t for t in wrong if wrong[t]}
    verdicts = diagnose_all(namespace)
    found = {task for task, verdict in verdicts.items() if verdict.outcome != "right"}
    assert found - FILES == {*wrong}
