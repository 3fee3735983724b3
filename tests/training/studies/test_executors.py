"""The processes that train: what they do alone, and what becomes of them."""

import errno
import multiprocessing
import os
import pickle
import signal
import threading
import time
from concurrent.futures import BrokenExecutor
from contextlib import suppress

import needs
import pytest
from study_steps import is_alive, script, until
from thinned import one_in
from threadpoolctl import threadpool_info

from explorer.training import TrainingConfig, train
from explorer.training.studies import StudyError, WorkerPool, study
from explorer.training.turns import n_cores


def test_a_call_gives_what_it_returns_or_raises(pool):
    assert pool.submit(divmod, 7, 2).result() == (3, 1)
    assert pool.submit(sorted, [1, 2], reverse=True).result() == [2, 1]
    assert list(pool.map(abs, range(-9, 0))) == list(range(9, 0, -1))
    with pytest.raises(ValueError, match="invalid literal"):
        pool.submit(int, "x").result()
    with pytest.raises(EOFError, match="Ran out of input"):
        pool.submit(pickle.loads, b"").result()
    assert "pickle" in str(pool.submit(threading.Lock).exception())  # what comes back
    assert "pickle" in str(pool.submit(id, threading.Lock()).exception())  # and what goes there
    assert pool.submit(abs, -1).result() == 1


@needs.LINUX
def test_a_server_whose_files_are_gone_says_so(tmp_path, monkeypatch):
    """A kernel runs in a folder of the package, which another installation replaces."""
    (folder := tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(folder)
    with WorkerPool(1) as pool:
        folder.rmdir()
        failure = pool.submit(abs, -1).exception()
    assert isinstance(failure, StudyError)
    assert str(failure).endswith("if nn-explorer was installed again since then, restart the server.")


def test_a_worker_trains_a_large_network_on_its_share_of_the_cores(small_dataset):
    large = TrainingConfig(hidden_sizes=300, batch_size=300, epochs=1, reduction="mean", learning_rate=0.1)
    with WorkerPool(1) as pool:
        before = pool.submit(threading.active_count).result()
        (trial,) = study([large], small_dataset, executor=pool)
        n_helpers = pool.submit(threading.active_count).result() - before
    assert n_helpers == min(n_cores(), 2) - 1
    assert trial.epochs == tuple(train(large, small_dataset))
    with WorkerPool(n_cores()) as one_a_core, WorkerPool(2 * n_cores()) as too_many:
        assert one_a_core.cores_each == too_many.cores_each == 1


@needs.POSIX
def test_a_worker_that_dies_costs_the_call_that_it_was_doing_and_nothing_else():
    with WorkerPool(1) as pool:
        dying, *others = [pool.submit(*call) for call in ((os._exit, 1), (abs, -1), (abs, -2))]
        with pytest.raises(BrokenExecutor):
            dying.result()
        assert [future.result() for future in others] == [1, 2]
        pid = pool.submit(os.getpid).result()
        os.kill(pid, signal.SIGKILL)
        until(lambda: pid not in {process.pid for process in multiprocessing.active_children()})
        assert pool.submit(os.getpid).result() != pid


def test_shutting_down_lets_the_calls_end_first():
    pool = WorkerPool(1)
    futures = [pool.submit(abs, -n) for n in range(20)]
    pool.shutdown(wait=False)
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(abs, -1)
    assert [future.result() for future in futures] == list(range(20))
    pool.shutdown()


def test_an_exception_that_leaves_the_block_ends_the_workers_in_the_middle_of_their_calls():
    before = {*multiprocessing.active_children()}
    with suppress(KeyboardInterrupt), WorkerPool(2) as pool:
        futures = [pool.submit(time.sleep, 1000) for _ in range(5)]
        until(lambda: sum(future.running() for future in futures) == 2)
        raise KeyboardInterrupt
    assert sum(future.cancelled() for future in futures) == 3
    broken = [future.exception() for future in futures if not future.cancelled()]
    assert {type(error) for error in broken} == {BrokenExecutor}
    assert {*multiprocessing.active_children()} == before


@pytest.mark.parametrize("n_died", one_in(3, [1, 0, 3]))
def test_ending_the_workers_while_one_is_replaced_leaves_none(n_died):
    before = {*multiprocessing.active_children()}
    with WorkerPool(2) as pool:
        futures = [pool.submit(os._exit, 1) for _ in range(20)]
        until(lambda: sum(future.done() for future in futures) >= n_died)
        pool.end_workers()
    assert all(future.done() for future in futures)
    assert {*multiprocessing.active_children()} == before


def test_where_no_process_can_be_started_one_sentence_says_so(monkeypatch):
    def start(_process):
        raise OSError(errno.EMFILE, "Too many open files")

    with WorkerPool(1) as pool:
        with monkeypatch.context() as patch:
            patch.setattr("multiprocessing.context.SpawnProcess.start", start)
            failure = pool.submit(abs, -1).exception()
        assert pool.submit(abs, -1).result() == 1
    assert isinstance(failure, StudyError)
    assert str(failure).endswith("the system starts no further process (Too many open files).")


PARENT = """
import os, time
from explorer.training.studies import WorkerPool
if __name__ == "__main__":
    pool = WorkerPool(1)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 1000).result()
"""


@needs.POSIX
def test_workers_end_with_a_killed_parent(tmp_path):
    with script(tmp_path, PARENT) as parent:
        worker = int(parent.stdout.readline())
        assert is_alive(worker)
        parent.kill()
    until(lambda: not is_alive(worker))


EARLY = """
import signal, sys, time
from explorer.training.studies import WorkerPool
if __name__ == "__mp_main__":
    sys.stdout.write("a worker begins\\n")  # with its end in one piece, also where the output isn't buffered
    sys.stdout.flush()
    time.sleep(1)
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started the tests may ignore it
    with WorkerPool(2) as pool:
        pool.submit(abs, -1), pool.submit(abs, -1)
        try:
            time.sleep(1000)
        except KeyboardInterrupt:
            pool.end_workers()
            print("ended", flush=True)
"""


@needs.POSIX
@pytest.mark.slow
def test_workers_leave_ctrl_c_to_their_parent_even_before_they_have_begun(tmp_path):
    with script(tmp_path, EARLY) as parent:
        assert [parent.stdout.readline() for _ in range(2)] == ["a worker begins\n"] * 2
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.communicate(timeout=60) == ("ended\n", "")
    assert parent.returncode == 0


BUSY = """
import time
from explorer.training.studies import WorkerPool
if __name__ == "__main__":
    pool = WorkerPool(2)
    futures = [pool.submit(time.sleep, 1000) for _ in range(5)]
    pool.submit(abs, -1)
    while not futures[1].running(): time.sleep(0.01)
"""


def test_a_program_ends_though_its_pool_is_busy(tmp_path):
    with script(tmp_path, BUSY) as program:
        assert program.communicate(timeout=60) == ("", "")
    assert program.returncode == 0


def test_workers_hold_blas_to_one_thread_and_the_parent_keeps_its_own(pool):
    before = os.environ.get("OPENBLAS_NUM_THREADS")
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        assert pool.submit(os.getenv, name).result() == "1"
    pool.submit(TrainingConfig).result()  # NumPy is there by now
    libraries = pool.submit(threadpool_info).result()
    assert libraries
    assert {library["num_threads"] for library in libraries} == {1}
    assert os.environ.get("OPENBLAS_NUM_THREADS") == before
