"""The Study tab, without a page."""

import threading
from threading import Event

import pytest
from app_steps import PATIENCE, is_hidden, open_tab, send
from made_trials import finished
from study_steps import until

from explorer import TrainingConfig
from explorer.extensions.many_runs import study_panel as module
from explorer.extensions.many_runs.study_panel import (
    BATCH_SIZES,
    NO_AXES,
    RECORDED,
    StudyPlan,
    as_text,
    offered_values,
)
from explorer.extensions.many_runs.study_runner import StudyRunner
from explorer.training import FIELDS
from explorer.training.studies import Trial, grid, read_journal
from explorer.training.studies.configs import parse_values
from explorer.training.studies.study import study

CONFIG = TrainingConfig(hidden_sizes=4, epochs=2, batch_size=16, seed=7)


@pytest.fixture
def app(untrained):
    untrained.panels.tab_bar.selected = "study"
    return untrained


@pytest.fixture
def panel(app):
    return app.panels["study"]


def press(panel):
    send(panel.progress, {"press": panel.progress.shown.press})


def run(panel):
    """Run the study that the controls ask for."""
    costs(panel)
    press(panel)
    until(lambda: panel.progress.shown.running)
    until(lambda: not panel.progress.shown.running)


def ask(panel, setting="batch_size", values="8, 600", *, seeds="1"):
    """Ask for a study of a setting, of one epoch."""
    panel.form.axis.value, panel.form.values.text = setting, values
    panel.form.epochs.text, panel.form.seeds.text = "1", seeds


def costs(panel):
    until(lambda: "about" in panel.progress.shown.text)
    return panel.progress.shown.text


@pytest.fixture
def started(monkeypatch):
    """The runs of each study that was started, and what takes its events."""
    given = []

    def start(runner, configs, _data):
        given.append((configs, runner._deliver))
        return len(given)

    monkeypatch.setattr(StudyRunner, "start", start)
    return given


def failures(configs):
    error = "the loss has not been a number since epoch 1"
    return [Trial(config, "diverged", error=error) for config in configs]


def test_the_plan_follows_the_controls(app, panel):
    """No batch is larger than the images, and the whole curve comes first."""
    assert costs(panel).startswith("18 runs, about ")
    assert is_hidden(panel.drawing.view)
    app.n_train, panel.form.seeds.text, app.hidden_activation = 400, "2", "relu"
    assert [config.batch_size for config in panel.plan.configs[:5]] == [400, 128, 32, 8, 1]
    assert [config.seed for config in panel.plan.configs] == [0] * 5 + [1] * 5
    assert {config.hidden_activation for config in panel.plan.configs} == {"relu"}
    panel.form.axis.value = "learning_rate"
    assert panel.form.values.text == "0.001..0.1 ×5"
    app.optimizer, app.learning_rate = "adam", 0.001
    assert panel.form.values.text == "0.0001..0.01 ×5"
    panel.form.values.text = "0.5"
    app.learning_rate = 0.1
    assert panel.form.values.text == "0.5"  # it was typed


def test_what_is_wrong_is_said_next_to_it_and_nothing_is_lost(panel):
    ask(panel, values="8, 70000")
    assert panel.form.values.error.startswith("“70000” can't be used: expected a whole number from 1 to")
    assert panel.form.values.text == "8, 70000"
    press(panel)
    assert "see what is expected" in panel.progress.shown.text
    assert not panel.progress.shown.running
    for seeds, error in (("0", "“0” can't be used"), ("1000", "Too many runs: expected at most 2")):
        panel.form.values.text, panel.form.seeds.text = "1, 8, 16", seeds
        assert panel.form.values.error == ""
        assert panel.form.seeds.error.startswith(error)


def test_a_thousand_runs_are_asked_about_once_more(panel, started):
    ask(panel, seeds="600")
    cost = costs(panel)
    assert cost.startswith("1\u202f200 runs, about ")
    press(panel)
    assert panel.progress.shown.press == "confirm"
    assert panel.progress.shown.text.startswith(cost)
    assert not started
    press(panel)
    assert len(started[0][0]) == 1200


@pytest.mark.slow
def test_a_click_on_a_point_says_which_run_it_shows_and_stays(app, panel):
    ask(panel, values="8, 16", seeds="3")
    run(panel)
    drawing, accuracies = panel.drawing, [trial.final.test_accuracy for trial in panel.trials]
    assert drawing.chosen.final.test_accuracy == max(accuracies)
    assert drawing.origin.text == "The study of the form above."
    numbers = drawing.figure.plot.data[1].customdata
    for place in (1, 0):
        send(drawing.figure, {"kind": "click", "trace": 1, "index": [place]})
        own = [panel.trials[n].final.test_accuracy for n in numbers[place]]
        chosen = drawing.chosen
        assert chosen.final.test_accuracy == sorted(own)[1]
    assert chosen.config.batch_size == 8
    assert drawing.hint.text.startswith("batch size 8: median ")
    assert f" of 3 runs. Shown is seed {chosen.config.seed}, the nearest to it. Click" in drawing.hint.text
    assert app.panels.tab_bar.selected == "study"
    panel.form.seeds.text = "4"
    assert drawing.origin.text.startswith("Your last study. The form above has changed")
    send(drawing.opener, {"press": "open"})
    assert app.panels.tab_bar.selected == "overview"
    assert app.wait(PATIENCE)
    assert app.session.state.run.config == chosen.config
    assert list(app.history) == list(chosen.epochs)
    app.panels.tab_bar.selected = "study"
    assert drawing.chosen == chosen  # the best was offered again


