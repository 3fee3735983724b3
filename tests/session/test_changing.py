"""Learning rate and batch size of a run that has begun, changed from the next mini-batch on."""

import pytest
from app_steps import done

from explorer import TrainingConfig
from explorer.session import Session
from explorer.training import ConfigError
from explorer.training.fields import Change

CONFIG = TrainingConfig(hidden_sizes=6, epochs=4, batch_size=16, learning_rate=0.05)  # 38 steps an epoch


@pytest.fixture
def paused(small_dataset):
    """A session, paused after two mini-batches."""
    session = Session(small_dataset, CONFIG)
    session.train(paused=True)
    for _ in range(2):
        step(session)
    yield session
    session.close()


def step(session):
    done(session.step, "batch")


def finished(session):
    done(session.resume)
    assert session.status == "finished"
    return session.state.run


def test_a_change_takes_over_with_the_next_mini_batch_and_stands_in_the_settings(paused):
    paused.change(learning_rate=0.005)
    assert (paused.state.run.now, paused.config.changes) == ((0.005, 16), ())
    step(paused)
    changed = CONFIG.replace(changes=(Change(2, 0.005, 16),))
    assert paused.config == paused.state.run.config == changed
    assert not paused.state.waits
    rates = {record.learning_rate for record in finished(paused).history.batches}
    assert rates == {0.005}  # of the newest mini-batch in each stretch
    assert (paused.state.run.number, paused.state.runs) == (1, (paused.state.run,))


def test_the_same_settings_repeat_the_run_with_its_changes(paused):
    paused.change(learning_rate=0.005)
    paused.change(batch_size=50)  # both at once
    first = finished(paused)
    assert first.config.changes == (Change(2, 0.005, 50),)
    done(paused.restart)
    again = paused.state.run
    assert again.number == 2
    assert (again.config, again.history.epochs) == (first.config, first.history.epochs)
    assert again.history.batches == first.history.batches


def test_a_fork_repeats_its_own_changes_and_leaves_those_that_its_parent_made_later(paused):
    paused.change(learning_rate=0.005)
    done(paused.step, "epoch")
    step(paused)
    paused.change(batch_size=50)
    assert len(finished(paused).config.changes) == 2
    paused.select(1)
    done(paused.fork)
    assert paused.config == CONFIG.replace(learning_rate=0.005)
    assert paused.state.run.label == "branch of run 1 at epoch 1"
    paused.apply(paused.config.replace(epochs=60))
    paused.restart()
    paused.change(learning_rate=0.02, batch_size=30)
    first = finished(paused)
    (change,) = first.config.changes
    assert (change.step >= 38, change.learning_rate, change.batch_size) == (True, 0.02, 30)
    done(paused.restart)
    again = paused.state.run
    assert again.title == "branch of run 1 at epoch 1, 1 change in mid-run (run 4)"
    assert (again.config, again.history.epochs) == (first.config, first.history.epochs)


def test_settings_that_wait_stay_as_they_are(paused):
    paused.config = waiting = CONFIG.replace(seed=5)
    paused.change(learning_rate=0.005)
    run = finished(paused)
    assert (paused.config, paused.state.waits) == (waiting, True)
    assert run.config == CONFIG.replace(changes=(Change(2, 0.005, 16),))


def test_the_place_in_an_epoch_is_that_of_its_batch_sizes(paused):
    assert paused.state.run.position == (1, 2, 38)
    paused.change(batch_size=568 // 4)
    step(paused)
    assert paused.state.run.position == (1, 3, 6)  # 2 of 16, and 4 of 142
    done(paused.step, "epoch")
    assert paused.state.run.position == (1, 6, 6)
    step(paused)
    assert paused.state.run.position == (2, 1, 5)
    assert paused.state.run.stepped.step == 7
    assert finished(paused).steps_at_ends == (0, 6, 11, 16, 21)


def test_a_run_that_is_over_cannot_be_changed(paused):
    before = finished(paused)
    assert not before.can_be_changed
    paused.change(learning_rate=1.0)
    assert paused.state.run is before


def test_there_are_only_so_many_changes(paused):
    many = tuple(Change(n, 0.05, 16) for n in range(50))
    paused.train(CONFIG.replace(changes=many), paused=True)
    with pytest.raises(ConfigError, match="changes is 51; expected up to 50 changes"):
        paused.change(learning_rate=0.005)
    assert finished(paused).config.changes == many
