"""Which buttons can be pressed, and what a press does."""

from __future__ import annotations

import pytest

from explorer.widgets.run_bar import ACTIONS, STATUSES, RunBar, actions, progress_text

POSSIBLE = {
    "idle": "train step_batch step_epoch",
    "running": "pause stop reset",
    "paused": "resume step_batch step_epoch stop reset",
    "finished": "train reset",
    "stopped": "train reset",
    "failed": "train reset",
}


@pytest.mark.parametrize("status", STATUSES)
def test_what_is_possible_follows_from_the_status(status):
    assert {action for action, possible in actions(status).items() if possible} == set(
        POSSIBLE[status].split()
    )
    assert tuple(actions(status)) == ACTIONS


@pytest.mark.parametrize("status", STATUSES)
def test_the_primary_button_always_does_one_thing(status):
    assert sum(actions(status)[action] for action in ("train", "pause", "resume")) == 1


def test_an_unknown_status_is_refused():
    with pytest.raises(KeyError):
        actions("asleep")


@pytest.fixture
def bar():
    return RunBar()


@pytest.fixture
def heard(bar):
    names = []
    bar.on_action(names.append)
    return names


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("action", ACTIONS)
def test_only_what_is_possible_is_handed_on(bar, heard, from_page, status, action):
    bar.status = status
    from_page.send(bar, {"action": action})
    assert heard == ([action] if action in POSSIBLE[status].split() else [])


@pytest.mark.parametrize(
    "content", [None, [], "train", {}, {"action": None}, {"action": ["train"]}, {"action": "rm"}]
)
def test_other_messages_are_ignored(bar, heard, from_page, content):
    from_page.send(bar, content)
    assert heard == []


def test_the_state_of_a_run_is_one_message(sent):
    bar = RunBar()
    sent.clear()
    bar.show("running", 2.5, 10, 12.4)
    (message,) = sent
    assert message == {
        "status": "running",
        "enabled": actions("running"),
        "fraction": 0.25,
        "text": "epoch 3 of 10 · 12 s left",
    }


def test_the_switch_is_the_users(bar, from_page):
    seen = []
    bar.observe(lambda change: seen.append(change["new"]), "auto")
    from_page.set(bar, auto=False)
    assert seen == [False]


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (("idle", 0, 10), "not trained yet"),
        (("running", 0.0, 10), "epoch 1 of 10"),
        (("running", 9.999, 10, 0.2), "epoch 10 of 10 · 1 s left"),
        (("running", 10.0, 10, 0), "epoch 10 of 10 · 1 s left"),
        (("running", 1.0, 500, 59.4), "epoch 2 of 500 · 59 s left"),
        (("running", 1.0, 500, 59.7), "epoch 2 of 500 · 1 min left"),
        (("running", 1.0, 500, 150), "epoch 2 of 500 · 2 min left"),
        (("running", 1.0, 500, 5400), "epoch 2 of 500 · 1.5 h left"),
        (("paused", 2.4, 10, 9.0), "epoch 3 of 10 · paused"),
        (("stopped", 2.4, 10), "stopped · 2 of 10 epochs"),
        (("finished", 10.0, 10), "finished · 10 of 10 epochs"),
        (("finished", 1.0, 1), "finished · 1 of 1 epoch"),
        (("failed", 3.0, 10), "failed · 3 of 10 epochs"),
    ],
)
def test_progress_in_words(state, text):
    assert progress_text(*state) == text
