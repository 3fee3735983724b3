"""A session without any widget, driven as a script drives it."""

import asyncio
import dataclasses
import os
import subprocess
import sys
import threading
import time

import needs
import numpy as np
import pytest
from app_steps import DIVERGING, PATIENCE, done
from study_steps import until

from explorer import TrainingConfig, train
from explorer.extensions.classroom.share import share_variables
from explorer.session import ForkError, Session
from explorer.session.saved_session import read_session
from explorer.session.state import with_records
from explorer.training import BatchRecord, ConfigError, History, new_network
from explorer.training.config import MOST_EPOCHS
from explorer.training.fields import Change
from explorer.training.turns import turns_of
from explorer.wording import percent

CONFIG = TrainingConfig(hidden_sizes=6, epochs=3, batch_size=16, learning_rate=0.05)


@pytest.fixture
def trained(session):
    done(session.train)
    return session


def run_of(session):
    return session.state.run


def test_a_run_is_that_of_its_settings(trained, small_dataset):
    assert trained.status == "finished"
    assert list(run_of(trained).history) == list(train(CONFIG, small_dataset))
    assert trained.state.moment.record is run_of(trained).evaluation


def paused_at(session):
    assert session.wait(PATIENCE)
    run = run_of(session)
    return (session.status, *run.position[:2])


def test_a_finished_run_goes_on_ten_epochs_or_to_those_that_are_set(trained, small_dataset):
    assert trained.state.reach() == 13
    done(trained.resume)
    assert (run_of(trained).number, trained.config.epochs) == (1, 13)
    assert list(run_of(trained).history) == list(train(CONFIG.replace(epochs=13), small_dataset))
    trained.auto_train = False
    trained.apply(CONFIG.replace(epochs=15))
    assert trained.state.reach() == 15
    trained.apply(CONFIG.replace(epochs=13, seed=1))
    assert trained.state.reach() == 0  # a run with these settings is another


def test_no_run_goes_on_beyond_the_most_epochs(trained):
    record = run_of(trained).history.last
    ended = CONFIG.replace(epochs=MOST_EPOCHS - 4)
    history = History(ended, (dataclasses.replace(record, epoch=MOST_EPOCHS - 4),))
    run = dataclasses.replace(run_of(trained), history=history)
    state = dataclasses.replace(trained.state, run=run, config=ended)
    assert state.reach() == MOST_EPOCHS
    most = CONFIG.replace(epochs=MOST_EPOCHS)
    run = dataclasses.replace(run, history=History(most, (dataclasses.replace(record, epoch=MOST_EPOCHS),)))
    assert dataclasses.replace(state, run=run, config=most).reach() == 0
    recorded = dataclasses.replace(state, run=dataclasses.replace(state.run, is_recorded=True))
    assert recorded.reach() == 0


def test_steps_go_on_while_the_run_is_paused_and_not_once_it_has_ended(session, small_dataset):
    n_steps = 38  # of 16 images, of 600
    for unit, step in (("batch", 1), ("batch", 2), ("epoch", n_steps)):
        session.step(unit)
        assert paused_at(session) == ("paused", 1, step)
    session.resume()
    assert paused_at(session) == ("finished", 3, n_steps)
    assert list(run_of(session).history) == list(train(CONFIG, small_dataset))
    for unit in ("batch", "epoch"):
        session.step(unit)
        assert paused_at(session) == ("finished", 3, n_steps)


def test_a_step_says_what_it_did(session):
    done(session.step, "batch")
    network = run_of(session).new_network()
    first, after = network.parameters, run_of(session).newest.weights
    moved = [b - a for a, b in zip(first, after, strict=True)]
    step = run_of(session).stepped
    lengths = (np.sqrt(sum(float((array**2).sum()) for array in arrays)) for arrays in (moved, first))
    assert step.moved == pytest.approx(np.divide(*lengths), rel=1e-4)
    assert (step.step, step.n_images) == (1, 16)
    for _ in range(2):
        done(session.step, "batch")
    assert run_of(session).stepped.step == 3
    done(session.step, "epoch")
    assert run_of(session).stepped is None  # the last mini-batches weren't trained one by one
    done(session.step, "batch")
    assert run_of(session).stepped.step == 39


