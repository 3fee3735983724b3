"""Studies while everything else runs: real processes, a real thread."""

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import needs
import pytest

from explorer.extensions.classroom.share import Share, share_variables
from explorer.extensions.many_runs.study_runner import StudyRunner
from explorer.training import TrainingConfig
from explorer.training.studies import Trial, grid, study

CONFIG = TrainingConfig(hidden_sizes=4, epochs=2, batch_size=32)
ENDLESS = CONFIG.replace(epochs=500, batch_size=1)
PATIENCE = 60


@pytest.fixture
def told():
    """What a study delivers, with its number."""
    return queue.Queue()


@pytest.fixture
def runner(told):
    runner = StudyRunner(lambda *delivery: told.put(delivery))
    yield runner
    runner.stop()


def events(told, number):
    """The events of a study, up to its end."""
    while True:
        own, event = told.get(timeout=PATIENCE)
        assert own == number
        yield event
        if isinstance(event, str):
            return


def alone(configs, dataset):
    """The trials of a study in this process."""
    with ThreadPoolExecutor(1) as executor:
        return [*study(configs, dataset, executor=executor)]


def test_each_run_is_told_and_then_the_end(runner, told, small_dataset):
    configs = grid(CONFIG, seed=(0, 1, 2))
    *trials, end = events(told, runner.start(configs, small_dataset))
    assert end == ""
    found = {trial.config: trial for trial in trials}
    assert found == {trial.config: trial for trial in alone(configs, small_dataset)}


def test_a_stopped_study_ends_in_the_middle_of_its_runs_and_is_silent(runner, told, small_dataset):
    runner.start([CONFIG, *grid(ENDLESS, seed=(0, 1))], small_dataset)
    assert told.get(timeout=PATIENCE)[1].config == CONFIG
    (watch,) = (thread for thread in threading.enumerate() if thread.name == "study")
    runner.stop()
    watch.join(PATIENCE)
    assert not watch.is_alive()
    assert told.empty()


def test_a_new_study_takes_the_place_of_the_present_one(runner, told, small_dataset):
    first = runner.start([ENDLESS], small_dataset)
    second = runner.start([CONFIG], small_dataset)
    assert second > first
    trial, _ = events(told, second)
    assert trial.config == CONFIG


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Let this process be the kernel of a server that gives each seat so much."""

    def serve(**given):
        for name in ("line", "pages"):
            (tmp_path / name).mkdir(exist_ok=True)
        monkeypatch.setenv(*share_variables(tmp_path, **given).popitem())

    return serve


@needs.LOCKS
def test_a_study_on_a_server_waits_for_its_turn_and_says_so(serve, runner, told, small_dataset, tmp_path):
    serve(cores=1)
    other = Share(tmp_path, cores=1, slice_seconds=3600)
    assert other.place() == 0
    configs = grid(CONFIG, seed=(0, 1))
    number = runner.start(configs, small_dataset)
    while told.empty():
        assert other.place() == 0  # without being asked for so long, it would be left out
        time.sleep(0.05)
    assert told.get() == (number, 1)
    with pytest.raises(queue.Empty):
        told.get(timeout=0.8)  # nothing has changed
    other.leave()
    trials = [event for event in events(told, number) if isinstance(event, Trial)]
    assert len(trials) == 2
    assert {*trials} == {*alone(configs, small_dataset)}
    assert not [*(tmp_path / "line").iterdir()]


@needs.LINUX
def test_a_study_ends_after_the_minutes_that_its_workers_trained_together(serve, runner, told, small_dataset):
    serve(minutes=0.01)
    *others, end = events(told, runner.start(grid(ENDLESS, seed=range(2)), small_dataset))
    assert end == "It has trained for 0 minutes, the limit of this server."
    assert not [event for event in others if isinstance(event, Trial)]


def test_what_a_study_refuses_is_told_as_its_sentence(runner, told, small_dataset, caplog):
    (end,) = events(told, runner.start([CONFIG.replace(n_train=601)], small_dataset))
    assert end.startswith("n_train is 601; expected a whole number up to 600")
    assert caplog.text == ""


def test_what_goes_wrong_with_the_study_itself_is_told(runner, told, small_dataset, caplog):
    def broken():
        yield CONFIG
        raise ZeroDivisionError("no further config")

    (end,) = events(told, runner.start(broken(), small_dataset))
    assert end == "an unexpected error, ZeroDivisionError: no further config"
    assert "A study failed" in caplog.text
