"""Which buttons can be pressed, and what a press does."""

import pytest

from explorer.widgets.run_bar import ACTIONS, STATUSES, RunBar, RunProgress, actions

POSSIBLE = {
    "idle": "train step_batch step_epoch",
    "running": "pause stop reset",
    "paused": "train resume step_batch step_epoch stop reset",
    "finished": "train reset",
    "stopped": "train reset",
    "failed": "train reset",
}


@pytest.fixture
def bar():
    return RunBar()


@pytest.fixture
def heard(bar):
    names = []
    bar.on_action(names.append)
    return names


@pytest.mark.parametrize("status", STATUSES)
def test_only_what_is_possible_is_handed_on(bar, heard, from_page, status):
    bar.status = status
    for content in (None, [], "train", {}, *({"action": one} for one in (None, ["train"], "rm", *ACTIONS))):
        from_page.send(bar, content)
    assert heard == [action for action in ACTIONS if action in POSSIBLE[status].split()]


def test_a_guess_comes_with_the_press_that_may_overtake_it(bar, heard, from_page):
    from_page.send(bar, {"action": "train", "state": {"guess": "95 %", "auto": "maybe", "note": "x"}})
    assert (heard, bar.guess, bar.auto, bar.note) == (["train"], "95 %", True, "")
    from_page.send(bar, {"action": "train", "state": ["guess"]})
    assert heard == ["train", "train"]


def test_the_state_of_a_run_is_one_message(sent):
    bar = RunBar()
    sent.clear()
    bar.show(RunProgress("running", 2.5, 10, 12.4))
    state = {"status": "running", "fraction": 0.25, "text": "epoch 3 of 10 · 12 s left"}
    assert sent == [{**state, "enabled": actions("running")}]
    sent.clear()
    words = {"resumes": "10 more epochs", "trains": "Train again", "note": "It moved."}
    bar.show(RunProgress("finished", 10, 10), **words)
    (message,) = sent
    assert message["enabled"] == actions("finished", goes_on=True)
    assert {name: getattr(bar, name) for name in words} == words


def test_what_is_resumed_is_handed_on_only_where_it_can_go_on(bar, heard, from_page):
    bar.show(RunProgress("finished", 10, 10), resumes="10 more epochs")
    from_page.send(bar, {"action": "resume"})
    for status, resumes in (("finished", ""), ("running", "10 more epochs"), ("idle", "10 more epochs")):
        bar.show(RunProgress(status, 500, 500), resumes=resumes)
        from_page.send(bar, {"action": "resume"})
    assert heard == ["resume"]


@pytest.mark.parametrize(("state", "text"), [
    (("idle", 0, 10), "not trained yet"),
    (("running", 0.0, 10), "epoch 1 of 10"),
    (("running", 2.5, 10, 12.0, None, 1), "epoch 3 of 10 · waiting for a turn: 1st"),
    (("stopped", 2.5, 10, None, None, 1), "stopped · 2 of 10 epochs"),
    (("running", 9.999, 10, 0.2), "epoch 10 of 10 · 1 s left"),
    (("running", 1.0, 500, 5400), "epoch 2 of 500 · 1.5 h left"),
    (("paused", 2.4, 10, 9.0), "epoch 3 of 10 · paused"),
    (("paused", 2.4, 10, 9.0, (3, 47, 118)), "epoch 3 of 10 · step 47 of 118 · paused"),
    (("paused", 0.1, 10, None, (1, 6000, 9000)), "epoch 1 of 10 · step 6\u202f000 of 9\u202f000 · paused"),
    (("running", 2.4, 10, None, (3, 47, 118)), "epoch 3 of 10"),
    (("finished", 10.0, 10), "finished · 10 of 10 epochs"),
    (("finished", 1.0, 1), "finished · 1 of 1 epoch"),
    (("failed", 3.0, 10), "failed · 3 of 10 epochs"),
])  # fmt: skip
def test_progress_in_words(state, text):
    assert RunProgress(*state).text == text
