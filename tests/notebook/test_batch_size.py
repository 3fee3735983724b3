"""The batch-size answer: every run of the grid, whatever happens on the way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor

import needs
import numpy as np
import pytest
from lessons import figures_in

from explorer.notebook.batch_size import batch_size_figures, batch_size_study, batch_size_words
from explorer.training import ConfigError, TrainingConfig, train
from explorer.training.studies import BATCH_SIZES, batch_size_grid

SMALL = TrainingConfig(hidden_sizes=(8,))


@pytest.fixture(scope="module")
def result(small_dataset):
    with ThreadPoolExecutor(1) as thread:
        return batch_size_study(
            SMALL, batch_sizes=(600, 1, 20), epochs=2, dataset=small_dataset, executor=thread
        )


def test_it_is_the_grid_with_the_fewer_epochs(result):
    expected = {
        (size, reduction, seed) for size in (1, 20, 600) for reduction in ("sum", "mean") for seed in range(3)
    }
    assert {(p.batch_size, p.reduction, p.seed) for p in result.points} == expected
    assert (result.n_runs, result.n_done, result.failed) == (18, 18, ())
    assert repr(result).startswith("18 of 18 runs, 2 epochs of 600 images each, in ")


def test_each_point_is_a_run_of_its_own(result, small_dataset):
    config = SMALL.replace(epochs=2, batch_size=20, reduction="mean", learning_rate=3.0, seed=1)
    *_, last = train(config, small_dataset)
    (point,) = (p for p in result.points if (p.batch_size, p.reduction, p.seed) == (20, "mean", 1))
    assert point.test_accuracy == last.test_accuracy
    assert point.updates == 2 * 30


def test_the_defaults_are_the_whole_grid():
    grid = batch_size_grid()
    assert {config.batch_size for config in grid} == set(BATCH_SIZES)
    assert (min(BATCH_SIZES), max(BATCH_SIZES)) == (1, 60_000)
    assert {config.epochs for config in grid} == {10}
    assert len(grid) == len(BATCH_SIZES) * 2 * 3


def test_fewer_images_are_told(small_dataset):
    with ThreadPoolExecutor(1) as thread:
        few = batch_size_study(
            SMALL, batch_sizes=[50], seeds=[4], epochs=1, n_train=100, dataset=small_dataset, executor=thread
        )
    assert repr(few).startswith("2 of 2 runs, 1 epoch of 100 images each")
    assert {(point.seed, point.updates) for point in few.points} == {(4, 2)}


def test_the_figures_show_band_time_and_updates(result):
    shown = batch_size_figures(result)
    assert "after 2 epochs of 600 images" in shown[0].text
    titles = []
    for figure in shown:
        (drawn,) = figures_in(figure.html)
        titles.append(drawn["layout"]["yaxis"]["title"]["text"])
        assert drawn["layout"]["xaxis"]["type"] == "log"
        assert [trace["name"] for trace in drawn["data"]][2::3] == ["sum", "mean"]
    assert titles == ["test accuracy (%)", "seconds per epoch", "updates of the weights"]


def test_both_learning_rates_are_told(result):
    assert "learning rate 0.01 with the sum, 3 with the mean: the same step for a batch of 300" in repr(
        result
    )
    assert "With the mean and learning rate 3, the network" in batch_size_words(result).text


def test_the_words_are_the_means(result):
    words = batch_size_words(result).text
    for reduction in ("sum", "mean"):
        for size in (1, 600):
            own = [p.test_accuracy for p in result.points if (p.batch_size, p.reduction) == (size, reduction)]
            said = re.search(rf"With the {reduction} .*?([\d.]+) % with batches of {size}\b", words)[1]
            assert float(said) == pytest.approx(100 * np.mean(own), abs=0.051)


def test_a_bad_setting_is_refused_before_anything_runs(small_dataset):
    with pytest.raises(ConfigError, match="batch_size is 0"):
        batch_size_study(SMALL, batch_sizes=[0], dataset=small_dataset)
    with pytest.raises(ConfigError, match="epochs is 0"):
        batch_size_study(SMALL, epochs=0, dataset=small_dataset)


def test_a_failed_run_is_told_and_the_others_stand(small_dataset):
    with ThreadPoolExecutor(1) as thread:
        found = batch_size_study(
            SMALL, batch_sizes=[50], seeds=[0], epochs=1, n_train=601, dataset=small_dataset, executor=thread
        )
    assert len(found.failed) == 2
    assert found.points == ()
    assert "batch 50, sum: n_train is 601; expected a whole number up to 600" in repr(found)
    assert batch_size_words(found).text == ""
    assert len(batch_size_figures(found)) == 3


class Interrupted(ThreadPoolExecutor):
    """Its third run is interrupted, as by Ctrl-C."""

    n = 0

    def submit(self, *task):
        self.n += 1
        future = Future()
        if self.n > 2:
            return future  # it never ends: the main thread is interrupted while it waits
        future.set_result(task[0](*task[1:]))
        if self.n == 2:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
        return future


@needs.POSIX
def test_an_interruption_keeps_what_has_ended(small_dataset):
    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with Interrupted(1) as executor:
            found = batch_size_study(
                SMALL, batch_sizes=[50, 100], seeds=[0], epochs=1, dataset=small_dataset, executor=executor
            )
    finally:
        signal.signal(signal.SIGALRM, before)
    assert (found.n_done, found.n_runs) == (2, 4)
    assert len(found.points) == 2
    assert "; interrupted, finished runs are kept\n" in repr(found)


def test_it_works_on_one_core_and_without_a_writable_home(tmp_path):
    """In a process of its own, pinned to one core, whose home and cache can't be written, whoever runs it."""
    (tmp_path / "file").write_text("not a folder")
    code = (
        "import os\n"
        "if hasattr(os, 'sched_setaffinity'): os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from explorer.notebook import batch_size_study\n"
        "from explorer import TrainingConfig\n"
        "config = TrainingConfig(hidden_sizes=(4,))\n"
        "print(batch_size_study(config, batch_sizes=[500], seeds=[0], epochs=1, n_train=1000))\n"
    )
    nowhere = str(tmp_path / "file" / "home")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HOME": nowhere, "XDG_CACHE_HOME": nowhere, "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "2 of 2 runs, 1 epoch of 1000 images each" in done.stdout
