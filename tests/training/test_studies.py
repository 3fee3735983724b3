"""A study gives what its runs give alone, to the bit, wherever they happen; and none of them gets lost."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import Future, ThreadPoolExecutor

import dataset_files
import needs
import pytest
from threadpoolctl import threadpool_info

from explorer.training import ConfigError, TrainingConfig, train
from explorer.training.studies import StudyResult, WorkerPool, batch_size_grid, batch_size_rates, grid, study

SMALL = TrainingConfig(hidden_sizes=(8,), epochs=2, n_train=100)
DIVERGING = TrainingConfig(
    hidden_sizes=(64, 64, 64), hidden_activation="relu", output="softmax", loss="cross_entropy",
    initializer="he", learning_rate=100, epochs=20, n_train=103, batch_size=103, seed=3,
)  # fmt: skip
ENDLESS = TrainingConfig(hidden_sizes=(512,), batch_size=1, epochs=500)


@pytest.fixture(scope="module")
def pool():
    """Two workers, warm."""
    with WorkerPool(2) as warm:
        yield warm


def by_config(results):
    results = list(results)
    assert len({result.config for result in results}) == len(results)
    return {result.config: result for result in results}


def until(condition, seconds=30):
    """Wait for a condition that other processes bring about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


def workers():
    """The processes that this one has started and that live."""
    return {child.pid for child in multiprocessing.active_children()}


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# ---------------------------------------------------------------- the same results everywhere


CONFIGS = (
    SMALL,
    SMALL.replace(batch_size=1),
    SMALL.replace(batch_size=7, seed=3, reduction="mean", learning_rate=1.0),
    SMALL.replace(hidden_sizes=(40, 20), output="softmax", loss="cross_entropy", hidden_activation="relu"),
    SMALL.replace(n_train=None, batch_size=600),
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["own pool", "warm pool", "threads", "path", "path in a warm pool"])
def test_a_run_is_the_same_to_the_bit_wherever_it_happens(small_dataset, folder, pool, kind):
    data = folder if "path" in kind else small_dataset
    with ThreadPoolExecutor(2) as threads:
        executor = {"own pool": None, "path": None, "threads": threads}.get(kind, pool)
        results = by_config(study(CONFIGS, data, executor=executor))
    assert set(results) == set(CONFIGS)
    for config, result in results.items():
        assert result.error == ""
        assert result.epochs == tuple(train(config, small_dataset))
        assert result.last is result.epochs[-1]
        assert not result.epochs[0].confusion.flags.writeable


def test_without_a_dataset_it_is_mnist(mnist, pool):
    config = SMALL.replace(epochs=1)
    (default,) = study([config], executor=pool)
    (given,) = study([config], mnist, executor=pool)
    assert default == given == StudyResult(config, tuple(train(config, mnist)))


def test_a_single_run_needs_no_process(small_dataset):
    before = workers()
    results = study([SMALL], small_dataset)
    assert next(results).epochs == tuple(train(SMALL, small_dataset))
    assert workers() == before
    assert list(study([], small_dataset)) == []


@needs.PINNING
def test_one_core_is_enough():
    done = python("""
        import multiprocessing, os
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        from explorer.training import TrainingConfig
        from explorer.training.studies import grid, study
        for result in study(grid(TrainingConfig(n_train=50, epochs=1), seed=range(3))):
            print(result.config.seed, result.error, len(result.epochs), multiprocessing.active_children())
        """)
    assert done == "0  1 []\n1  1 []\n2  1 []\n"


def python(code):
    """What `code` prints in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_file_is_opened_again_by_the_next_study(small_dataset, tmp_path, pool):
    def written(n):
        folder = dataset_files.write(small_dataset, tmp_path, n)
        return [r.last.confusion.sum() for r in study([SMALL] * 2, folder, executor=pool)]

    assert [written(200), written(150)] == [[200, 200], [150, 150]]


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("where", ["here", "pool"])
def test_a_failed_run_is_a_result_among_the_others(small_dataset, pool, where):
    with ThreadPoolExecutor(1) as thread:
        executor = pool if where == "pool" else thread
        results = by_config(
            study([SMALL.replace(n_train=601), DIVERGING, SMALL], small_dataset, executor=executor)
        )
    too_many, diverged = results[SMALL.replace(n_train=601)], results[DIVERGING]
    assert too_many.epochs == ()
    assert too_many.last is None
    assert too_many.error.startswith("n_train is 601; expected a whole number up to 600")
    assert len(diverged.epochs) > 0
    assert diverged.error == f"the loss is not a number since epoch {len(diverged.epochs) + 1}"
    assert results[SMALL].error == ""
    assert len(results[SMALL].epochs) == 2


def test_a_bad_path_is_told_by_each_run(tmp_path, pool):
    results = list(study([SMALL, SMALL.replace(seed=1)], tmp_path / "none", executor=pool))
    assert [result.epochs for result in results] == [(), ()]
    assert all("none: found “no such file or directory”" in result.error for result in results)


def test_a_worker_that_dies_loses_no_run(small_dataset):
    with WorkerPool(1) as dying:
        dying.submit(os._exit, 1)
        results = list(study([SMALL, SMALL.replace(seed=1)], small_dataset, executor=dying))
    assert {result.config for result in results} == {SMALL, SMALL.replace(seed=1)}
    assert {result.error for result in results} == {
        "a process of the study has died: killed, or out of memory"
    }


NO_LOCKS = """
import resource
from explorer.training.studies import StudyError, WorkerPool
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # as a /dev/shm that is full, missing or read-only
try:
    WorkerPool(1)
