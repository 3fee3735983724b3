"""The tour's side in Python: which steps there are, what each does, and what it says came of it."""

from __future__ import annotations

import numpy as np
import pytest
from app_steps import PATIENCE, change, done, run_of, say, set_controls
from study_steps import until

from explorer import TrainingConfig
from explorer.app.tour_guide import tour_steps
from explorer.network import most_confused
from explorer.widgets.setting import stops

CONFIG = TrainingConfig(hidden_sizes=4, epochs=3, batch_size=16, learning_rate=0.02)
DIGITS = tuple("0123456789")


def guide(app):
    """The help dialog and the tour of an app."""
    return app.children[0].children[1:]


class Page:
    """What stands for the page: it hears what the tour says, and does what its user does."""

    def __init__(self, app, monkeypatch):
        self.app, self.heard = app, []
        _, self.tour = guide(app)
        monkeypatch.setattr(self.tour, "send", self.heard.append)

    def say(self, event, step=""):
        say(self.tour, {"event": event, "step": step})

    def do(self, step):
        self.say("step", step)
        self.say("act", step)

    @property
    def told(self):
        return [message["told"] for message in self.heard if "told" in message]

    def steps(self):
        self.say("begin")
        return {step["name"]: step for step in self.heard[-1]["start"]}

    def slide(self):
        """Do as the page does when it is told to move a slider; return the setting's value."""
        (move,) = (message for message in self.heard if "slide" in message)
        setting = self.app.settings[move["slide"]]
        value = stops(move["slide"])[move["stop"]]
        say(setting, {"typed": [value] if move["slide"] == "hidden_sizes" else value})
        self.say("slid", move["step"])
        return value


@pytest.fixture
def page(app, monkeypatch):
    return Page(app, monkeypatch)


@pytest.mark.parametrize(
    ("shown", "moved"),
    [
        (None, "hidden_sizes"),
        (["epochs", "learning_rate", "batch_size"], "batch_size"),
        (["learning_rate"], "learning_rate"),
        (["presets", "epochs"], None),
    ],
)
def test_it_moves_a_slider_that_is_there(shown, moved):
    at = [step.at for step in tour_steps(DIGITS, shown) if step.name == "setting"]
    assert at == ([] if moved is None else [f'[data-name="{moved}"][data-kind="scale"]'])


def test_no_digit_is_drawn_where_there_are_none():
    (draw,) = (step for step in tour_steps(("boot", "bag")) if step.name == "draw")
    assert draw.deed == ""
    assert "digit" not in " ".join(step.title + step.text for step in tour_steps(("boot", "bag")))


@pytest.mark.parametrize("auto", [True, False])
def test_a_moved_setting_is_trained_with_and_compared_whether_or_not_that_is_automatic(page, app, auto):
    app.run_bar.auto = auto
    before = run_of(app)
    assert "setting" in page.steps()
    page.do("setting")
    value = page.slide()
    assert app.wait(PATIENCE)
    assert run_of(app).config.hidden_sizes == (value,) == (8,)
    assert run_of(app).number == before.number + 1  # one run, not two
    was, by_now = (f"{100 * run.newest.record.test_accuracy:.1f}\u00a0%" for run in (before, run_of(app)))
    assert page.told == [
        "It trains again: look at the curves.",
        f"Hidden units 8: {by_now} of the test images classified correctly; before, with 4, it was {was}.",
    ]


def test_without_a_run_each_step_says_why_there_is_nothing(untrained, monkeypatch):
    page = Page(untrained, monkeypatch)
    page.steps()
    for step in ("epochs", "matrix"):
        page.do(step)
    assert page.told == ["not trained yet"] * 2


def test_it_chooses_the_most_frequent_mistake(page, app):
    app.panels.tab_bar.selected = "runs"
    page.steps()
    page.do("matrix")
    assert app.panels.tab_bar.selected == "overview"
    (pair,) = most_confused(run_of(app).newest.confusion, 1)
    assert app.views.chosen == (pair.true, pair.predicted)
    assert page.told[0].startswith(f"{pair.true} read as {pair.predicted}: {pair.count} image")


def pad_of(app):
    return app.panels["overview"].network.pad


