"""Studies while everything else runs: real processes, a real thread."""

from __future__ import annotations

import json
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import needs
import numpy as np
import pytest
from processes import own_megabytes

from explorer.training import TrainingConfig
from explorer.training.share import TRAINING_SHARE, Share
from explorer.training.studies import StudyError, grid, study
from explorer.training.studies.study import StudyDelivery, StudyRunner, workers_for

CONFIG = TrainingConfig(hidden_sizes=4, epochs=2, batch_size=32)
ENDLESS = CONFIG.replace(epochs=500, batch_size=1)
PATIENCE = 60


@pytest.fixture
def runner():
    runner = StudyRunner()
    yield runner
    runner.stop()


def deliveries(told, number):
    """What a study tells, up to its end."""
    while True:
        delivery = told.get(timeout=PATIENCE)
        assert delivery.number == number
        yield delivery
        if delivery.is_end:
            return


def alone(configs, dataset):
    """The trials of a study in this process."""
    with ThreadPoolExecutor(1) as executor:
        return [*study(configs, dataset, executor=executor)]


def watching(thread_name="study"):
    return [thread for thread in threading.enumerate() if thread.name == thread_name]


def test_each_run_is_told_and_then_the_end(runner, small_dataset):
    told, configs = queue.Queue(), grid(CONFIG, seed=(0, 1, 2))
    number = runner.start(configs, small_dataset, told.put)
    *trials, end = deliveries(told, number)
    assert (end.trial, end.error) == (None, "")
    found = {delivery.trial.config: delivery.trial for delivery in trials}
    assert found == {trial.config: trial for trial in alone(configs, small_dataset)}


def test_a_stopped_study_ends_in_the_middle_of_its_runs_and_is_silent(runner, small_dataset):
    told = queue.Queue()
    runner.start([CONFIG, *grid(ENDLESS, seed=(0, 1))], small_dataset, told.put)
    assert told.get(timeout=PATIENCE).trial.config == CONFIG
    (watch,) = watching()
    runner.stop()
    watch.join(PATIENCE)
    assert not watch.is_alive()
    assert told.empty()


def test_a_new_study_takes_the_place_of_the_present_one(runner, small_dataset):
    old, new = queue.Queue(), queue.Queue()
    first = runner.start([ENDLESS], small_dataset, old.put)
    second = runner.start([CONFIG], small_dataset, new.put)
    assert second > first
    first_told, _ = deliveries(new, second)
    assert first_told.trial.config == CONFIG
    assert old.empty()


@needs.LOCKS
def test_a_study_on_a_server_waits_for_its_turn_and_says_so(runner, small_dataset, tmp_path, monkeypatch):
    (tmp_path / "line").mkdir()
    monkeypatch.setenv(TRAINING_SHARE, json.dumps({"folder": str(tmp_path), "cores": 1}))
    other = Share(tmp_path, cores=1, slice_seconds=3600)
    assert other.place() == 0
    told, configs = queue.Queue(), grid(CONFIG, seed=(0, 1))
    number = runner.start(configs, small_dataset, told.put)
    while told.empty():
        assert other.place() == 0  # without being asked for so long, it would be left out
        time.sleep(0.05)
    assert told.get() == StudyDelivery(number, queue_position=1)
    with pytest.raises(queue.Empty):
        told.get(timeout=0.8)  # nothing has changed
    other.leave()
    rest = []
    while not rest or not rest[-1].is_end:
        rest.append(told.get(timeout=PATIENCE))
    trials = [delivery.trial for delivery in rest if delivery.trial]
    assert len(trials) == 2
    assert {*trials} == {*alone(configs, small_dataset)}
    assert not [*(tmp_path / "line").iterdir()]


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Let this process be the kernel of a server that gives each seat so much."""

    def serve(**given):
        for name in ("line", "pages"):
            (tmp_path / name).mkdir(exist_ok=True)
        monkeypatch.setenv(TRAINING_SHARE, json.dumps({"folder": str(tmp_path), **given}))

    return serve


@needs.LINUX
def test_a_study_has_as_many_workers_as_the_memory_of_its_seat_has_room_for(
    serve, small_dataset, monkeypatch
):
    monkeypatch.setattr("explorer.training.share.n_cores", lambda: 8)
    large = CONFIG.replace(hidden_sizes=(1024,) * 6)
    for room, configs, n_workers in ((300, [large, CONFIG], 1), (600, [large], 2), (9000, [large], 8)):
        serve(megabytes=own_megabytes() + room)
        assert workers_for(configs, small_dataset) == n_workers
    serve(megabytes=own_megabytes() + 150)
    assert workers_for([CONFIG], small_dataset) in (2, 3)
    with pytest.raises(StudyError, match="MB of memory that this server gives a visitor"):
        workers_for([large], small_dataset)


@needs.LINUX
def test_a_study_ends_after_the_minutes_that_all_its_workers_have_trained_together(
    serve, runner, small_dataset
):
    serve(minutes=0.01)
    told = queue.Queue()
    number = runner.start(grid(ENDLESS, seed=range(2)), small_dataset, told.put, 2)
    *others, end = deliveries(told, number)
    assert end.error == "It has trained for 0 minutes, the limit of this server."
    assert not [delivery for delivery in others if delivery.trial]


@needs.LINUX
def test_a_worker_counts_the_memory_of_all_its_seat(tmp_path, pool):
    share = Share(tmp_path, megabytes=own_megabytes() + 100)
    assert pool.submit(share.limit).result() == ""
    filled = np.ones(150 << 20, np.uint8)
    assert "of memory that this server gives a visitor" in pool.submit(share.limit).result()
    assert filled.all()


def test_what_a_study_refuses_is_told_as_its_sentence(runner, small_dataset, caplog):
    told = queue.Queue()
    (end,) = deliveries(told, runner.start([CONFIG.replace(n_train=601)], small_dataset, told.put))
    assert end.error.startswith("n_train is 601; expected a whole number up to 600")
    assert caplog.text == ""


def test_what_goes_wrong_with_the_study_itself_is_told(runner, small_dataset, caplog):
    told = queue.Queue()

    def broken():
        yield CONFIG
        raise ZeroDivisionError("no further config")

    (end,) = deliveries(told, runner.start(broken(), small_dataset, told.put))
    assert end.error == "an unexpected error, ZeroDivisionError: no further config"
    assert "A study failed" in caplog.text
