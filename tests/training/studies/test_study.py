"""A study gives what its runs give alone, to the bit, wherever they happen; and none of them gets lost."""

import dataclasses
import multiprocessing
import os
import signal
import sys
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import needs
import pytest
from study_steps import DIVERGING, ENDLESS, SMALL, CountingPool, CountingThreads, by_config, is_alive, until

from explorer.datasets import Dataset
from explorer.datasets.dataset import ARRAYS
from explorer.training import ConfigError, train
from explorer.training.process_settings import one_blas_thread
from explorer.training.run import TrainingRun
from explorer.training.studies import FinalFigures, StudyError, Trial, grid, study
from explorer.training.studies.executors import run_trial
from explorer.training.studies.journal import read_journal

SEEDS = grid(SMALL, seed=range(6))


CONFIGS = (
    SMALL,
    SMALL.replace(batch_size=1),
    SMALL.replace(batch_size=7, seed=3, reduction="mean", learning_rate=1.0),
    SMALL.replace(hidden_sizes=(40, 20), output="softmax", loss="cross_entropy", hidden_activation="relu"),
    SMALL.replace(n_train=None, batch_size=600),
)


def executor_of(kind, warm):
    if kind == "threads":
        return ThreadPoolExecutor(2)
    if kind == "standard library's processes":
        return ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))
    return warm if "warm" in kind else None


OTHERS = pytest.param("standard library's processes", marks=pytest.mark.long)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["own pool", "threads", "warm pool", "in a journal", OTHERS])
def test_a_run_is_the_same_to_the_bit_wherever_it_happens(small_dataset, pool, tmp_path, kind):
    executor = executor_of(kind, pool)
    journal = tmp_path / "study.jsonl" if "journal" in kind else None
    trials = by_config(study(CONFIGS, small_dataset, executor=executor, journal=journal))
    if journal:
        trials = by_config(study(CONFIGS, small_dataset, executor=executor, journal=journal))
    if executor not in (None, pool):
        executor.shutdown()
    assert set(trials) == set(CONFIGS)
    for config, trial in trials.items():
        assert (trial.status, trial.error, trial.tries) == ("finished", "", 1)
        assert trial.epochs == tuple(train(config, small_dataset)) == trial.history.epochs
        assert trial.final == final_of(config, small_dataset)
        assert not trial.epochs[0].confusion.flags.writeable


def final_of(config, dataset):
    with one_blas_thread():  # as in a worker
        run = TrainingRun(config, dataset)
        for _ in run:
            pass
        return FinalFigures.of(run.evaluate())


def test_a_trial_says_where_it_ran_and_how_long(small_dataset, pool):
    trials = list(study(SEEDS, small_dataset, executor=pool))
    pids = {int(trial.worker.rpartition(":")[2]) for trial in trials}
    assert pids <= {process.pid for process in multiprocessing.active_children()}
    assert all(0 < sum(record.seconds for record in trial.epochs) <= trial.seconds for trial in trials)


def test_without_a_dataset_it_is_mnist(mnist, pool):
    config = SMALL.replace(epochs=1)
    (default,) = study([config], executor=pool)
    (given,) = study([config], mnist, executor=pool)
    assert default == given == Trial(config, "finished", tuple(train(config, mnist)), final_of(config, mnist))


def test_a_single_run_needs_no_process(small_dataset):
    (trial,) = study([SMALL], small_dataset)
    assert trial.epochs == tuple(train(SMALL, small_dataset))
    assert trial.worker.endswith(f":{os.getpid()}")
    assert list(study([], small_dataset)) == []


def test_a_config_that_is_there_twice_is_run_once(small_dataset):
    with CountingThreads(1) as executor:
        assert len(list(study([SMALL, *SEEDS, SMALL], small_dataset, executor=executor))) == 6
    assert executor.begun == list(SEEDS)


@needs.PROC
@pytest.mark.parametrize("kind", ["warm pool", OTHERS])
def test_images_of_ones_own_are_mapped_by_the_workers(small_dataset, pool, kind):
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as one:
        executor = pool if kind == "warm pool" else one
        list(study(SEEDS, small_dataset, executor=executor))
        maps = executor.submit(Path("/proc/self/maps").read_text).result()
    paths = {line.split()[5] for line in maps.splitlines() if "images.npy" in line}
    assert {Path(path).name for path in paths} == {"train_images.npy", "test_images.npy"}
    assert not any(Path(path).exists() for path in paths)  # the study has cleaned up


