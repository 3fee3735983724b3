"""An answer is right, wrong with the mistake's name, waiting or missing; all of it told in a sentence."""

from __future__ import annotations

import pytest

from explorer.checks import MISTAKES, TASKS, diagnose
from explorer.checks.mistakes import MARK
from explorer.checks.observations import Probe
from explorer.checks.recognition import recognise
from explorer.checks.tasks import textbook


def test_the_tasks_are_those_of_the_exercise():
    assert [task.part for task in TASKS.values()] == [1, 1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 9, 9, 9, 9]
    assert sum(not task.is_bonus for task in TASKS.values()) == 12
    for task in TASKS.values():
        assert len(task.hints) == 3
        assert all(20 <= len(hint.split()) <= 60 for hint in task.hints)
        assert all(callable(part) for part in task.solution)


@pytest.mark.parametrize("task", TASKS)
def test_the_textbooks_answer_is_right(task):
    verdict = diagnose(task, textbook(task))
    assert (verdict.outcome, verdict.mistake, verdict.note) == ("right", "", "")


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=lambda mistake: mistake.name)
def test_each_mistake_is_known_by_what_it_gives(mistake):
    """And its wrong line is marked."""
    assert mistake.task in TASKS
    assert MARK in mistake.source
    assert mistake.what[-1] == "."
    assert mistake.look[-1] in ".?"
    for answers in mistake.answers:
        assert recognise(mistake.task, textbook(mistake.task, answers), Probe(1)) is mistake