def test_while_a_step_is_scored_the_figures_of_the_one_before_stand(session):
    """The tiles don't go blank for a moment with each step."""
    seen = []
    done(session.step, "batch")
    session.subscribe(lambda state: seen.append(state.moment))
    for _ in range(4):
        done(session.step, "batch")
    assert seen
    assert all(moment is not None for moment in seen)


def test_applied_settings_do_what_their_slider_does(trained):
    done(trained.apply, CONFIG.replace(epochs=4))
    assert run_of(trained).number == 1
    done(trained.apply, CONFIG.replace(epochs=4, batch_size=8))
    assert (run_of(trained).number, [run.number for run in trained.state.earlier]) == (2, [1])
    trained.auto_train = False
    trained.apply(CONFIG)
    assert (run_of(trained).number, trained.config) == (2, CONFIG)


def waiting_in(session):
    """The advice about settings that wait; None without any."""
    return next((advice for advice in session.advice if advice.id == "waiting"), None)


def test_without_auto_train_it_is_said_what_waits(trained):
    trained.auto_train = False
    assert waiting_in(trained) is None
    trained.apply(CONFIG.replace(batch_size=8, learning_rate=0.02))
    assert waiting_in(trained).text == "Not trained yet: batch size 16 → 8, learning rate 0.05 → 0.02."
    trained.apply(CONFIG)
    assert waiting_in(trained) is None  # they are trained
    trained.apply(CONFIG.replace(epochs=5))
    done(trained.follow, waiting_in(trained))
    assert (run_of(trained).number, len(run_of(trained).history), trained.state.waits) == (1, 5, False)


@pytest.fixture
def forked(trained):
    """A branch of run 1 at epoch 2."""
    trained.select(2)
    done(trained.fork)
    return trained


def test_a_fork_begins_again_where_it_began_until_it_is_left(forked, small_dataset):
    assert forked.state.start == "branch of run 1 at epoch 2"
    done(forked.apply, CONFIG.replace(learning_rate=0.02))
    done(forked.restart)
    assert forked.state.start == "branch of run 1 at epoch 2"
    done(forked.apply, forked.config, clean=True, at_once=True)
    assert forked.state.start == ""
    assert list(run_of(forked).history) == list(train(CONFIG.replace(learning_rate=0.02), small_dataset))


def test_a_fork_that_is_left_without_auto_train_waits_to_start_clean(forked, small_dataset):
    number = run_of(forked).number
    forked.auto_train = False
    forked.apply(CONFIG, clean=True)
    assert (run_of(forked).number, forked.state.start, forked.state.waits) == (number, "", True)
    assert waiting_in(forked).text == "Not trained yet: freshly initialized weights."
    forked.apply(CONFIG.replace(batch_size=8))  # other settings don't bring it back
    done(forked.follow, waiting_in(forked))
    assert run_of(forked).origin.parent is None
    assert list(run_of(forked).history) == list(train(CONFIG.replace(batch_size=8), small_dataset))


def test_assigned_settings_start_clean_and_the_same_ones_leave_the_fork(forked):
    forked.config = forked.config
    assert forked.state.start
    forked.config = CONFIG.replace(seed=3)
    assert forked.state.start == ""


def test_weights_that_do_not_fit_are_refused_and_the_run_stays(trained):
    trained.config = CONFIG.replace(hidden_sizes=9)
    with pytest.raises(ForkError, match="6 hidden units"):
        trained.fork()
    assert run_of(trained).number == 1
    trained.open(run_of(trained).without_moments())  # as from a recording
    with pytest.raises(ForkError, match="6 hidden units"):
        trained.fork()


def test_more_images_than_there_are_are_refused_and_change_nothing(trained):
    for assign in (trained.apply, trained.train, lambda config: setattr(trained, "config", config)):
        with pytest.raises(ConfigError, match="n_train is 601"):
            assign(CONFIG.replace(n_train=601))
    assert (trained.config, run_of(trained).number) == (CONFIG, 1)


