"""Answers written without a look at the known mistakes' code: no wrong one passes, every right one does.

A name is true of a wrong answer if it is among its `names`: somebody has read the mistake's card and judged so.
"""

import linecache
import re
import tomllib
from functools import cache
from pathlib import Path
from textwrap import indent

import pytest
from exercise_answers import EXERCISE, GAP, pasted
from lessons import code_cells

from explorer.checks import TASKS, diagnose
from explorer.checks.mistakes import METHODS

NAMED = 0.65  # at least so large a share of the wrong answers has a name
MISNAMED = 0.01  # at most so large a share has a name that isn't true of them
N_WRONG, N_RIGHT = 200, 80  # at least
SECONDS = 5.0  # the limit of one check, as in the notebook

CLASSES = dict.fromkeys(METHODS, "Network") | {"several_layers": "LayeredNetwork"}
CELLS = {cell.id: cell.source.partition("\n\n\ncheck(")[0] for cell in code_cells(EXERCISE)}


def answers(kind):
    text = Path(__file__).with_name(f"answers_{kind}.toml").read_text(encoding="utf-8")
    return [{"task": task} | row for task, rows in tomllib.loads(text).items() for row in rows]


ANSWERS = {kind: answers(kind) for kind in ("wrong", "right")}
WRONG, RIGHT = ANSWERS.values()


@cache
def textbook():
    return compile(pasted(), "textbook.py", "exec")


def cell(task, code):
    """The notebook's cell with the code in its gap; or the code itself, which may be members of the class."""
    if re.search(r"^class ", code, re.MULTILINE):
        return code
    if task == "several_layers" or re.search(rf"^def {task}\(", code, re.MULTILINE):
        name = CLASSES.get(task)
        return f"class {name}({name}):\n{indent(code, '    ')}" if name else code
    return GAP.sub(lambda gap: indent(code, gap[1]), CELLS[task])


@cache
def verdict_on(kind, number):
    """What is said of an answer in a namespace where everything else is the textbook's."""
    row, file = ANSWERS[kind][number], f"{kind}-answer-{number}.py"
    source = cell(row["task"], row["code"])
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    exec(textbook(), names := {"__name__": "__main__"})
    exec(compile(source, file, "exec"), names)
    return diagnose(row["task"], names[CLASSES.get(row["task"], row["task"])], SECONDS)


def test_there_are_enough_for_every_task():
    assert len(WRONG) >= N_WRONG
    assert len(RIGHT) >= N_RIGHT
    assert {row["task"] for row in WRONG} == {row["task"] for row in RIGHT} == TASKS.keys()


EACH = [(kind, number) for kind, rows in ANSWERS.items() for number in range(len(rows))]


@pytest.mark.parametrize(("kind", "number"), [case for case in EACH if case[1] % 50 == 0])
def test_a_wrong_answer_is_refused_and_a_right_one_passes(kind, number):
    """All are tried in the long test."""
    verdict = verdict_on(kind, number)
    assert verdict.outcome == kind, f"{ANSWERS[kind][number]}\n{verdict}"


@pytest.mark.sweep
def test_all_right_answers_pass_and_wrong_ones_do_not_but_mostly_have_a_name_that_is_true_of_them():
    for case in EACH:
        test_a_wrong_answer_is_refused_and_a_right_one_passes(*case)
    names = [verdict_on("wrong", number).mistake for number in range(len(WRONG))]
    untrue = [
        f"{row['task']}, {row['made']}: {name}"
        for row, name in zip(WRONG, names, strict=True)
        if name and name not in row.get("names", ())
    ]
    named = len(names) - names.count("")
    print(f"{named} of {len(names)} named ({named / len(names):.1%}); of these, not true:", *untrue, sep="\n")
    assert named >= NAMED * len(names)
    assert len(untrue) <= MISNAMED * len(names), untrue