except StudyError as error:
    print(error, end="")
"""


@needs.LINUX
def test_without_shared_memory_one_sentence_says_so():
    said = subprocess.run([sys.executable, "-c", NO_LOCKS], capture_output=True, text=True)
    assert said.stdout.startswith("A study can't run here: the system gives its processes no shared memory")
    assert said.stderr == ""


def test_a_run_that_somebody_cancels_is_a_result(small_dataset):
    class Cancelling(ThreadPoolExecutor):
        def submit(self, *task):
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    (result,) = study([SMALL], small_dataset, executor=Cancelling(1))
    assert result == StudyResult(SMALL, (), "the run was cancelled")


# ---------------------------------------------------------------- leaving early


def test_leaving_ends_what_runs_at_once(small_dataset):
    before = workers()
    results = study([SMALL, *grid(ENDLESS, seed=range(3))], small_dataset)
    assert next(results).config == SMALL
    assert workers() > before
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 5  # what runs would take hours
    assert workers() == before


class Remembering(ThreadPoolExecutor):
    """An executor of somebody else's, which keeps what it is given."""

    futures: tuple[Future, ...] = ()

    def submit(self, *task):
        self.futures += (super().submit(*task),)
        return self.futures[-1]


def test_leaving_cancels_what_has_not_begun_and_keeps_a_given_executor(small_dataset):
    with Remembering(1) as executor:
        results = study(grid(SMALL, seed=range(50)), small_dataset, executor=executor)
        next(results)
        results.close()
        assert sum(future.cancelled() for future in executor.futures) > 25
        assert executor.submit(abs, -3).result(timeout=60) == 3


@needs.POSIX
def test_workers_end_with_a_killed_parent():
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os; from explorer.training.studies import WorkerPool\n"
            "pool = WorkerPool(1); print(pool.submit(os.getpid).result(), flush=True)\n"
            "import time; time.sleep(100)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    worker = int(parent.stdout.readline())
    assert is_alive(worker)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until(lambda: not is_alive(worker) or is_zombie(worker))


def is_zombie(pid):
    """Whether only its parent's ignorance keeps its entry."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii") as stat:  # noqa: PTH123
        return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    return False


def test_workers_leave_ctrl_c_to_their_parent(pool):
    assert pool.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN


def test_workers_hold_blas_to_one_thread_and_the_parent_keeps_its_own(pool):
    before = os.environ.get("OPENBLAS_NUM_THREADS")
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        assert pool.submit(os.getenv, name).result() == "1"
    pool.submit(TrainingConfig).result()  # NumPy is there by now
    libraries = pool.submit(threadpool_info).result()
    assert libraries
    assert {library["num_threads"] for library in libraries} == {1}
    assert os.environ.get("OPENBLAS_NUM_THREADS") == before


# ---------------------------------------------------------------- configs


def test_a_grid_varies_the_last_setting_fastest():
    configs = grid(SMALL, batch_size=(8, 64), seed=range(2))
    assert [(config.batch_size, config.seed) for config in configs] == [(8, 0), (8, 1), (64, 0), (64, 1)]
    assert {config.hidden_sizes for config in configs} == {(8,)}
    assert grid(SMALL) == (SMALL,)
    with pytest.raises(ConfigError, match="batch_size is 0"):
        grid(SMALL, batch_size=[0])


def test_the_batch_size_question():
    configs = batch_size_grid()
    assert len(set(configs)) == len(configs) == 8 * 2 * 3
    assert {config.batch_size for config in configs} == {1, 8, 32, 128, 512, 2048, 8192, 60_000}
    assert {(config.reduction, config.learning_rate) for config in configs} == {("sum", 0.01), ("mean", 3.0)}
    assert {config.seed for config in configs} == {0, 1, 2}
    assert {config.replace(**same_as_default()) for config in configs} == {TrainingConfig()}


def same_as_default():
    default = TrainingConfig()
    return {name: getattr(default, name) for name in ("batch_size", "reduction", "learning_rate", "seed")}


def test_the_batch_size_question_about_another_network():
    other = SMALL.replace(reduction="mean", learning_rate=6.0)
    by_mean = other.replace(batch_size=5, seed=7)
    configs = batch_size_grid(other, batch_sizes=[5], seeds=[7])
    assert configs == (by_mean.replace(reduction="sum", learning_rate=0.02), by_mean)


@pytest.mark.parametrize(
    ("config", "rates"),
    [
        (TrainingConfig(), {"sum": 0.01, "mean": 3.0}),
        (TrainingConfig(reduction="mean", learning_rate=0.3), {"sum": 0.001, "mean": 0.3}),
        (TrainingConfig(learning_rate=1.0), {"sum": 1.0, "mean": 100.0}),  # the highest that there is
        (TrainingConfig(reduction="mean", learning_rate=1e-5), {"sum": 1e-5, "mean": 1e-5}),  # and the lowest
    ],
)
def test_both_reductions_take_the_same_step_at_300_images(config, rates):
    assert batch_size_rates(config) == rates
