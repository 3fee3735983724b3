import asyncio
import dataclasses
import gc
import logging
import sys
import threading
import weakref
from time import perf_counter

import numpy as np
import pytest
from app_steps import PATIENCE, done
from reference_runs import diverging
from threadpoolctl import threadpool_info, threadpool_limits

from explorer.training import DivergedError, TrainingConfig, TrainingRun, new_network, races, train
from explorer.training.records import (
    BatchRecord,
    BatchStep,
    EpochRecord,
    Evaluation,
    RivalRecord,
    RunEnd,
    Snapshot,
)
from explorer.training.runner import Runner

SMALL = TrainingConfig(hidden_sizes=6, n_train=103, epochs=3, batch_size=16, learning_rate=0.05)
LONG = TrainingConfig(hidden_sizes=32, epochs=500)
REST = 1.0  # seconds; far longer than the small runs take

two_blas_threads = threadpool_limits.wrap(limits=2, user_api="blas")


class GatedRun:
    """A run whose every mini-batch waits until the test lets it pass; `error` is raised in place of the last."""

    is_stopped_early = False
    end_reason = ""

    def __init__(self, steps=1000, error=None):
        self.step = 0
        self.steps, self.error = steps, error
        self.asked, self.gate = threading.Semaphore(0), threading.Semaphore(0)
        self.thread = None

    @property
    def is_complete(self):
        return self.step >= self.steps

    @property
    def entries(self):
        return (self,)

    def extend(self, steps):
        self.steps = steps

    def close(self):
        pass

    def __iter__(self):
        self.thread = threading.current_thread()
        while self.step < self.steps:
            self.asked.release()
            assert self.gate.acquire(timeout=PATIENCE)
            if self.error is not None and self.step == self.steps - 1:
                raise self.error
            self.step += 1
            yield BatchRecord(self.step / 10, self.step, 1.0, 0.5)

    def weights(self):
        return ()

    def batch_step(self, before, goes_on=lambda: True):
        figures = ("train_loss", "train_accuracy", "loss_after", "accuracy_after", "moved")
        return BatchStep(step=self.step, n_images=1, **dict.fromkeys(figures, 0.5))

    def evaluate(self, goes_on=lambda: True):
        epoch, counts = self.step / 10, np.zeros((2, 2), np.int64)
        snapshot = Snapshot(epoch, (), np.zeros((2, 3), np.float32))
        return Evaluation(epoch, self.step, 1.0, 1.0, 0.5, 0.5, counts, snapshot)

    def wait_until_asked(self):
        assert self.asked.acquire(timeout=PATIENCE)

    def let(self, steps):
        """Let so many mini-batches pass, and wait until the next is asked for."""
        for _ in range(steps):
            self.gate.release()
            self.wait_until_asked()


class SlowToScore(GatedRun):
    """A run whose exact figures take until the test lets them come, unless they are left."""

    def __init__(self, steps=1000):
        super().__init__(steps)
        self.scoring, self.scored = threading.Semaphore(0), threading.Event()
        self.left = 0

    def evaluate(self, goes_on=lambda: True):
        self.scoring.release()
        deadline = perf_counter() + 2 * PATIENCE
        while goes_on():
            if self.scored.wait(0.001) or perf_counter() > deadline:
                return super().evaluate()
        self.left += 1
        return None

    def wait_until_scoring(self):
        assert self.scoring.acquire(timeout=PATIENCE)


class Desk:
    """A runner and what it has delivered."""

    def __init__(self, **options):
        self.deliveries = []
        self.runner = Runner(self.deliveries.append, **options)

    @property
    def records(self):
        return [record for delivery in self.deliveries for record in delivery.records]

    @property
    def ends(self):
        return [record for record in self.records if isinstance(record, RunEnd)]

    def of(self, *kinds):
        return [record for record in self.records if isinstance(record, kinds)]

    def begin(self, run, *, after=0):
        """Start a gated run; return it once so many mini-batches are over and the next is under way."""
        self.runner.start(run)
        run.wait_until_asked()
        run.let(after)
        return run

    def wait(self):
        assert self.runner.wait(PATIENCE)

    def release(self, run, n=1):
        """Let so many mini-batches of a gated run pass, and wait for what they lead to."""
        run.gate.release(n)
        self.wait()

    def look(self):
        """Take what has been said, of a run that is neither over nor paused."""
        assert not self.runner.wait(0.01)


