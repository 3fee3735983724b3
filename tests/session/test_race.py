"""A race in a session: one run is the present one, the others are with the earlier ones while they train."""

import pytest
from app_steps import PATIENCE
from own_networks import Mine
from reference_runs import diverging

from explorer import TrainingConfig, train
from explorer.session import Session
from explorer.training import ConfigError, RaceError
from explorer.training.races import RACES

CONFIG = TrainingConfig(hidden_sizes=6, epochs=3, batch_size=16, learning_rate=0.05)
ENTRIES = RACES["Optimizers"](CONFIG, 600)
LONG = [CONFIG.replace(epochs=500, learning_rate=rate) for rate in (0.01, 0.02, 0.03)]
DIVERGING = diverging(CONFIG)


def wait(session):
    assert session.wait(PATIENCE)
    return session.state


def reach(session, epochs):
    """Let all of a race get so far, and pause."""
    for _ in range(epochs):
        session.step("epoch")
        wait(session)
    assert session.status == "paused"


def test_each_entry_is_a_run_of_the_session_with_the_records_of_its_settings(session, small_dataset):
    session.race(ENTRIES)
    assert [run.status for run in session.state.runs] == ["running"] * len(ENTRIES)
    state = wait(session)
    by_config = {run.config: run for run in state.runs}
    assert by_config.keys() == {*ENTRIES}
    assert state.run is by_config[ENTRIES[0]]
    assert session.config == ENTRIES[0]
    for config, run in by_config.items():
        assert list(run.history) == list(train(config, small_dataset))
        assert run.status == run.history.end.status == "finished"
        assert run.evaluation.epoch == config.epochs
    labels = {run.config.optimizer: run.label for run in state.runs}
    assert (labels["sgd"], labels["adam"]) == ("plain SGD, lr 0.05", "Adam, lr 0.01")


def test_all_are_paused_step_and_go_on_together(session):
    session.race(LONG)
    session.pause()
    state = wait(session)
    assert [run.status for run in state.racing] == ["paused", "paused"]
    done = state.run.epochs_done
    reach(session, 2)
    assert {run.epochs_done for run in session.state.runs} == {done + 2}
    assert {run.status for run in session.state.runs} == {"paused"}


def test_stopped_each_keeps_what_it_has_done_with_exact_figures(session, small_dataset):
    session.race(LONG)
    session.pause()
    wait(session)
    reach(session, 1)
    session.stop()
    state = wait(session)
    for run in state.runs:
        assert (run.status, run.history.end.reason) == ("stopped", "Stopped by the user.")
        assert run.evaluation is run.history.end.final
        assert run.evaluation.epoch == run.epoch
        records = list(train(run.config.replace(epochs=run.epochs_done), small_dataset))
        assert list(run.history) == records


def test_more_epochs_continue_all(session, small_dataset):
    session.race(ENTRIES)
    wait(session)
    session.apply(CONFIG.replace(epochs=5))
    for run in wait(session).runs:
        assert list(run.history) == list(train(run.config, small_dataset))
        assert (run.config.epochs, run.status) == (5, "finished")


def test_one_whose_schedule_ends_with_it_is_not_continued(session, small_dataset):
    session.race(RACES["Schedules"](CONFIG, 600))
    wait(session)
    session.extend(5)
    epochs = {run.config.schedule: len(run.history) for run in wait(session).runs}
    assert epochs == {"constant": 5, "inverse": 5, "steps": 3, "cosine": 3}
    for run in session.state.runs:
        assert run.status == "finished"
        assert list(run.history) == list(train(run.config, small_dataset))


def test_one_that_stops_early_has_finished(session):
    config = CONFIG.replace(epochs=30, learning_rate=0.3, n_validation=60, patience=1)
    session.race([config, config.replace(learning_rate=0.2), config.replace(patience=0)])
    for run in wait(session).runs:
        assert run.status == run.history.end.status == "finished"
        assert (len(run.history) < 30) == bool(run.config.patience)
        assert ("Stopped early" in run.history.end.reason) == bool(run.config.patience)


