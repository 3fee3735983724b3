"""What is a gap in an answer, and what is an answer that is wrong."""

from __future__ import annotations

import pytest

from explorer.checks import diagnose


def only_pass(a):
    pass


def only_dots(a):
    """With words of its own."""
    ...


def dots(a):
    return ...


def constant(a):
    return 0.5


def nothing(a):
    a + 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (only_pass, "waiting"),
        (only_dots, "waiting"),
        (dots, "waiting"),
        (constant, "wrong"),
        (nothing, "wrong"),
    ],
)
def test_a_body_without_code_waits_and_a_constant_is_an_answer(answer, outcome):
    assert diagnose("relu", answer).outcome == outcome
