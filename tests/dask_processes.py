"""A Dask cluster of processes on this machine, started by the commands that start one on many."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager

PATIENCE = 60
WITHOUT_EXPLORER = """
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "explorer":
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Nothing())
"""
OF_ANOTHER_VERSION = """
from explorer.training.studies import trials
trials.version = lambda _: "0.0.1"
"""
DEADLY = """
import os
from explorer.training.run import TrainingRun
from explorer.training.studies import trials

def deadly(config, dataset, **options):
    if config.seed == 13:
        os._exit(1)
    return TrainingRun(config, dataset, **options)

trials.TrainingRun = deadly
"""


class Cluster:
    """A scheduler, on which explorer isn't installed, and workers, each a process with one thread."""

    def __init__(self, folder, *, port=0, **environment):
        self.folder, self.processes = folder, {}
        self._file = folder / "scheduler.json"
        self._file.unlink(missing_ok=True)
        self._start("scheduler", "scheduler", WITHOUT_EXPLORER, "--port", str(port), **environment)

    def connect(self, **options):
        """A client, once the scheduler is there."""
        from dask.distributed import Client

        return Client(scheduler_file=str(self._file), **{"timeout": PATIENCE} | options)

    def add(self, name, preload=""):
        """Add a worker; it registers with the scheduler in a second or two."""
        options = "--no-nanny", "--nthreads=1", f"--name={name}", f"--local-directory={self.folder}"
        self._start("worker", name, preload, *options)

    def kill(self, *names):
        for name in names:
            self.processes[name].kill()
        for name in names:
            self.wait(name)

    def wait(self, name):
        """Return the code with which a process has ended, when it has."""
        code = self.processes[name].wait(PATIENCE)
        del self.processes[name]
        return code

    def _start(self, kind, name, preload, *options, **environment):
        if preload:
            script = self.folder / f"{name}_preload.py"
            script.write_text(preload, encoding="utf-8")
            options += "--preload", str(script)
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--host", "127.0.0.1", "--no-dashboard",
                 "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(self._file), *options],
                stdout=log, stderr=log, cwd=self.folder, env={**os.environ, **environment},
            )  # fmt: skip


@contextmanager
def started(folder, **options):
    """A cluster that ends with the test, whatever happens."""
    cluster = Cluster(folder, **options)
    try:
        yield cluster
    finally:
        cluster.kill(*cluster.processes)