@pytest.fixture
def desk():
    """A runner without an event loop: what it says comes in `wait`."""
    before = set(threading.enumerate())
    made = Desk(interval_seconds=0.0)
    yield made
    made.runner.close()
    assert set(threading.enumerate()) <= before, "a thread is left"


def steps(records):
    return [record.step for record in records if isinstance(record, BatchRecord)]


# ---------------------------------------------------------------- a whole run


def test_a_run_is_delivered_whole_and_ends_once(desk, small_dataset):
    token = desk.runner.start(TrainingRun(SMALL, small_dataset))
    desk.wait()
    through = [event for event in TrainingRun(SMALL, small_dataset) if event is not None]
    *said, end = desk.records
    assert [type(record) for record in said] == [type(event) for event in through]
    assert desk.of(BatchRecord, EpochRecord) == [e for e in through if not isinstance(e, Snapshot)]
    snapshots = [event.weights[0] for event in through if isinstance(event, Snapshot)]
    np.testing.assert_array_equal([snapshot.weights[0] for snapshot in desk.of(Snapshot)], snapshots)
    assert end.status == desk.runner.status == desk.deliveries[-1].status == "finished"
    assert (end.reason, end.error) == ("", None)
    assert {delivery.token for delivery in desk.deliveries} == {token}
    assert desk.of(EpochRecord) == list(train(SMALL, small_dataset))


@two_blas_threads
def test_blas_has_one_thread_while_training_and_as_many_as_before_afterwards(desk):
    def settings():
        return sys.getswitchinterval(), [pool["num_threads"] for pool in threadpool_info()]

    def blas():
        pools = (pool for pool in threadpool_info() if pool["user_api"] == "blas")
        return {pool["num_threads"] for pool in pools if "scipy.libs" not in pool["filepath"]}

    before = settings()
    assert 2 in blas()
    other = Desk()
    first, second = desk.begin(GatedRun(1)), other.begin(GatedRun(1))  # a second page in the same process
    desk.release(first)
    desk.runner.close()
    assert blas() == {1}
    other.release(second)
    other.runner.close()
    assert settings() == before


# ---------------------------------------------------------------- pause, resume, step, stop


def test_pause_holds_within_a_mini_batch_and_resume_goes_on(desk):
    run = desk.begin(GatedRun(10), after=2)
    desk.runner.pause()
    desk.release(run)  # the mini-batch under way
    assert desk.runner.status == "paused"
    assert isinstance(desk.records[-1], Evaluation), "a pause brings exact figures"
    assert not run.asked.acquire(timeout=0.05), "a paused run is not asked for more"
    assert run.step == 3
    desk.runner.resume()
    assert desk.runner.status == "running"
    run.wait_until_asked()
    run.let(6)
    desk.release(run)
    assert steps(desk.records) == list(range(1, 11))
    assert desk.runner.status == desk.ends[0].status == "finished"


def test_a_pause_that_is_taken_back_within_the_mini_batch_holds_nothing(desk):
    run = desk.begin(GatedRun(3))
    desk.runner.pause()
    desk.runner.resume()
    desk.release(run, 3)
    assert (desk.runner.status, desk.of(Evaluation)) == ("finished", [])


def test_a_pause_brings_exact_figures_once(desk, small_dataset):
    run = TrainingRun(SMALL, small_dataset)
    done(desk.runner.start, run, paused=True)
    (untrained,) = desk.records
    assert (untrained.epoch, untrained.step) == (0, 0)
    np.testing.assert_array_equal(untrained.snapshot.weights[0], new_network(SMALL, small_dataset).W1)
    done(desk.runner.step, "batch")
    (_, evaluation) = desk.of(Evaluation)
    np.testing.assert_equal(dataclasses.asdict(evaluation), dataclasses.asdict(run.evaluate()))
    done(desk.runner.pause)
    assert len(desk.of(Evaluation)) == 2, "nothing has changed since"


