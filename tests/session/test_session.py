"""A session without any widget, driven as a script drives it."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from explorer import TrainingConfig, train
from explorer.session import ForkError, Session
from explorer.training import ConfigError, new_network
from explorer.wording import percent

CONFIG = TrainingConfig(hidden_sizes=6, epochs=3, batch_size=16, learning_rate=0.05)
PATIENCE = 60


@pytest.fixture
def session(small_dataset):
    made = Session(small_dataset, CONFIG)
    yield made
    made.close()


@pytest.fixture
def trained(session):
    session.train()
    assert session.wait(PATIENCE)
    return session


def run_of(session):
    return session.state.run


def test_no_widget_is_imported():
    code = "import explorer.session, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"ipywidgets", "traitlets", "plotly", "anywidget"} & set(done.stdout.split())


def test_a_run_is_that_of_its_settings(trained, small_dataset):
    assert trained.status == "finished"
    assert list(run_of(trained).history) == list(train(CONFIG, small_dataset))
    assert trained.state.moment.record is run_of(trained).evaluation


def test_states_are_frozen_and_stay_as_they_were(session):
    states = []
    session.subscribe(states.append)
    session.train()
    assert session.wait(PATIENCE)
    session.train(CONFIG.replace(seed=1))
    assert session.wait(PATIENCE)
    first = next(state for state in states if state.status == "finished")
    assert (len(first.run.history), first.earlier.runs) == (3, ())
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.run = None
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.run.name = "mine"
    assert [run.number for run in states[-1].runs] == [1, 2]


def test_a_listener_hears_no_more_once_it_has_left(session):
    heard = []
    leave = session.subscribe(heard.append)
    session.select(None)
    leave()
    leave()
    session.select(None)
    assert len(heard) == 1


def test_a_listener_that_raises_is_told_of_and_stops_no_other(small_dataset):
    faults, heard = [], []
    session = Session(small_dataset, CONFIG, on_fault=faults.append)
    session.subscribe(lambda state: 1 / 0)
    session.subscribe(heard.append)
    session.select(None)
    assert [type(fault) for fault in faults] == [ZeroDivisionError]
    assert len(heard) == 1


def test_more_epochs_continue_the_run(trained, small_dataset):
    trained.extend(5)
    assert trained.wait(PATIENCE)
    assert (run_of(trained).number, trained.config.epochs) == (1, 5)
    assert list(run_of(trained).history) == list(train(CONFIG.replace(epochs=5), small_dataset))


@pytest.mark.parametrize("epochs", [2, 3])
def test_a_run_can_t_go_back_to_fewer(trained, epochs):
    with pytest.raises(ValueError, match=f"no run that can go on to {epochs} epochs"):
        trained.extend(epochs)


def test_applied_settings_do_what_their_slider_does(trained):
    trained.apply(CONFIG.replace(epochs=4))
    assert trained.wait(PATIENCE)
    assert run_of(trained).number == 1
    trained.apply(CONFIG.replace(epochs=4, batch_size=8))
    assert trained.wait(PATIENCE)
    assert (run_of(trained).number, [run.number for run in trained.state.earlier]) == (2, [1])
    trained.auto_train = False
    trained.apply(CONFIG)
    assert (run_of(trained).number, trained.config) == (2, CONFIG)


def test_settings_wait_while_an_earlier_epoch_is_looked_at(trained):
    trained.select(1)
    assert trained.state.moment.epoch == 1
    trained.apply(CONFIG.replace(learning_rate=0.02))
    assert (run_of(trained).number, trained.state.waits) == (1, True)
    (waiting,) = (advice for advice in trained.advice if advice.id == "waiting")
    assert waiting.action == "Train on from epoch 1"
    trained.take(waiting)
    assert trained.wait(PATIENCE)
    run = run_of(trained)
    assert (run.number, run.parent.number, run.first_epoch, run.config.learning_rate) == (2, 1, 1, 0.02)
    assert (trained.state.waits, trained.state.selected_epoch) == (False, None)


def test_a_fork_knows_its_parent_and_keeps_none_of_its_weights(trained):
    trained.select(2)
    trained.fork()
    assert trained.wait(PATIENCE)
    parent = run_of(trained).parent
    assert (parent.number, parent.n_bytes, run_of(trained).root.number) == (1, 0, 1)


def test_weights_that_do_not_fit_are_refused_and_the_run_stays(trained):
    trained.config = CONFIG.replace(hidden_sizes=9)
    with pytest.raises(ForkError, match="6 hidden units"):
        trained.fork()
    assert run_of(trained).number == 1


def test_more_images_than_there_are_are_refused_and_change_nothing(trained):
    for assign in (trained.apply, trained.train, lambda config: setattr(trained, "config", config)):
        with pytest.raises(ConfigError, match="n_train is 601"):
            assign(CONFIG.replace(n_train=601))
    assert (trained.config, run_of(trained).number) == (CONFIG, 1)


def test_a_file_begins_a_run_that_is_not_trained(trained, tmp_path):
    network = run_of(trained).new_network()
    network.set_weights(run_of(trained).newest.weights)
    network.save(tmp_path / "it.npz")
    trained.open_weights("it.npz", (tmp_path / "it.npz").read_bytes())
    assert trained.wait(PATIENCE)
    run = run_of(trained)
    assert (run.title, len(run.history), run.status) == ("it.npz", 0, "stopped")
    np.testing.assert_array_equal(run.newest.weights[0], network.W1)
    assert [advice.id for advice in trained.advice] == ["opened"]


def test_runs_are_named_deleted_and_brought_back(trained):
    trained.train(CONFIG.replace(seed=1))
    assert trained.wait(PATIENCE)
    trained.edit(1, name="first", pinned=True)
    trained.edit(2, note="second")
    trained.edit(99, name="nobody")
    assert [(run.title, run.note, run.pinned) for run in trained.state.runs] == [
        ("first", "", True),
        ("run 2", "second", False),
    ]
    trained.delete(1)
    assert [run.number for run in trained.state.runs] == [2]
    trained.restore()
    assert [run.number for run in trained.state.runs] == [1, 2]
    trained.delete(1)
    trained.forget()
    trained.restore()
    assert [run.number for run in trained.state.runs] == [2]


def test_equal_settings_take_the_place_of_their_run(trained):
    trained.train(CONFIG.replace(seed=1))
    assert trained.wait(PATIENCE)
    trained.train(CONFIG)
    assert trained.wait(PATIENCE)
    assert [run.number for run in trained.state.runs] == [2, 3]
    assert [run.number for run in trained.state.earlier.replaced] == [1]


def test_a_reset_leaves_the_run_among_the_earlier(trained):
    trained.reset()
    assert (trained.status, [run.number for run in trained.state.earlier]) == ("idle", [1])


def test_a_reset_shows_the_untrained_network(trained, small_dataset):
    trained.reset()
    assert trained.wait(PATIENCE)
    state = trained.state
    network = new_network(CONFIG, small_dataset)
    right = network.predict(small_dataset.X_test) == small_dataset.test_labels
    assert (state.status, state.moment.epoch, state.nothing) == ("idle", 0, "")
    assert state.moment.record.test_accuracy == right.mean()
    assert np.trace(state.moment.confusion) == right.sum()
    assert [record.epoch for record in state.history] == [0]
    assert (len(state.run.history), state.begun_run) == (0, None)
    assert [run.number for run in state.runs] == [1]
    (said,) = trained.advice
    assert f"not trained yet: it is right for {percent(right.mean())}" in said.text
    assert said.why.endswith("A guess among 10 classes is right for about 10\u00a0%.")


def test_the_untrained_network_is_that_of_the_settings(trained, small_dataset):
    trained.reset()
    trained.auto_train = False
    for give in (trained.apply, lambda config: setattr(trained, "config", config)):
        config = trained.config.replace(seed=trained.config.seed + 1)
        give(config)
        assert trained.wait(PATIENCE)
        assert (trained.status, run_of(trained).config) == ("idle", config)
        first = new_network(config, small_dataset).W1
        np.testing.assert_array_equal(trained.state.moment.weights[0], first)


@pytest.mark.parametrize("go_on", [Session.train, Session.apply, lambda session: session.step("epoch")])
def test_what_comes_after_a_reset_is_the_run_of_its_settings(trained, small_dataset, go_on):
    """And the untrained network is no run: it stays nowhere."""
    trained.config = CONFIG.replace(seed=1)
    trained.reset()
    assert trained.wait(PATIENCE)
    go_on(trained)
    assert trained.wait(PATIENCE)
    records = list(run_of(trained).history)
    assert records == list(train(trained.config, small_dataset))[: len(records)] != []
    assert len(trained.state.runs) == 2
    assert run_of(trained).start_accuracy is None


def test_one_mini_batch_after_a_reset_is_a_paused_run(trained):
    trained.reset()
    trained.step("batch")
    assert trained.wait(PATIENCE)
    assert (trained.status, trained.state.moment.record.step) == ("paused", 1)
    trained.reset()
    assert len(trained.state.runs) == 2


def test_a_drawing_that_is_due_of_a_run_put_aside_finds_all_of_it(small_dataset):
    """A state that was published stays whole, however many runs have taken the place of its own."""
    faults = []

    async def page():
        session = Session(small_dataset, CONFIG.replace(epochs=500), on_fault=faults.append)
        late = []
        session.subscribe(late.append)
        for seed in range(20):
            session.train(CONFIG.replace(epochs=500, seed=seed))
            while not run_of(session).history.batches:
                await asyncio.sleep(0.001)
        for state in late:
            run = state.run
            assert run.new_network().layer_sizes == (784, 6, 10)
            assert (run.n_samples, run.steps_per_epoch) == (600, 38)
            assert run.newest is None or run.newest.weights
        session.close()

    asyncio.run(page())
    assert faults == []
