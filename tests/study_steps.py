"""What tests of studies share: runs that take no time, executors that count, and processes to be watched."""

import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from reference_runs import diverging

from explorer.training import TrainingConfig
from explorer.training.studies import WorkerPool
from explorer.training.studies.journal import Journal

SMALL = TrainingConfig(hidden_sizes=(8,), epochs=2, n_train=100)
ENDLESS = TrainingConfig(hidden_sizes=(512,), batch_size=1, epochs=500)
DIVERGING = diverging(TrainingConfig(initializer="he", epochs=20, n_train=103, batch_size=103, seed=3))


class Counting:
    """Of an executor: remembers each config that it is given, and its future."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.begun, self.futures = [], []

    def submit(self, function, config, *others):
        future = super().submit(function, config, *others)
        self.begun.append(config)
        self.futures.append(future)
        return future


class CountingThreads(Counting, ThreadPoolExecutor):
    pass


class CountingPool(Counting, WorkerPool):
    pass


def by_config(trials):
    trials = list(trials)
    assert len({trial.config for trial in trials}) == len(trials)
    return {trial.config: trial for trial in trials}


def journal_content(trials, dataset):
    """The journal of these trials."""
    with tempfile.TemporaryDirectory() as folder:
        with Journal(path := Path(folder, "it.jsonl"), dataset) as journal:
            for trial in trials:
                journal.add(trial)
        return path.read_bytes()


def until(condition, seconds=60, words="it does not come"):
    """Wait for a condition that other processes bring about, and return what it gives."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, words
        time.sleep(0.01)
    return found


def is_alive(pid):
    """Whether a process is there, and more than an entry for a parent that hasn't looked yet."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


@contextmanager
def script(folder, source):
    """A script in a process of its own, at the head of a session, to be killed by the test, or else here."""
    (path := folder / "script.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-W", "error", path]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, start_new_session=True) as process:
        try:
            yield process
        except BaseException:  # which would wait for the end of a process that goes on
            process.kill()
            raise