@pytest.mark.parametrize("batch_size", [1, 16, 103, 60_000])
def test_of_a_step_it_is_said_what_it_did(desk, small_dataset, batch_size):
    """The same figures as those of the textbook, before and after the mini-batch's own update."""
    config = SMALL.replace(batch_size=batch_size, epochs=20)
    network = new_network(config, small_dataset)
    desk.runner.start(TrainingRun(config, small_dataset), paused=True)
    order = network.rng.permutation(103)
    data = small_dataset.head(103)
    for number in (1, 2, 3):
        done(desk.runner.step, "batch")
        step, weights = desk.of(BatchStep)[-1], desk.of(Evaluation)[-1].snapshot.weights
        start = (number - 1) * batch_size % 103 if batch_size < 103 else 0
        if start == 0 and number > 1:
            order = network.rng.permutation(103)
        chosen = order[start : start + batch_size]
        assert (step.step, step.n_images) == (number, len(chosen))
        X, d, labels = data.X_train[:, chosen], data.Y_train[:, chosen], data.train_labels[chosen]
        for loss, accuracy, after in (
            (step.train_loss, step.train_accuracy, network.weights()),
            (step.loss_after, step.accuracy_after, weights),
        ):
            network.set_weights(after)
            whole = network.compute_loss(network.forward(X), d)
            assert loss == pytest.approx(whole / len(chosen), rel=1e-4)
            assert accuracy == np.mean(network.predict(X) == labels)
    assert [step.step for step in desk.of(BatchStep)] == [1, 2, 3]


def test_one_step_is_one_epoch_with_its_snapshot(desk, small_dataset):
    run = TrainingRun(SMALL, small_dataset)
    desk.runner.start(run, paused=True)
    for number in (1, 2):
        done(desk.runner.step, "epoch")
        assert desk.runner.status == "paused"
        assert run.step == number * 7
        assert [record.epoch for record in desk.of(EpochRecord)] == list(range(1, number + 1))
        assert [record.epoch for record in desk.of(Snapshot)] == list(range(1, number + 1))
    assert desk.of(BatchStep) == []


@pytest.mark.parametrize("entry", [0, 1])
def test_a_pause_at_an_epochs_end_comes_after_its_snapshot(desk, small_dataset, entry):
    class Race(races.Race):
        def __iter__(self):
            for event in super().__iter__():
                is_rivals = isinstance(event, RivalRecord)
                record = event.record if is_rivals else event
                if isinstance(record, EpochRecord) and (record.epoch, is_rivals) == (1, bool(entry)):
                    desk.runner.pause()
                yield event

    first = diverging(SMALL) if entry else SMALL
    run = Race([first, SMALL.replace(optimizer="adam")], small_dataset)
    done(desk.runner.start, run)
    assert run.entries[entry].epoch == 1
    done(desk.runner.step, "epoch")
    assert run.entries[entry].epoch == 2


def test_holding_stepping_and_going_on_changes_no_record(desk, small_dataset):
    """Also in the middle of a block of tiny mini-batches."""
    config = SMALL.replace(batch_size=2)
    desk.runner.start(TrainingRun(config, small_dataset), paused=True)
    for unit in ("batch", "batch", "epoch", "batch"):
        done(desk.runner.step, unit)
    done(desk.runner.resume)
    assert desk.of(EpochRecord) == list(train(config, small_dataset))
    assert len(desk.ends) == 1


def test_an_epochs_time_leaves_out_its_pauses(desk, small_dataset):
    """Also those of a run that was stopped, and goes on when it is started again."""
    run = TrainingRun(SMALL.replace(epochs=1, batch_size=2), small_dataset)
    desk.runner.start(run, paused=True)
    for end in (lambda: desk.runner.step("batch"), desk.runner.stop):
        end()
        desk.wait()
        threading.Event().wait(REST / 2)
    done(desk.runner.start, run)
    assert desk.of(EpochRecord)[-1].seconds < REST / 2


@pytest.mark.parametrize(("unit", "n"), [("batch", 14), ("epoch", 2)])
def test_stepping_to_the_end_finishes_the_run(desk, small_dataset, unit, n):
    desk.runner.start(TrainingRun(SMALL.replace(epochs=2), small_dataset), paused=True)
    for _ in range(n + 1):
        done(desk.runner.step, unit)
    assert desk.runner.status == "finished"
    assert [end.status for end in desk.ends] == ["finished"]


def test_stop_ends_within_the_mini_batch(desk):
    run = desk.begin(GatedRun(), after=2)
    desk.runner.stop()
    desk.release(run)
    assert run.step == 3
    (end,) = desk.ends
    assert desk.records[-1] is end
    assert end.status == desk.runner.status == "stopped"
    assert end.reason
    assert end.final.step == 3
    assert end.error is None


@pytest.mark.parametrize("paused", [True, False])
def test_a_run_that_has_hardly_begun_can_be_stopped(desk, small_dataset, paused):
    desk.runner.start(TrainingRun(LONG, small_dataset), paused=paused)
    done(desk.runner.stop)
    assert [end.status for end in desk.ends] == ["stopped"]