def test_runs_are_named_deleted_and_brought_back(trained):
    done(trained.train, CONFIG.replace(seed=1))
    trained.edit(1, name="first", pinned=True)
    trained.edit(2, note="second")
    trained.edit(99, name="nobody")
    assert [(run.title, run.note, run.pinned) for run in trained.state.runs] == [
        ("first", "", True),
        ("seed 1 (run 2)", "second", False),
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
    done(trained.train, CONFIG.replace(seed=1))
    done(trained.train, CONFIG)
    assert [run.number for run in trained.state.runs] == [2, 3]
    assert [run.number for run in trained.state.earlier.replaced] == [1]


def test_with_another_data_set_the_runs_stay_and_compare_no_more(trained, small_dataset, other_dataset):
    trained.select(1)
    trained.use(other_dataset)
    state = trained.state
    assert (state.dataset, state.status, state.moment, state.config) == (other_dataset, "idle", None, CONFIG)
    assert [run.number for run in state.earlier] == [run.number for run in state.not_comparable] == [1]
    assert (len(state.comparable), state.earlier[0].dataset.name) == (0, "patterns")
    done(trained.train)  # the same settings: on these images they give another run
    assert [run.number for run in trained.state.runs] == [1, 2]
    assert list(run_of(trained).history) == list(train(CONFIG, other_dataset))
    trained.use(small_dataset, CONFIG.replace(seed=3))
    assert ([run.number for run in trained.state.comparable], trained.config.seed) == ([1], 3)
    done(trained.train, CONFIG)
    assert [run.number for run in trained.state.runs] == [2, 3]  # equal settings on these images are run 1


def test_another_data_set_may_have_fewer_images(trained, other_dataset):
    trained.config = CONFIG.replace(n_train=500)
    with pytest.raises(ConfigError, match="240"):
        trained.use(other_dataset, CONFIG.replace(n_train=300))
    assert run_of(trained) is not None
    trained.config = CONFIG.replace(n_train=500, n_validation=400)
    trained.use(other_dataset)
    assert trained.config == CONFIG.replace(n_validation=216)


def test_a_reset_shows_the_untrained_network(trained, small_dataset):
    done(trained.reset)
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
    done(trained.reset)
    go_on(trained)
    assert trained.wait(PATIENCE)
    records = list(run_of(trained).history)
    assert records == list(train(trained.config, small_dataset))[: len(records)] != []
    assert len(trained.state.runs) == 2
    assert run_of(trained).start_accuracy is None


def test_a_drawing_that_is_due_of_an_archived_run_finds_all_of_it(small_dataset):
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
            assert (run.dataset.n_train, run.position[2]) == (600, 38)
            assert run.newest is None or run.newest.weights
        session.close()

    asyncio.run(page())
    assert faults == []


# ---------------------------------------------------------------- on a server


@pytest.fixture
def share(tmp_path, monkeypatch):
    """Give this process a share of a server."""

    def give(**limits):
        (tmp_path / "line").mkdir()
        monkeypatch.setenv(*share_variables(tmp_path, cores=1, **limits).popitem())
        return turns_of(os.environ)

    return give


@needs.LOCKS
def test_a_run_has_its_place_in_line_until_it_is_its_turn(share, small_dataset):
    other = share()
    assert other.place() == 0
    waiting, places = Session(small_dataset, CONFIG), []
    waiting.subscribe(lambda state: places.append(state.run.queue_position))
    waiting.train()
    while 1 not in places:
        assert not waiting.wait(0.01)
    assert waiting.status == "running"
    other.leave()
    assert waiting.wait(PATIENCE)
    assert (waiting.status, waiting.state.run.queue_position) == ("finished", 0)
    waiting.close()


@needs.LOCKS
def test_a_run_that_the_server_has_stopped_says_why_and_goes_on(share, small_dataset):
    share(minutes=0.002)
    limited = Session(small_dataset, CONFIG.replace(epochs=500, batch_size=4))
    done(limited.train)
    (said,) = [advice for advice in limited.advice if advice.id == "limit"]
    assert said.text.startswith("The run was stopped. It has trained for")
    before = run_of(limited).epochs_done
    done(limited.resume)
    assert limited.status == "stopped"
    assert run_of(limited).epochs_done > before
    limited.stop()
    limited.close()


def test_a_run_is_gone_back_to_though_its_network_is_the_next_to_go(trained, monkeypatch):
    done(trained.train, CONFIG.replace(seed=1))
    weights = trained.state.earlier.runs[0].newest.weights
    monkeypatch.setattr("explorer.session.state.MOST_BYTES", trained.state.earlier.runs[0].n_bytes)
    trained.go_back_to(1)
    assert run_of(trained).number == 1
    np.testing.assert_array_equal(run_of(trained).newest.weights[0], weights[0])


def test_a_run_that_was_gone_back_to_keeps_its_network_as_it_trains_on(trained):
    done(trained.train, CONFIG.replace(seed=1))
    trained.go_back_to(1)
    begun = BatchRecord(3.1, 118, 0.2, 0.9, 0.05)
    run = with_records(run_of(trained).continued(5), "running", [begun])
    assert run.newest.epoch == 3
    assert run.reduced().has_network


@pytest.mark.parametrize(
    ("changes", "repeats"), [({}, True), ({"learning_rate": 0.003}, False), ({"epochs": 4}, False)]
)
def test_a_fork_with_the_same_settings_is_said_to_repeat_its_parent(trained, changes, repeats):
    parent = run_of(trained)
    trained.select(1)
    trained.auto_train = False
    trained.apply(CONFIG.replace(**changes))
    done(trained.fork)
    said = [advice.text for advice in trained.advice if advice.id == "repeated"]
    assert said == ["Same settings: this repeats run 1 exactly."] * repeats
    if repeats:
        assert list(run_of(trained).history) == list(parent.history)[1:]


def test_more_epochs_are_added_to_what_has_yet_to_be_heard(session, small_dataset):
    session.train()
    begun = threading.enumerate()
    until(lambda: not any(thread.name.startswith("explorer-run") and thread.is_alive() for thread in begun))
    assert session.status == "running"  # nothing has been heard of it
    done(session.extend, 5)
    assert list(run_of(session).history) == list(train(CONFIG.replace(epochs=5), small_dataset))


def test_more_epochs_right_after_stop_lose_no_record(session, small_dataset):
    session.train(CONFIG.replace(epochs=400))
    until(lambda: session.wait(0.01) or len(run_of(session).history) > 2)
    session.stop()
    session.extend(500)
    done(session.stop)
    epochs = [record.epoch for record in run_of(session).history]
    assert epochs == [*range(1, len(epochs) + 1)]


def test_weights_from_within_an_epoch_are_not_offered_to_be_trained_on(session):
    done(session.step, "batch")
    assert "fork" not in {advice.verb for advice in session.advice}
    with pytest.raises(ForkError, match="from within an epoch"):
        session.fork()


def test_the_rate_is_the_new_one_before_the_records_after_it_are_there(trained):
    run = dataclasses.replace(run_of(trained).continued(5), wanted=(0.005, 16), evaluation=None)
    step = run.history.batches[-1].step + 3
    assert with_records(run, "running", [Change(step, 0.005, 16)]).now == (0.005, 16)


def test_a_run_that_was_gone_back_to_goes_on_with_nothing_of_the_one_before(trained, small_dataset):
    trained.train(CONFIG.replace(epochs=400, hidden_sizes=5))
    until(lambda: trained.wait(0.01) or len(run_of(trained).history) > 2)
    trained.go_back_to(1)
    done(trained.extend, 5)
    assert list(run_of(trained).history) == list(train(CONFIG.replace(epochs=5), small_dataset))


def test_a_run_that_was_left_within_an_epoch_trains_that_epoch_again(session, small_dataset):
    session.train(CONFIG.replace(epochs=400, batch_size=1, learning_rate=0.003))
    until(lambda: session.wait(0.01) or (run_of(session).epochs_done and run_of(session).epoch % 1))
    done(session.train, CONFIG.replace(hidden_sizes=5))
    begun = session.state.earlier.numbered(1)
    assert begun.history.batches[-1].epoch > begun.epochs_done
    session.go_back_to(1)
    session.resume()
    until(lambda: session.wait(0.01) or run_of(session).epochs_done > begun.epochs_done)
    done(session.stop)
    history = run_of(session).history
    assert history.epochs[len(begun.history)].epoch == begun.epochs_done + 1
    places = [record.epoch for record in history.batches]
    assert places == sorted({*places})
    saved = read_session(session.save_session(), "mine", small_dataset)
    assert saved.run.history.epochs == history.epochs


def test_more_epochs_that_wait_go_on_with_a_change_in_mid_run(session):
    session.auto_train = False
    session.train(CONFIG.replace(epochs=400))
    session.apply(CONFIG.replace(epochs=500))
    assert session.state.waits
    session.change(learning_rate=0.01)
    until(lambda: session.wait(0.01) or run_of(session).config.changes)
    assert session.config == run_of(session).config.replace(epochs=500)
    assert session.state.continues


def test_a_fork_that_was_gone_back_to_does_not_say_that_training_again_begins_with_it(trained):
    trained.select(1)
    done(trained.fork)
    assert trained.state.start == "branch of run 1 at epoch 1"
    done(trained.train, CONFIG.replace(hidden_sizes=5))
    trained.go_back_to(2)
    assert trained.state.start == ""
    trained.restart()
    assert run_of(trained).origin.parent is None


def test_more_epochs_keep_a_change_that_is_yet_to_be_heard(session):
    session.train(CONFIG.replace(epochs=400, batch_size=2))
    until(lambda: session.wait(0.01) or len(run_of(session).history) > 2)
    session.change(learning_rate=0.01)
    time.sleep(0.1)  # it has been made, and nobody has heard of it
    session.apply(session.config.replace(epochs=500))
    assert (run_of(session).number, run_of(session).config.epochs) == (1, 500)
    done(session.stop)
    assert [change.learning_rate for change in session.config.changes] == [0.01]


def test_networks_within_the_first_epoch_are_shown_until_its_end_and_can_be_revisited(session, monkeypatch):
    monkeypatch.setattr("explorer.training.learners._SAMPLED", 60)
    done(session.train)
    run = run_of(session)
    assert [one.step for one in run.early] == [0, 1, 2, 4, 8, 16, 32]
    assert [one.epoch for one in run.moments] == [*(one.epoch for one in run.early), 1, 2, 3]
    session.select(run.early[3].epoch)
    state = session.state
    assert (state.early, state.moment, state.pictured) == (run.early[3], None, run.early[3])
    assert (state.looks_back_to, state.scored_kind) == (4 * 16 / 600, "sampled")
    assert state.marked_epoch == state.looks_back_to
    session.select(0)
    assert (session.state.early, session.state.looks_back_to) == (run.early[0], 0)
    session.reset()
    assert (session.state.early, session.state.earlier[-1].early) == (None, ())


def test_they_stay_within_their_memory_and_are_not_shown_of_a_run_that_failed(session, monkeypatch):
    done(session.train)
    n_bytes = sum(array.nbytes for array in run_of(session).early[0].snapshot.weights)
    monkeypatch.setattr("explorer.session.state._EARLY_BYTES", 3 * n_bytes)
    done(session.train, CONFIG.replace(seed=1))
    assert [one.step for one in run_of(session).early] == [8, 16, 32]
    done(session.train, DIVERGING)
    assert (session.status, session.state.pictured) == ("failed", None)
    assert session.state.nothing.startswith("The run failed in its first epoch")


LEFT = """
from explorer.session import Session
from explorer.training import TrainingConfig
session = Session()
session.train(TrainingConfig(hidden_sizes=512, batch_size=2048, epochs=50))
while not session.state.run.history.batches:
    session.wait(0.05)
"""


@pytest.mark.slow
def test_a_process_that_ends_in_mid_training_of_a_large_network_says_nothing():
    """Its steps are split between two threads, of which Python then starts none."""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", LEFT], capture_output=True, text=True, check=True
    )
    assert (ended.stdout, ended.stderr) == ("", "")


GROWING = """
import psutil
from explorer.session import Session
from explorer.training import TrainingConfig
session, sizes = Session(), []
for seed in range(5):
    config = TrainingConfig(hidden_sizes=(1024, 1024, 1024), epochs=6, n_train=500, batch_size=250, seed=seed)
    session.train(config)
    session.wait()
    kept = sum(run.n_bytes for run in session.state.runs)
    sizes.append(psutil.Process().memory_info().rss - kept >> 20)
print(*sizes)
"""


@needs.LINUX
@pytest.mark.sweep
def test_a_long_session_of_wide_networks_takes_what_it_keeps(monkeypatch):
    """Whatever glibc and Python hold back: in a notebook it was 0.1 GB after these five runs."""
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    ended = subprocess.run([sys.executable, "-c", GROWING], capture_output=True, text=True, check=True)
    first, *_, last = map(int, ended.stdout.split())
    assert last - first < 50