def test_of_a_thousand_runs_the_best_are_listed_and_any_can_be_chosen(panel):
    trials = tuple(finished(seed / 1001, epochs=1, seed=seed) for seed in range(1001))
    drawing, plan = panel.drawing, StudyPlan(("batch_size",), tuple(trial.config for trial in trials))
    drawing.show(plan, trials)
    assert drawing.chosen.config.seed == 1000
    assert len(drawing.choice.options) == 100
    (median,) = drawing.figure.plot.data[1].customdata
    assert median == list(range(1001))
    send(drawing.figure, {"kind": "click", "trace": 1, "index": [0]})
    assert drawing.chosen.config.seed == 500
    assert len(drawing.choice.options) == 101
    drawing.show(plan, trials)
    assert drawing.chosen.config.seed == 500


def test_what_a_stopped_study_has_is_kept_and_only_the_rest_is_run(panel, started):
    ask(panel, values="8, 16, 32", seeds="2")
    costs(panel)
    press(panel)
    ((configs, deliver),) = started
    assert len(configs) == 6
    (kept,) = failures(configs[:1])
    deliver(1, kept)
    deliver(1, Trial(configs[1], "failed", error="out of memory"))
    assert "1 failed: out of memory" in panel.progress.shown.text
    press(panel)
    assert panel.progress.shown.press == "go on"
    assert "stopped" in panel.progress.shown.text
    assert kept in panel.trials
    costs(panel)
    press(panel)
    assert set(started[1][0]) == set(configs) - {configs[0]}
    deliver(1, *failures(configs[2:3]))  # of the study that was stopped: too late
    assert len(panel.trials) == 2


def test_a_study_says_that_it_waits(panel, started):
    costs(panel)
    press(panel)
    ((_configs, deliver),) = started
    deliver(1, 3)
    assert panel.progress.shown.text.endswith("runs · waiting for a turn: 3rd")
    deliver(1, 0)
    assert "waiting" not in panel.progress.shown.text
    deliver(1, "The disk is full.")
    assert "The disk is full." in panel.progress.shown.text


@pytest.mark.parametrize("leave", ["", "close", "use"])
def test_a_press_while_the_cost_is_measured_starts_the_study_later_but_for_no_page_that_is_gone(
    app, panel, started, monkeypatch, other_dataset, leave
):
    costs(panel)
    gate, before, measured = Event(), {*threading.enumerate()}, module.measured_cost
    monkeypatch.setattr(module, "measured_cost", lambda *given: gate.wait(60) and measured(*given))
    panel.form.seeds.text = "2"
    assert panel.progress.shown.waits
    press(panel)
    if leave:
        app.close() if leave == "close" else app.session.use(other_dataset)
    assert not started
    gate.set()
    for thread in {*threading.enumerate()} - before:
        thread.join(60)
    if leave:
        assert not started
    else:
        until(lambda: len(started) == 1)


def test_no_trial_and_no_drawing_reaches_a_page_that_is_gone(app, panel, started, monkeypatch):
    costs(panel)
    press(panel)
    ((configs, deliver),) = started
    later, drawn = [], []
    monkeypatch.setattr(app.views.loop, "call_later", lambda _seconds, call: later.append(call))
    monkeypatch.setattr(panel.drawing, "show", lambda *_: drawn.append(1))
    first, second = failures(configs[:2])
    deliver(1, first)
    app.close()
    later[0]()
    deliver(1, second)
    assert (panel.trials, drawn) == ((first,), [])


def test_what_a_study_costs_may_fail_and_be_tried_again(panel, started, monkeypatch):
    costs(panel)
    with monkeypatch.context() as patch:
        patch.setattr(module, "measured_cost", lambda *_, **__: 1 / 0)
        for change in (lambda: setattr(panel.form.seeds, "text", "2"), lambda: press(panel)):
            change()
            until(lambda: panel.progress.shown.text.startswith("The cost can't be estimated: "))
    press(panel)
    costs(panel)
    press(panel)
    assert len(started) == 1


@pytest.mark.slow
def test_on_mnist_it_opens_with_a_recorded_study_next_to_its_question(new_app, mnist):
    panel = open_tab(new_app(TrainingConfig(), dataset=mnist, train=False), "study")
    assert not is_hidden(panel.drawing.view)
    sums = grid(TrainingConfig(epochs=10), batch_size=BATCH_SIZES, seed=range(3))
    means = [config.replace(reduction="mean", learning_rate=3.0) for config in sums]
    assert {trial.config for trial in panel.trials} == {*sums, *means}
    assert panel.drawing.origin.text.startswith("A recorded example (the exercise, 10 epochs, 3 seeds)")
    assert panel.drawing.words.text.startswith("Best of 16: batch size 32 · mean, median test accuracy 96.3")


@pytest.mark.long
def test_the_recorded_study_is_what_training_gives(mnist):
    """One of its runs, the quickest: the others are as long as a benchmark."""
    trials = read_journal(RECORDED).trials
    recorded = min(trials, key=lambda trial: trial.seconds)
    (trial,) = study([recorded.config], mnist)
    for own, kept in zip(trial.epochs, recorded.epochs, strict=True):  # another processor may round otherwise
        assert own.test_accuracy == pytest.approx(kept.test_accuracy, abs=0.005)


@pytest.mark.parametrize("setting", [name for name in FIELDS if name not in NO_AXES])
def test_the_values_that_are_offered_can_be_used(setting):
    field = FIELDS[setting]
    values = parse_values(field, offered_values(field, TrainingConfig(learning_rate=100.0), 60_000))
    assert len(values) > 1
    assert parse_values(field, ", ".join(as_text(field, value) for value in values)) == values