def test_before_a_run_and_after_its_end_no_order_changes_anything(desk):
    assert desk.runner.status == "idle"
    for order in (desk.runner.pause, desk.runner.resume, desk.runner.stop):
        order()
    desk.release(desk.begin(GatedRun(1)))
    for press in (desk.runner.stop, desk.runner.pause, desk.runner.resume, desk.runner.stop):
        press()
        assert desk.runner.status == "finished"
    done(desk.runner.step, "epoch")
    assert len(desk.ends) == 1


# ---------------------------------------------------------------- while exact figures are made


def scored(desk, when):
    """Start a run and let it come to its exact figures, after one mini-batch: at its "end", or by an order."""
    run = desk.begin(SlowToScore(1 if when == "end" else 1000))
    if when != "end":
        getattr(desk.runner, when)()
    run.gate.release()
    run.wait_until_scoring()
    return run


each_way = pytest.mark.parametrize("when", ["end", "pause", "stop"])


@each_way
def test_a_newer_run_does_not_wait_for_the_figures_of_the_older(desk, when):
    scored(desk, when)
    desk.release(desk.begin(GatedRun(1)))  # its thread waits until the other's is over
    assert steps(desk.records) == [1]
    assert [end.status for end in desk.ends] == ["finished"]


@each_way
def test_closing_does_not_wait_for_figures(desk, when):
    run = scored(desk, when)
    desk.runner.close()
    assert not run.thread.is_alive()
    assert run.left == 1
    assert desk.ends == []


def test_a_pause_says_so_before_it_makes_figures(desk):
    run = scored(desk, "pause")
    desk.look()
    assert desk.deliveries[-1].status == desk.runner.status == "paused"
    assert steps(desk.records) == [1]
    assert desk.of(Evaluation) == []
    run.scored.set()
    desk.wait()
    assert [record.step for record in desk.of(Evaluation)] == [1]
    assert desk.deliveries[-1].status == "paused"


def test_a_pause_that_is_over_leaves_its_figures(desk):
    run = scored(desk, "pause")
    desk.runner.resume()
    run.wait_until_asked()
    assert desk.runner.status == "running"
    desk.runner.pause()
    run.gate.release()
    run.scored.set()
    desk.wait()
    assert [record.step for record in desk.of(Evaluation)] == [2]


@pytest.mark.parametrize("when", ["pause", "end"])
def test_stop_is_heard_while_figures_are_made(desk, when):
    run = scored(desk, when)
    desk.runner.stop()
    run.wait_until_scoring()  # now those of the stopped run
    desk.look()
    assert desk.deliveries[-1].status == desk.runner.status == "stopped"
    run.scored.set()
    desk.wait()
    assert [(end.status, end.final.step) for end in desk.ends] == [("stopped", 1)]


def test_a_pause_while_the_last_figures_are_made_holds_and_lets_the_run_finish(desk):
    run = scored(desk, "end")
    desk.runner.pause()
    run.wait_until_scoring()
    run.scored.set()
    desk.wait()
    assert desk.runner.status == "paused"
    assert desk.ends == []
    done(desk.runner.resume)
    assert [end.status for end in desk.ends] == ["finished"]


def test_the_last_epoch_does_not_wait_for_the_last_figures():
    """Its record and its weights come too soon after those before to be delivered by the clock."""
    last = (
        EpochRecord(1, 1.0, 1.0, 0.5, 0.5, 1.0, np.zeros((2, 2), np.int64)),
        Snapshot(1, (), np.zeros((2, 3), np.float32)),
    )

    class Run(SlowToScore):
        def __iter__(self):
            yield from super().__iter__()
            yield from last

    desk = Desk(interval_seconds=60)
    run = desk.begin(Run(2), after=1)
    run.gate.release()
    run.wait_until_scoring()
    desk.look()
    assert steps(desk.records) == [1, 2]
    assert tuple(desk.records[-2:]) == last
    assert desk.deliveries[-1].status == "running"
    run.scored.set()
    desk.wait()
    assert [end.status for end in desk.ends] == ["finished"]
    desk.runner.close()


