"""Students' wrong answers are refused and named only for what they are, exceptions are said; right ones pass."""

import pytest
from checks.injected import INJECTIONS, RIGHT, WRONG, verdict_on
from thinned import one_in

from explorer.checks import MISTAKES
from explorer.checks.mistakes import MARK, plain_source, textbook

NAMED = 0.6  # at least so large a share of the wrong answers has a name


@pytest.mark.parametrize(("number", "row"), one_in(20, [*enumerate(WRONG), *enumerate(RIGHT)]))
def test_a_wrong_answer_is_refused_and_named_only_for_what_it_is_and_a_right_one_passes(number, row):
    verdict, outcome = verdict_on(number, row), "wrong" if "made" in row else "right"
    assert (verdict.outcome, verdict.mistake) == (outcome, row.get("mistake", "")), f"{row}: {verdict}"
    assert row.get("says", "") in verdict.message


def test_most_wrong_answers_have_a_name():
    assert len(WRONG) >= 300
    assert sum("mistake" in row for row in WRONG) >= NAMED * len(WRONG)


def test_each_known_mistake_is_made_by_somebody():
    assert {row["mistake"] for row in WRONG if "mistake" in row} | INJECTIONS.keys() == MISTAKES.keys()


def test_no_answer_is_written_as_a_known_mistake_is():
    """But for spaces: such an answer would be named whatever the diagnosis did."""
    known = {
        "".join(plain_source(each).replace(MARK, "").split())
        for mistake in MISTAKES.values()
        if mistake.task != "several_layers"  # whose answer is a class, written by nobody line by line
        for answers in mistake.answers
        for each in (getattr(textbook(mistake.task, answers), mistake.task, textbook(mistake.task, answers)),)
    }
    written = {"".join(row["code"].removeprefix("class Network(Network):").split()) for row in WRONG}
    assert not written & known, sorted(written & known)
