"""What stands in the corners of the page: the answers that wait, and the words of unusual runs."""

import pytest
from app_steps import PATIENCE, done, messages, run_of, say

from explorer import TrainingConfig
from explorer.figures.curves import SLOTS
from explorer.training import PRESETS
from explorer.training.presets import EXPERIMENTS, SITUATIONS
from explorer.widgets.settings_panel import SettingsPanel

CONFIG = TrainingConfig(hidden_sizes=8, epochs=2, batch_size=50)


def part(app, name):
    return next(child for child in app.settings.children if getattr(child, "part", "") == name)


def advised(app):
    return [message["id"] for message in messages(app).values() if message["action"]]


def test_the_advice_waits_until_the_answer_is_opened(app):
    app.config = SITUATIONS["Too few units"].config.replace(epochs=9)  # about which nobody asks
    assert app.wait(PATIENCE)
    assert advised(app)
    say(part(app, "presets"), {"preset": "Too few units"})
    assert app.wait(PATIENCE)
    assert app.config == SITUATIONS["Too few units"].config
    assert not advised(app)
    say(part(app, "question"), {"answer": True})
    assert advised(app)


def test_every_experiment_asks_something():
    assert {*PRESETS} - {*EXPERIMENTS} == {"Start", "The exercise"}
    panel = SettingsPanel()
    for name, one in EXPERIMENTS.items():
        panel.show(one.config)
        assert part_of(panel, "question").situation["question"].endswith("?"), name


def part_of(panel, name):
    return next(child for child in panel.children if getattr(child, "part", "") == name)


@pytest.mark.parametrize(
    ("config", "note"),
    [
        (PRESETS["Start"], ""),
        (PRESETS["The exercise"].replace(epochs=3), ""),
        (SITUATIONS["Uniform weights"].config, "1 changed: uniform U[0, 1)"),
        (PRESETS["Cosine"], "4 changed: relu, He, Adam, cosine"),
        (PRESETS["Start"].replace(dropout=0.2), "1 changed: dropout 0.2"),
    ],
)
def test_the_closed_fold_says_what_is_changed_in_it(config, note):
    panel = SettingsPanel()
    panel.show(config)
    assert part_of(panel, "more").note == note


def test_of_many_runs_the_best_are_drawn_and_those_with_a_setting_can_be_chosen(app):
    session = app.session
    for k in range(SLOTS + 2):
        changes = {"hidden_activation": ("relu", "tanh")[k % 2], "learning_rate": 0.001 * (k + 1)}
        done(app.train, CONFIG.replace(epochs=1, **changes))
    app.panels.tab_bar.selected = "runs"
    panel = app.panels["runs"]
    drawn = panel._drawn_runs(app.views.state)
    best = sorted(session.state.comparable.shown, key=lambda run: run.best.test_accuracy)[-5:]
    assert {run.number for run in drawn} == {run.number for run in (*best, session.state.run)}
    panel.filter.value = "hidden_activation=relu"
    assert {run.config.hidden_activation for run in panel._drawn_runs(app.views.state)[:-1]} == {"relu"}
    assert len(panel.table.earlier) == len(range(0, SLOTS + 2, 2))


def test_names_that_would_be_cut_where_they_differ_say_only_what_differs(app):
    same = CONFIG.replace(epochs=1, hidden_activation="relu", l2=0.001, schedule="cosine")
    for share in (0.1, 0.2, 0.3):
        done(app.train, same.replace(dropout=share, optimizer="momentum"))
    for width in (9, 9):  # a name that is not cut stays, if two runs have it
        done(app.train, CONFIG.replace(epochs=1, hidden_sizes=width))
    app.session.delete(1)
    app.panels.tab_bar.selected = "runs"
    names = [trace.name for trace in app.panels["runs"].accuracy.plot.data if trace.visible]
    cut = [f"dropout {share} (run {n})" for n, share in ((2, 0.1), (3, 0.2), (4, 0.3))]
    assert [*names[:3], *names[-1:]] == [*cut, run_of(app).title]