@pytest.mark.parametrize(("order", "status"), [("stop", "stopped"), ("pause", "paused")])
def test_an_order_is_heard_within_the_scoring_of_the_test_set(desk, long_test_set, order, status):
    inside, gate = threading.Event(), threading.Event()

    class Run(TrainingRun):
        def __next__(self):
            event = super().__next__()
            if event is None and self.epoch == 1:
                inside.set()
                assert gate.wait(PATIENCE)
            return event

    config = SMALL.replace(batch_size=103)
    desk.runner.start(run := Run(config, long_test_set))
    assert inside.wait(PATIENCE)
    getattr(desk.runner, order)()
    gate.set()
    desk.wait()
    assert desk.runner.status == status
    assert desk.of(EpochRecord) == []
    done(desk.runner.stop)
    done(desk.runner.start, run)
    assert desk.of(EpochRecord) == list(train(config, long_test_set)), "it goes on where it was"


# ---------------------------------------------------------------- one after another


def test_a_newer_run_silences_the_older_and_waits_for_its_mini_batch(desk):
    old, new = GatedRun(), GatedRun(2)
    first = desk.runner.start(old)
    old.wait_until_asked()
    old.let(3)
    second = desk.runner.start(new)  # does not wait for the old one's mini-batch, but its thread does
    assert second != first
    assert not new.asked.acquire(timeout=0.05)
    desk.runner.wait(0.01)
    assert desk.deliveries == [], "what the old run had said is dropped"
    old.gate.release()
    new.wait_until_asked()
    new.let(1)
    desk.release(new)
    assert {delivery.token for delivery in desk.deliveries} == {second}
    assert steps(desk.records) == [1, 2]
    assert [end.status for end in desk.ends] == ["finished"]
    assert old.step == 4


# ---------------------------------------------------------------- failing


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("no such weight"), "ValueError: no such weight"),
        (DivergedError(3), "the loss has not been a number since epoch 3."),
    ],
)
def test_an_error_is_delivered_with_what_came_before(desk, caplog, error, reason):
    run = GatedRun(3, error)
    desk.runner.start(run)
    run.gate.release(3)
    with caplog.at_level(logging.ERROR):
        desk.wait()
    (end,) = desk.ends
    assert steps(desk.records) == [1, 2]
    assert desk.records[-1] is end
    assert end.status == desk.runner.status == "failed"
    assert (end.error, end.reason, end.final) == (error, reason, None)
    assert bool(caplog.records) is isinstance(error, ValueError), "the log has the traceback"
    desk.release(desk.begin(GatedRun(1)))
    assert desk.runner.status == "finished"


def test_nothing_keeps_a_diverged_run_in_memory(desk, small_dataset):
    """Neither its last word, whose error would hold the frames in which it was raised, nor the runner."""
    run = TrainingRun(diverging(SMALL), small_dataset)
    gone = weakref.ref(run)
    done(desk.runner.start, run)
    assert isinstance(desk.ends[0].error, DivergedError)
    desk.runner.close()
    del run
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("n_entries", [1, 3])
def test_a_run_that_another_has_taken_the_place_of_goes_at_once(desk, small_dataset, n_entries):
    """Without waiting for the garbage collector: a moving slider leaves several a second."""
    long = SMALL.replace(epochs=100, batch_size=1)
    configs = [long.replace(learning_rate=0.01 / n) for n in range(1, n_entries + 1)]
    run = TrainingRun(configs[0], small_dataset) if n_entries == 1 else races.Race(configs, small_dataset)
    gone = [weakref.ref(entry) for entry in run.entries]
    gc.collect()
    gc.disable()
    try:
        desk.runner.start(run)
        while not desk.records:
            desk.look()
        del run
        done(desk.runner.start, TrainingRun(SMALL, small_dataset))
        assert [entry() for entry in gone] == [None] * n_entries
    finally:
        gc.enable()


# ---------------------------------------------------------------- delivering


async def _until(condition):
    deadline = perf_counter() + PATIENCE
    while not condition():
        assert perf_counter() < deadline, "nothing came"
        await asyncio.sleep(0.002)


def test_records_come_on_the_event_loops_thread(small_dataset):
    async def page():
        threads, desk = set(), Desk(interval_seconds=0.0)
        desk.runner = Runner(
            lambda delivery: (threads.add(threading.current_thread()), desk.deliveries.append(delivery)),
            interval_seconds=0.0,
        )
        desk.runner.start(TrainingRun(SMALL, small_dataset))
        waiting = threading.Thread(target=desk.runner.wait, args=[PATIENCE])
        waiting.start()
        waiting.join()  # the loop stands still
        assert desk.deliveries == []
        await _until(lambda: desk.ends)
        desk.runner.close()
        return threads, desk

    threads, desk = asyncio.run(page())
    assert threads == {threading.current_thread()}
    assert desk.of(EpochRecord) == list(train(SMALL, small_dataset))
    assert len(desk.ends) == 1


