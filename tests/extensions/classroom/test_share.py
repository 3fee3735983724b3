"""Fair shares of a server: turns of real processes, limits, and pages that nobody has open."""

import dataclasses
import os
import pickle
import subprocess
import sys

import needs
import numpy as np
import pytest
from app_steps import PATIENCE, done
from study_steps import until

from explorer.extensions.classroom.share import Share, share_variables
from explorer.training import EpochRecord, TrainingConfig, TrainingRun
from explorer.training.runner import Runner
from explorer.training.turns import NOBODY, VISITED, n_cores, study_workers, turns_of

pytestmark = needs.LOCKS

CONFIG = TrainingConfig(hidden_sizes=6, epochs=40, batch_size=4, learning_rate=0.05)


@pytest.fixture
def folder(tmp_path):
    """What the processes of a server share."""
    (tmp_path / "line").mkdir()
    (tmp_path / "pages").mkdir()
    return tmp_path


@pytest.fixture
def shares(folder):
    """Make shares in that folder; all give back what they have."""
    made = []

    def make(n, **options):
        made.extend(new := [Share(folder, **{"cores": 1, **options}) for _ in range(n)])
        return new

    yield make
    for share in made:
        share.leave()


def comparable(records):
    """Records without what the clock says."""
    timeless = (dataclasses.replace(one, seconds=0.0) if hasattr(one, "seconds") else one for one in records)
    return [*map(dataclasses.asdict, timeless)]


@pytest.mark.parametrize("cores", [1, 2])
def test_one_a_core_trains_and_the_others_know_their_place(shares, cores):
    line = shares(5, cores=cores)
    assert [share.place() for share in line] == [max(0, n - cores + 1) for n in range(5)]
    line[0].leave()
    assert [share.place() for share in line[1:]] == [max(0, n - cores + 1) for n in range(4)]
    assert line[0].place() == 5 - cores  # at the end


def test_who_has_trained_long_goes_to_the_end_if_somebody_waits(shares):
    first, second, third = shares(3, slice_seconds=0.05)
    assert (first.place(), second.place(), third.place()) == (0, 1, 2)
    until(lambda: first.place() != 0)
    assert (second.place(), third.place(), first.place()) == (0, 1, 2)


def seat(shares, n, name, **options):
    """The shares of a kernel and its workers."""
    return shares(n, kernel_id=f"{name}-0000", **options)


@pytest.mark.parametrize("cores", [1, 2])
def test_a_seat_has_a_second_turn_only_while_no_other_seat_wants_one(shares, cores):
    study, other = seat(shares, 3, "study", cores=cores), seat(shares, 1, "other", cores=cores)[0]
    alone = [share.place() for share in study]
    assert alone == [max(0, n - cores + 1) for n in range(3)]
    assert other.place() == (1 if cores == 1 else 0)
    assert [share.place() for share in study] == ([0, 2, 3] if cores == 1 else [0, 1, 2])
    other.leave()
    assert [share.place() for share in study] == alone


def test_seats_take_turns_however_many_processes_each_has(shares):
    study, other = seat(shares, 2, "study", slice_seconds=3600), seat(shares, 1, "other")[0]
    assert [share.place() for share in (*study, other)] == [0, 1, 1]
    turns = []
    for _ in range(3):
        (turn,) = [share for share in (*study, other) if share.place() == 0]
        turns.append("other" if turn is other else "study")
        turn.leave()
        turn.place()
    assert turns == ["study", "other", "study"]


HOLDER = """
import sys, time
from explorer.extensions.classroom.share import Share
share = Share(sys.argv[1], cores=1)
while True:
    print(share.place(), flush=True)
    time.sleep(0.05)
"""


