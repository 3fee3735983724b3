"""The card of a task, without a page."""

from dataclasses import replace

import pytest

from explorer.widgets.task_card import TaskCard

CARD = TaskCard("f", "waiting", "it waits.", hints=("one", "two `x`", "three"), done=7, of=12)


def parts(card):
    """Its elements by their tag, role or class."""
    ((_, section, *children),) = card.elements()
    names = (attributes.get("role") or attributes.get("class") or tag for tag, attributes, *_ in children)
    return section, dict(zip(names, children, strict=True))


def buttons(card):
    return [attributes for _, attributes, *_ in parts(card)[1]["group"][2:]]


@pytest.mark.parametrize(
    ("rung", "open_to_press"), [(0, "1"), (1, "12"), (2, "123"), (3, "123"), (4, "1234")]
)
def test_a_hint_opens_after_the_one_before(rung, open_to_press):
    card = replace(CARD, rung=rung, solution=("code",) if rung == 4 else ())
    assert "".join(card.presses) == open_to_press
    for button in buttons(card):
        assert button.get("disabled", False) == (button["data-press"] not in open_to_press)


def test_the_solution_is_offered_after_the_hints_or_a_right_answer():
    assert buttons(CARD)[3]["hidden"]
    tried = replace(CARD, outcome="wrong", solution=("code",))
    assert (buttons(tried)[3].get("hidden"), buttons(tried)[3]["disabled"]) == (None, True)
    assert replace(tried, rung=2).presses == ("1", "2", "3")
    assert replace(tried, rung=3).presses == ("1", "2", "3", "4")
    assert replace(tried, outcome="right").presses == ("1", "4")


def test_what_the_solution_waits_for_is_said_as_long_as_it_does():
    def words(card):
        return [part if isinstance(part, str) else part[2] for part in parts(card)[1]["group"][5][2:]]

    tried = replace(CARD, outcome="wrong", solution=("code",))
    assert words(tried) == ["Solution", ": after the hints"]
    assert words(replace(tried, rung=3)) == ["Solution"]


@pytest.mark.parametrize(("is_open", "shown"), [(0, []), (1, ["one"]), (3, ["three"])])
def test_one_hint_is_shown(is_open, shown):
    card = replace(CARD, rung=3, is_open=is_open)
    assert [text for _, _, text in parts(card)[1]["explorer-task-opened"][2:]] == shown
    expanded = [at for at, button in enumerate(buttons(card), 1) if button["aria-expanded"] == "true"]
    assert expanded == ([is_open] if is_open else [])


def test_an_attempt_is_told_at_once_and_a_gap_is_not():
    for outcome, role, line in (
        ("right", "alert", "✓ f: Right. it waits. (7 of 12 tasks)"),
        ("wrong", "alert", "✗ f: Not yet. it waits. (7 of 12 tasks)"),
        ("waiting", "status", "… f: Your turn. it waits. (7 of 12 tasks)"),
    ):
        card = replace(CARD, outcome=outcome)
        section, found = parts(card)
        assert (section["data-outcome"], found["header"][2][1]["role"], card.line) == (outcome, role, line)