def test_a_page_that_closed_its_loop_does_not_hang_the_run(small_dataset):
    async def page():
        runner = Runner(lambda delivery: None, interval_seconds=0.0)
        runner.start(TrainingRun(SMALL.replace(epochs=200), small_dataset))
        return runner

    runner = asyncio.run(page())
    assert runner.wait(PATIENCE)
    assert runner.status == "finished"
    runner.close()


def test_records_are_gathered_between_deliveries(small_dataset):
    """First at once, then no more often than the interval; all the rest at the end, and then the last word."""

    async def page():
        desk = Desk(interval_seconds=60)
        desk.runner.start(TrainingRun(SMALL.replace(epochs=30), small_dataset))
        await _until(lambda: desk.ends)
        desk.runner.close()
        return desk

    desk = asyncio.run(page())
    assert len(desk.deliveries) <= 3
    assert len(desk.of(EpochRecord)) == 30


# ---------------------------------------------------------------- more epochs


@pytest.mark.parametrize("paused", [False, True])
def test_a_run_that_goes_on_is_extended_as_it_trains(desk, paused):
    run = GatedRun(steps=2)
    token = desk.runner.start(run, paused=paused)
    if not paused:
        run.wait_until_asked()
    assert desk.runner.extend(run, 3) == token
    desk.release(run, 3)
    assert steps(desk.records) == [1, 2, 3]
    assert [end.final.step for end in desk.ends] == [3]


def test_a_run_extended_while_its_end_is_scored_goes_on(desk):
    """The settings come after its last mini-batch and before its last word."""
    run = SlowToScore(steps=2)
    token = desk.runner.start(run)
    run.gate.release(4)
    run.wait_until_scoring()
    assert desk.runner.extend(run, 4) == token
    run.scored.set()
    desk.wait()
    assert steps(desk.records) == [1, 2, 3, 4]
    assert [end.final.step for end in desk.ends] == [4]


def test_a_run_extended_after_its_end_starts_again_and_its_old_end_is_dropped(desk):
    run = desk.begin(GatedRun(steps=1))
    desk.release(run, 3)
    desk.deliveries.clear()
    done(desk.runner.extend, run, 3)
    assert steps(desk.records) == [2, 3]
    assert [end.final.step for end in desk.ends] == [3]


def test_a_run_that_is_stopped_starts_again_when_it_is_extended(desk):
    run = desk.begin(GatedRun(steps=2))
    desk.runner.stop()
    desk.runner.extend(run, 3)
    desk.release(run, 3)
    assert run.step == 3
    assert [end.status for end in desk.ends] == ["finished"]


def test_a_run_that_is_stopped_while_its_early_end_is_scored_has_a_last_word_when_it_is_extended(desk):
    run = SlowToScore(steps=2)
    run.is_stopped_early, run.end_reason = True, "Stopped early."
    desk.runner.start(run)
    run.gate.release(2)
    run.wait_until_scoring()
    desk.runner.stop()
    desk.runner.extend(run, 2)
    run.scored.set()
    desk.wait()
    assert [end.reason for end in desk.ends] == ["Stopped early."]


def test_a_run_that_has_just_failed_is_not_extended(desk):
    run = GatedRun(steps=2, error=DivergedError(1))
    token = desk.runner.start(run)
    run.wait_until_asked()
    run.gate.release(2)
    run.thread.join(PATIENCE)  # nobody has heard of it
    assert desk.runner.extend(run, 5) == token
    desk.wait()
    assert ([end.status for end in desk.ends], run.steps, run.step) == (["failed"], 2, 1)


def test_a_step_to_the_end_of_an_epoch_whose_last_batch_is_trained_gives_exact_figures(desk, small_dataset):
    desk.runner.start(TrainingRun(SMALL, small_dataset), paused=True)
    for _ in range(7):  # all of the first epoch
        done(desk.runner.step, "batch")
    assert not desk.of(EpochRecord)
    done(desk.runner.step, "epoch")
    assert [type(record) for record in desk.records[-3:]] == [EpochRecord, Snapshot, Evaluation]