class Images(CountingPool):
    """Counts the calls that carry images."""

    n_sent = 0

    def submit(self, function, *arguments):
        self.n_sent += any(isinstance(one, Dataset) for one in arguments)
        return super().submit(function, *arguments)


@pytest.mark.long
@needs.POSIX
def test_workers_that_do_not_see_the_folder_get_the_images_once_and_again_when_replaced(
    small_dataset, elsewhere
):
    configs = grid(SMALL, seed=range(30))
    with Images(2) as pool:
        trials = {}
        for trial in study(configs, small_dataset, executor=pool):
            trials[trial.config] = trial
            if len(trials) == 10:
                os.kill(int(trial.worker.partition(":")[2]), signal.SIGKILL)
    assert {trial.status for trial in trials.values()} == {"finished"}
    assert [trials[config].epochs for config in configs[:3]] == [
        tuple(train(config, small_dataset)) for config in configs[:3]
    ]
    workers = {trial.worker for trial in trials.values()}
    assert 2 <= len(workers) <= 3
    assert len(workers) <= pool.n_sent <= 2 * len(workers)


def test_images_that_change_under_a_study_are_told_and_its_journal_stays(small_dataset, tmp_path, pool):
    ours = dataclasses.replace(small_dataset, train_images=small_dataset.train_images.copy())
    ours.train_images.flags.writeable = True  # as the file of a mapped array may be written
    journal = tmp_path / "study.jsonl"
    assert len(list(study(SEEDS[:2], ours, executor=pool, journal=journal))) == 2
    ours.train_images[0] = 255 - ours.train_images[0]
    with pytest.raises(
        StudyError, match=r"^The images of the study, patterns, have changed since it began\.$"
    ):
        list(study(SEEDS, ours, executor=CountingPool(1), journal=journal))
    assert len(read_journal(journal).trials) == 2


def test_a_worker_whose_mnist_can_not_be_read_is_told_after_three_tries(monkeypatch):
    def load():
        raise OSError("Input/output error")

    monkeypatch.setattr(sys.modules[run_trial.__module__], "load_mnist", load)
    (trial,) = study([SMALL], executor=CountingThreads(1))
    assert (trial.status, trial.error) == ("failed", "OSError: Input/output error, 3 times")


def answered(trial=None, error=None):
    future = Future()
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(trial)
    return future


def test_a_disk_without_room_for_the_images_is_told(small_dataset, pool, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(StudyError, match=r"^The images can't be written for the workers: “no such file"):
        list(study([SMALL], small_dataset, executor=pool))


def test_a_diverged_run_is_a_trial_among_the_others(small_dataset, pool):
    trials = by_config(study([DIVERGING, SMALL], small_dataset, executor=pool))
    diverged = trials[DIVERGING]
    assert (diverged.status, diverged.final, diverged.is_settled) == ("diverged", None, True)
    assert len(diverged.epochs) > 0
    assert diverged.error == f"the loss has not been a number since epoch {len(diverged.epochs) + 1}"
    assert trials[SMALL].status == "finished"


def test_more_images_than_there_are_are_refused_before_anything_begins(small_dataset, tmp_path):
    journal = tmp_path / "study.jsonl"
    configs = [*SEEDS, SMALL.replace(n_train=601)]
    with CountingThreads(1) as executor:
        trials = study(configs, small_dataset, executor=executor, journal=journal)
        with pytest.raises(ConfigError, match="n_train is 601; expected a whole number up to 600"):
            next(trials)
    assert executor.begun == []
    assert not journal.exists()


def test_an_unexpected_error_is_its_trials_own(small_dataset, caplog):
    class Unreadable(Dataset):
        def head(self, n_train):
            raise MemoryError("no room")

    unreadable = Unreadable("none", *(getattr(small_dataset, name) for name in ARRAYS))
    trials = by_config(study([SMALL, SMALL.replace(n_train=None)], unreadable, executor=CountingThreads(1)))
    failed = trials[SMALL]
    assert (failed.status, failed.error, failed.is_settled) == ("failed", "MemoryError: no room", False)
    assert "A trial of a study failed" in caplog.text
    assert trials[SMALL.replace(n_train=None)].status == "finished"


def test_a_worker_with_other_versions_is_told(mnist):
    words = r"^The worker .*:\d+ has nn-explorer .* on Python 3\.\d+, the study "
    with pytest.raises(StudyError, match=words):
        run_trial(SMALL, mnist, "nn-explorer 0.0 with NumPy 1.0 on Python 3.9")


def test_what_the_executor_can_not_do_is_one_sentence(small_dataset):
    class Refusing(CountingThreads):
        def submit(self, *call):
            raise RuntimeError("cannot schedule new futures after shutdown")

    words = r"^The study can't go on: RuntimeError: cannot schedule new fut.*\.$"
    with pytest.raises(StudyError, match=words):
        list(study([SMALL], small_dataset, executor=Refusing(1)))


def test_an_error_of_the_study_is_told_after_what_has_ended(small_dataset):
    class Mixed(CountingThreads):
        def submit(self, function, config, *others):
            if config.seed == 5:
                return answered(error=StudyError("The worker has other versions."))
            return answered(function(config, *others))

    trials = study(SEEDS, small_dataset, executor=Mixed(1))
    assert [next(trials).config for _ in range(5)] == list(SEEDS[:5])
    with pytest.raises(StudyError, match="other versions"):
        next(trials)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CancelledError(), "CancelledError"),
        (BrokenExecutor(), "a worker process died (killed or out of memory)"),
    ],
)
def test_a_run_that_is_lost_each_time_is_tried_three_times_and_no_other_fails(small_dataset, error, words):
    class Losing(CountingThreads):
        def submit(self, function, config, *others):
            if config.seed == 4:
                self.begun.append(config)
                return answered(error=error)
            return super().submit(function, config, *others)

    with Losing(1) as executor:
        found = by_config(study(SEEDS, small_dataset, executor=executor))
    assert [executor.begun.count(config) for config in SEEDS] == [1, 1, 1, 1, 3, 1]
    assert found[SEEDS[4]] == Trial(SEEDS[4], "failed", error=f"{words}, 3 times")
    assert found[SEEDS[4]].tries == 3
    assert [found[config].status for config in SEEDS].count("finished") == 5


