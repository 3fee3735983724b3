"""What every visitor begins with is made once, and a run trained before the session is as good as its own."""

import json
import subprocess
import sys

import numpy as np
import pytest
from app_steps import PATIENCE, done
from reference_runs import diverging

from explorer import TrainingConfig
from explorer.serve import environment
from explorer.serve.request import trained_run
from explorer.session import Session

CODE = """
from ipywidgets import Widget
from explorer.serve.request import opening_app, opening_run, warm_up

def live():
    return [model["state"] for model in Widget.get_manager_state()["state"].values()]

warm_up()
print(len(live()))
app = opening_app()
print(app.status, app.session.state.run.history is opening_run().history)
print(sorted(state["_anywidget_id"] for state in live() if "scripts" in state))
print(sum("source" in state for state in live()))
"""
CONFIG = TrainingConfig(hidden_sizes=6, epochs=3, batch_size=16, learning_rate=0.05)


@pytest.fixture
def sessions(small_dataset):
    """One that has trained its run, and one that has begun with such a run."""
    own, given = Session(small_dataset, CONFIG), Session(small_dataset)
    done(own.train)
    given.open(trained_run(CONFIG, small_dataset, PATIENCE))
    yield own, given
    for session in (own, given):
        session.close()


def assert_equal(own, given):
    """To the bit, apart from the time that it took."""
    assert given.status == own.status == "finished"
    ours, theirs = own.state.run, given.state.run
    assert theirs.history.epochs == ours.history.epochs
    assert theirs.history.batches == ours.history.batches
    assert theirs.timeline.epochs == ours.timeline.epochs
    moments = ([*run.timeline.moments, run.newest] for run in (ours, theirs))
    np.testing.assert_equal(*([(one.test_outputs, one.weights) for one in found] for found in moments))
    assert ours.evaluation.train_loss == theirs.evaluation.train_loss
    assert (theirs.number, theirs.title, given.config) == (ours.number, ours.title, own.config)


def test_it_is_equal_to_the_sessions_own_goes_on_and_is_forked_as_such(sessions):
    assert_equal(*sessions)
    for session in sessions:
        done(session.extend, 5)
    assert_equal(*sessions)
    for session in sessions:
        session.select(2)
        done(session.fork)
    assert_equal(*sessions)
    assert sessions[0].state.run.origin.parent is not None


def test_there_is_none_where_it_takes_too_long_or_diverges(small_dataset):
    assert trained_run(CONFIG, small_dataset, most_seconds=0) is None
    wild = diverging(CONFIG.replace(initializer="he", epochs=20))
    assert trained_run(wild, small_dataset, PATIENCE) is None


def test_a_page_of_few_images_opens_with_settings_that_learn_them(tmp_path, monkeypatch):
    np.savez(
        tmp_path / "a.npz", x=np.eye(16, dtype=np.uint8).reshape(16, 4, 4).repeat(3, 0), y=np.arange(48) % 2
    )
    monkeypatch.setenv(environment.DATASETS, json.dumps({"a": str(tmp_path / "a.npz")}))
    code = "from explorer.serve.request import opening_app; print(opening_app().config.epochs)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "100\n"


@pytest.mark.long
def test_warming_up_leaves_no_widget_and_all_that_an_app_needs_comes_with_it():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["0", "finished True", "['explorer.app', 'explorer.widgets']", "1"]
