"""A race in the Runs tab, without a page: one press, a row and two curves for each entry."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from app_steps import PATIENCE, done, drawn, open_tab, retrain, run_of

from explorer import TrainingConfig, train
from explorer.app.controls import RunBarPart
from explorer.training.races import RACES

CONFIG = TrainingConfig(hidden_sizes=8, epochs=3, batch_size=16, learning_rate=0.05)


@pytest.fixture
def panel(app):
    return open_tab(app, "runs")


def ends(curve):
    """The names at the ends of the curves."""
    return {mark["text"] for mark in curve.figure.plot.layout.to_plotly_json()["annotations"]}


def epochs(panel):
    """What the table says of the epochs of each run."""
    place = panel.table.headings.index("Epochs")
    return {row["number"]: row["cells"][place]["text"] for row in panel.table.rows}


def test_one_press_races_the_settings_against_others(app, panel, from_page, small_dataset):
    from_page.send(panel.races, {"press": "Optimizers"})
    assert app.wait(PATIENCE)
    entries = RACES["Optimizers"](CONFIG, 600)
    runs = app.session.state.runs
    assert [run.config for run in runs] == [*entries[1:], CONFIG]
    assert epochs(panel) == {run.number: "3" for run in runs}
    for figure, metric in ((panel.accuracy, "test_accuracy"), (panel.loss, "test_loss")):
        curves = drawn(figure)
        assert len(curves) == len(entries)
        for curve, run in zip(curves, runs, strict=True):
            factor = 100 if metric == "test_accuracy" else 1
            values = [factor * getattr(record, metric) for record in train(run.config, small_dataset)]
            assert list(curve.y) == pytest.approx(values, rel=1e-6)
            assert curve.name == f"{run.label} (run {run.number})"
    assert app.config == CONFIG  # the controls stay as they are
    overview = open_tab(app, "overview")
    for curve in (overview.loss, overview.accuracy):
        assert ends(curve) == {"plain SGD", "momentum", "Nesterov", "RMSProp", "Adam"}
    retrain(app, seed=1)
    assert ends(overview.accuracy) == set()


def test_a_run_whose_network_is_gone_says_so(app, panel, from_page):
    retrain(app, seed=1)
    session = app.session
    bare = session.state.earlier[0].without_moments()
    session.edit(bare.number, timeline=bare.timeline, evaluation=bare.evaluation, history=bare.history)
    from_page.send(panel.table, {"verb": "open", "number": bare.number})
    assert run_of(app).number != bare.number
    assert "without its network: load its settings" in panel.table.status


def test_the_time_that_is_left_is_that_of_all(app):
    app.session.race(RACES["Activations"](CONFIG.replace(epochs=500), 600))
    done(app.session.pause)
    done(app.session.step, "epoch")
    state, shown = app.session.state, []
    run, *rivals = (replace(one, status="running") for one in (state.run, *state.racing))
    assert len(rivals) == 2
    part = RunBarPart(app.session)
    part.view = SimpleNamespace(show=lambda progress, **_: shown.append(progress))
    part.show(replace(state, run=run))
    assert shown[0].seconds_left == pytest.approx(sum(one.seconds_left for one in (run, *rivals)))