SLOW = SMALL.replace(hidden_sizes=(256,), batch_size=1, n_train=600, epochs=12)


@needs.PROC
@pytest.mark.long
def test_a_worker_that_is_killed_in_mid_trial_costs_a_try_of_this_trial_alone(small_dataset):
    undisturbed = by_config(study([SLOW, *SEEDS], small_dataset, executor=CountingThreads(1)))
    before = {process.pid for process in multiprocessing.active_children()}
    with CountingPool(2) as pool:
        trials = study([SLOW, *SEEDS], small_dataset, executor=pool)
        first = [next(trials) for _ in SEEDS]  # in the other worker
        (other,) = {int(trial.worker.rpartition(":")[2]) for trial in first}
        (busy,) = {process.pid for process in multiprocessing.active_children()} - before - {other}
        os.kill(busy, signal.SIGKILL)
        found = by_config([*first, *trials])
    assert {config: trial.tries for config, trial in found.items()} == dict.fromkeys(SEEDS, 1) | {SLOW: 2}
    assert sorted(pool.begun, key=repr) == sorted([SLOW, SLOW, *SEEDS], key=repr)
    assert found == undisturbed


def test_leaving_ends_what_runs_at_once(small_dataset):
    before = {*multiprocessing.active_children()}
    trials = study([SMALL, *grid(ENDLESS, seed=range(3))], small_dataset)
    assert next(trials).config == SMALL
    workers = {*multiprocessing.active_children()} - before
    assert workers
    trials.close()  # what runs would take hours
    assert not any(is_alive(worker.pid) for worker in workers)


def test_leaving_cancels_what_has_not_begun_and_keeps_a_given_executor(small_dataset):
    with CountingThreads(1) as executor:
        trials = study(grid(SMALL, seed=range(50)), small_dataset, executor=executor)
        next(trials)
        trials.close()
        assert sum(future.cancelled() for future in executor.futures) > 25
        assert executor.submit(abs, -3).result(timeout=60) == 3


def test_what_has_ended_unseen_is_in_the_journal(small_dataset, tmp_path):
    """Who leaves may have been slower than the workers."""
    journal = tmp_path / "study.jsonl"
    with CountingThreads(1) as executor:
        trials = study(SEEDS, small_dataset, executor=executor, journal=journal)
        next(trials)
        until(lambda: all(future.done() for future in executor.futures))
        trials.close()
    with CountingThreads(1) as executor:
        again = {*study(SEEDS, small_dataset, executor=executor, journal=journal)}
        assert executor.begun == []
        assert again == {*study(SEEDS, small_dataset, executor=executor)}
