"""A Dask cluster of processes on this machine, as `dask scheduler` and `dask worker` start them elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec

import pytest
from needs import needs

THERE = find_spec("distributed") is not None
CLUSTER = needs("dask[distributed], the extra `cluster`", THERE)
collect_ignore_glob = [] if THERE else []


class Cluster:
    """A scheduler and its workers, each a process with one thread."""

    def __init__(self, folder):
        self._folder = folder
        self._processes = {}
        self.scheduler = self._start("scheduler", "scheduler", "--port", "0")
        self.address = self._said("scheduler", "Scheduler at:").split()[-1]

    def start_worker(self, name, *options, wait=True):
        """Add a worker and wait until the scheduler has it."""
        more = "--no-nanny", "--nthreads", "1", "--name", name, "--local-directory", self._folder
        self._start(name, "worker", self.address, *more, *options)
        if wait:
            self._said(name, "Registered to:")

    def kill(self, name, with_signal=signal.SIGKILL):
        process = self._processes[name]
        process.send_signal(with_signal)
        self.wait(name)

    def wait(self, name):
        """Wait until a process has ended, and return its code."""
        return self._processes[name].wait(timeout=30)

    def close(self):
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()

    def log(self, name):
        return (self._folder / f"{name}.log").read_text(encoding="utf-8")