def test_one_that_diverges_fails_and_the_others_end(session):
    good = DIVERGING.replace(learning_rate=0.001)
    for configs in ([good, DIVERGING], [DIVERGING, good]):
        session.race(configs)
        state = wait(session)
        ends = {run.config: run.history.end for run in state.runs}
        assert (ends[DIVERGING].status, ends[good].status) == ("failed", "finished")
        assert ends[good].final.epoch == good.epochs


def test_a_race_whose_first_entry_has_diverged_is_paused_and_goes_on(session):
    first = DIVERGING.replace(epochs=500)
    session.race([first, first.replace(learning_rate=0.001)])

    def other(epochs):
        while session.state.racing and session.state.racing[0].epochs_done < epochs:
            session.wait(0.01)
        return session.state.racing[0]

    other(3)  # the first is out by then
    session.pause()
    state = wait(session)
    (paused,) = state.racing
    assert (state.status, paused.status, state.run.history.end) == ("paused", "paused", None)
    assert paused.evaluation.epoch == paused.epoch
    for epochs in (1, 2):
        session.step("epoch")
        (stepped,) = wait(session).racing
        assert (stepped.status, stepped.epoch) == ("paused", paused.epochs_done + epochs)
    session.step("batch")
    (one,) = wait(session).racing
    batch = first.batch_size / one.dataset.n_train  # a part of an epoch
    assert (one.status, one.epoch) == ("paused", pytest.approx(stepped.epoch + batch))
    assert one.evaluation.epoch == one.epoch
    session.resume()
    assert other(paused.epochs_done + 4).status == "running"
    session.stop()
    ends = {run.config: run.history.end for run in wait(session).runs}
    assert (ends[first].status, ends[paused.config].status) == ("failed", "stopped")


def test_another_run_ends_a_race_and_keeps_what_it_has_done(session):
    session.race(LONG)
    session.pause()
    wait(session)
    reach(session, 1)
    session.train(CONFIG)
    state = wait(session)
    earlier = {run.config: run for run in state.earlier}
    assert earlier.keys() == {*LONG}
    assert {run.status for run in state.earlier} == {"stopped"}
    assert not state.racing


def test_a_rival_is_named_pinned_deleted_and_brought_back(session):
    session.race(LONG)
    session.pause()
    first, second = wait(session).racing
    session.edit(first.number, name="mine", pinned=True)
    session.delete(second.number)
    assert [(run.name, run.pinned) for run in session.state.racing] == [("mine", True)]
    reach(session, 1)  # the deleted one is no longer waited for
    session.restore()
    statuses = {run.number: run.status for run in session.state.earlier}
    assert statuses == {first.number: "paused", second.number: "stopped"}


def test_an_earlier_run_becomes_the_present_one_and_goes_on(session, small_dataset):
    session.race(ENTRIES)
    state = wait(session)
    before = {run.number: run for run in state.runs}
    chosen = state.earlier[0]
    session.go_back_to(chosen.number)
    state = session.state
    assert state.run.number == chosen.number
    assert state.run.evaluation is before[chosen.number].evaluation
    assert {run.number for run in state.runs} == before.keys()
    session.go_back_to(before[min(before)].number)  # plain SGD, which remembers nothing
    session.extend(5)
    assert list(wait(session).run.history) == list(train(CONFIG.replace(epochs=5), small_dataset))


def test_a_run_without_its_network_or_on_other_images_stays_an_earlier_one(session, other_dataset):
    session.race(ENTRIES)
    present = wait(session).run.number
    session.go_back_to(99)
    assert session.state.run.number == present
    session.use(other_dataset)
    session.go_back_to(present)
    assert session.state.run is None


def test_what_is_no_race_is_refused_and_leaves_all_as_it_was(session, small_dataset):
    session.train()
    state = wait(session)
    with pytest.raises(RaceError, match="2 to 6"):
        session.race([CONFIG])
    with pytest.raises(ConfigError):
        session.race([CONFIG, CONFIG.replace(n_train=601)])
    assert session.state is state
    own = Session(small_dataset, CONFIG, network=Mine)
    with pytest.raises(RaceError, match="Mine trains by itself"):
        own.race(ENTRIES)
    own.close()