def test_a_process_that_is_killed_gives_its_turn_back_at_once(shares, folder):
    (share,) = shares(1, slice_seconds=60)
    command = [sys.executable, "-c", HOLDER, folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "0\n"
            assert share.place() == 1
        finally:
            holder.kill()
        holder.wait()
        assert share.place() == 0
    assert len([*(folder / "line").iterdir()]) == 1


def test_a_process_that_is_suspended_holds_up_nobody(shares, folder):
    suspended, next_one = shares(2)
    assert (suspended.place(), next_one.place()) == (0, 1)
    for ticket in (folder / "line").iterdir():
        os.utime(ticket, (0, 0))
    assert next_one.place() == 0


def test_a_folder_that_is_gone_or_full_holds_up_nobody(folder):
    (folder / "line").rmdir()
    assert Share(folder).place() == 0


def test_a_study_has_every_core_until_others_come(folder, monkeypatch):
    assert study_workers() == n_cores()
    monkeypatch.setenv(*share_variables(folder).popitem())
    pages = folder / "pages"
    pages.mkdir(exist_ok=True)
    (pages / "one").touch()
    assert study_workers() == n_cores()
    (pages / "two").touch()
    assert study_workers() == 1


def test_the_workers_of_a_process_are_told_from_others(folder):
    with subprocess.Popen([sys.executable, "-c", HOLDER, folder], stdout=subprocess.PIPE) as worker:
        try:
            own = Share(folder, cores=1)
            assert own.place() in (0, 1)
            worker.stdout.readline()
            assert own.place_of_workers() == 1
            own.leave()
            assert own.place_of_workers() == 0
        finally:
            worker.kill()


TRAIN = """
import json, pickle, sys
from explorer.training import TrainingRun
from explorer.training.runner import Runner
from explorer.extensions.classroom.share import Share
folder, path = sys.argv[1:]
with open(path, "rb") as file:
    config, dataset = pickle.load(file)
told = []
runner = Runner(told.append, interval_seconds=0.02, turns=Share(folder, cores=1, slice_seconds=0.1))
runner.start(TrainingRun(config, dataset))
while not runner.wait(0.02):
    pass
sys.stdout.buffer.write(pickle.dumps(told))
"""


@pytest.mark.long
def test_two_processes_take_turns_with_the_records_of_one_alone(shares, folder, small_dataset, tmp_path):
    (start,) = shares(1, slice_seconds=3600)
    path = tmp_path / "run"
    config = CONFIG.replace(epochs=120)  # several turns also on a fast machine
    path.write_bytes(pickle.dumps((config, small_dataset)))
    command = [sys.executable, "-c", TRAIN, folder, path]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    until(lambda: start.place() == 0 and len([*(folder / "line").iterdir()]) == 3)
    start.leave()
    told = [pickle.loads(process.communicate(timeout=60)[0]) for process in processes]
    alone = []
    runner = Runner(alone.append)
    done(runner.start, TrainingRun(config, small_dataset))
    expected = [record for delivery in alone for record in delivery.records]
    for deliveries in told:
        trained = (delivery for delivery in deliveries if delivery.records)
        assert 1 in {delivery.queue_position for delivery in deliveries[deliveries.index(next(trained)) :]}
        found = [record for delivery in deliveries for record in delivery.records]
        np.testing.assert_equal(comparable(found), comparable(expected))


class Desk:
    """A runner with a share, and what it has delivered."""

    def __init__(self, share, dataset, **changes):
        self.deliveries = []
        self.runner = Runner(self.deliveries.append, interval_seconds=0.01, turns=share)
        self.runner.start(TrainingRun(CONFIG.replace(**changes), dataset))

    def look(self):
        self.runner.wait(0.01)
        return self.deliveries[-1] if self.deliveries else None

    @property
    def end(self):
        assert self.runner.wait(PATIENCE)
        return self.deliveries[-1].records[-1]


@pytest.fixture
def desk(small_dataset):
    made = []
    yield lambda share, **changes: made.append(Desk(share, small_dataset, **changes)) or made[-1]
    for one in made:
        one.runner.close()


@pytest.mark.parametrize("order", ["pause", "stop", "close"])
def test_who_pauses_or_ends_gives_the_turn_back(desk, shares, order):
    first, second = shares(2, slice_seconds=60)
    trains = desk(first, epochs=500)
    until(trains.look)
    waits = desk(second, epochs=1)
    until(lambda: waits.look() and waits.look().queue_position == 1)
    getattr(trains.runner, order)()
    assert waits.end.status == "finished"
    assert {delivery.queue_position for delivery in waits.deliveries} == {0, 1}


@pytest.mark.parametrize(("order", "status"), [("pause", "paused"), ("stop", "stopped")])
def test_an_order_is_heard_in_the_line(desk, shares, order, status):
    first, second = shares(2, slice_seconds=60)
    assert first.place() == 0
    waits = desk(second)
    until(lambda: waits.look() and waits.look().queue_position == 1)
    getattr(waits.runner, order)()
    until(lambda: waits.look().status == status)


def test_an_epochs_time_leaves_out_the_time_in_the_line(desk, shares, monkeypatch):
    """By a clock that goes on only while the run is there."""
    clock = [1.0]
    monkeypatch.setattr("explorer.training.run.perf_counter", lambda: clock[0])
    first, second = shares(2, slice_seconds=0.05)
    run = desk(first, epochs=100)
    until(lambda: run.look() and run.look().records)
    until(lambda: second.place() == 0)
    until(lambda: run.look().queue_position == 1)
    clock[0] = 1000.0
    second.leave()
    assert run.end.status == "finished"
    records = [record for delivery in run.deliveries for record in delivery.records]
    assert {record.seconds for record in records if isinstance(record, EpochRecord)} == {0.0}


@needs.LINUX
def test_a_run_ends_after_the_minutes_of_its_server(desk, shares):
    (share,) = shares(1, minutes=0.002)
    end = desk(share, epochs=500).end
    assert (end.status, end.final is None) == ("stopped", False)
    assert "minute" in end.reason


def test_a_link_trains_once_its_page_is_there(desk, shares, folder, monkeypatch):
    (share,) = shares(1, kernel_id="some-kernel")
    assert share.place() == 0  # the kernel has no visitor yet
    monkeypatch.setenv(VISITED, "1")
    run = desk(share, epochs=1)
    assert not run.runner.wait(0.2)
    assert not run.deliveries
    (folder / "pages" / "some-kernel").touch()
    assert run.end.status == "finished"


def test_a_run_whose_page_is_gone_is_suspended_until_it_is_back(desk, shares, folder, monkeypatch):
    monkeypatch.setenv(VISITED, "1")
    page = folder / "pages" / "some-kernel"
    page.touch()
    (share,) = shares(1, kernel_id="some-kernel", hold_seconds=0.05)
    run = desk(share, epochs=400, n_train=100, batch_size=1)
    until(lambda: run.look() and run.look().records)
    page.unlink()
    until(lambda: share.place() == NOBODY)

    def is_quiet():
        told = len(run.deliveries)
        return not run.runner.wait(0.3) and len(run.deliveries) == told

    until(is_quiet)  # what was under way when the page left is delivered
    assert run.runner.status == "running"
    page.touch()
    assert run.end.status == "finished"


def test_without_locks_of_files_there_are_limits_and_no_line(folder, monkeypatch):
    monkeypatch.setattr("explorer.extensions.classroom.share.sys.platform", "win32")
    share = turns_of(share_variables(folder, cores=1, minutes=1))
    assert "limit of this server" in share.limit(61.0)
    assert share.place() == 0
    assert [*(folder / "line").iterdir()] == []