def draw_seven(pad):
    ink = np.zeros((pad.side, pad.side), np.uint8)
    ink[20:120, 60:80] = 255
    pad.set_state({"drawn": pad.drawn + 1, "ink": memoryview(ink.tobytes())})


def test_it_draws_and_says_what_is_read(page, app, monkeypatch):
    page.steps()
    page.say("step", "draw")
    assert app.panels.tab_bar.selected == "overview"
    pad, drawn = pad_of(app), []
    monkeypatch.setattr(pad, "send", drawn.append)
    for _ in range(2):
        page.say("act", "draw")
    assert len(drawn[0]["draw"]) == 2  # the strokes of a seven
    draw_seven(pad)
    assert page.told == [
        app.panels["overview"].network.caption.text + "."
    ]  # once, though it was asked for twice
    assert page.told[0].startswith("Your drawing, read as")


def take(page, app):
    """Take the whole tour, and let it do all it offers; return what there is at its last step."""
    page.steps()
    page.do("setting")
    page.slide()
    assert app.wait(PATIENCE)
    page.do("epochs")
    page.do("matrix")
    page.do("draw")
    draw_seven(pad_of(app))
    page.say("step", "more")
    return run_of(app)


@pytest.mark.parametrize("auto", [True, False])
def test_at_its_end_all_is_as_it_was(page, app, auto):
    app.run_bar.auto = auto
    app.panels.tab_bar.selected = "runs"
    app.views.choose(5, 3)
    app.session.select(2)
    before, ink = run_of(app), pad_of(app).ink
    during = take(page, app)
    assert (during.config.hidden_sizes, app.panels.tab_bar.selected) == ((8,), "overview")
    page.say("leave")
    state = app.session.state
    assert (state.config, state.run.config) == (CONFIG, CONFIG)
    assert [run.number for run in state.runs] == [before.number]
    assert state.run.timeline.epochs == before.timeline.epochs
    assert state.run.newest.record.test_accuracy == before.newest.record.test_accuracy
    assert state.selected_epoch == 2
    assert app.views.chosen == (5, 3)
    assert app.panels.tab_bar.selected == "runs"
    assert pad_of(app).ink == ink
    app.session.extend(4)  # it goes on as it would have
    assert app.wait(PATIENCE)
    assert (run_of(app).number, len(run_of(app).history)) == (before.number, 4)


def test_what_the_user_has_changed_during_the_tour_stays(page, app):
    take(page, app)
    change(app, hidden_sizes=(5,))
    app.views.choose(1, 2)
    app.panels.tab_bar.selected = "inside"
    pad = pad_of(app)
    pad.ink = pad.ink_of(np.full((28, 28), 9, np.uint8))
    page.say("leave")
    assert run_of(app).config.hidden_sizes == (5,)
    assert app.views.chosen == (1, 2)
    assert app.panels.tab_bar.selected == "inside"
    assert pad.image.max() == 9


def test_what_comes_after_the_tour_was_left_is_undone_too(page, app):
    before, ink = run_of(app), pad_of(app).ink
    page.steps()
    page.do("setting")
    page.say("leave")
    page.slide()  # it was under way
    assert app.wait(PATIENCE)
    assert (run_of(app).number, app.config) == (before.number, CONFIG)
    page.steps()
    page.do("draw")
    page.say("leave")
    draw_seven(pad_of(app))
    assert pad_of(app).ink == ink


def test_a_run_that_was_under_way_goes_on_after_the_tour(page, app):
    set_controls(app, epochs=500)
    until(lambda: app.wait(0.01) or len(run_of(app).history) > 4)
    number = run_of(app).number
    page.steps()
    page.do("setting")
    page.slide()
    page.say("leave")
    assert (run_of(app).number, run_of(app).status) == (number, "running")
    until(lambda: app.wait(0.01) or len(run_of(app).history) > 8)
    done(app.stop)


@pytest.mark.parametrize("event", ["act", "step", "begun", None, ["act"]])
def test_what_no_step_has_is_not_done(page, event):
    page.steps()
    page.heard.clear()
    page.say(event, "unknown")
    assert page.heard == []


def test_the_help_dialog_starts_it(page, app):
    dialog, _ = guide(app)
    say(dialog, {"tour": True})
    assert "start" in page.heard[-1]
    assert {"?", "Space"} <= {key for key, _ in dialog.shortcuts}
