"""Servers in processes of their own, and what the system tells of those: kernels, work, memory.

A page counts as preheated only if its kernel had run the notebook and had come to rest before the page was asked
for; the figures come from Linux' ``/proc``.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

SERVE_PAGE = Path(__file__).parents[1] / "browser" / "serve_page.py"
REST_SECONDS = 0.4
"""Whoever computes for less than a twentieth of this time, twice one after the other, is at rest."""

LEAST_SECONDS = 0.15
"""A kernel that has computed for less has not run the notebook, wherever it was forked from."""


@dataclass
class Served:
    """A server that listens at an address, and the kernels that it keeps."""

    url: str
    process: subprocess.Popen[str]
    taken: set[str] = field(default_factory=set)
    """Kernels that a page has had."""

    def kernels(self) -> dict[str, int]:
        """Return the process of each kernel, by the kernel's name."""
        found = {}
        for pid in family(self.process.pid):
            if match := re.search(r"kernel-([0-9a-f-]{36})\.json", read(pid, "cmdline")):
                found[match[1]] = pid
        return found

    def warm(self) -> set[str]:
        """Return the kernels that no page has had and that have run the notebook."""
        untaken = {name: pid for name, pid in self.kernels().items() if name not in self.taken}
        return {name for name, pid in untaken.items() if cpu_seconds(pid) > LEAST_SECONDS}

    def take(self, kernel: str, warm: set[str]) -> None:
        """Note that a page has had a kernel; it has to be one of `warm`."""
        if kernel not in warm:
            raise RuntimeError(f"the page of {self.url} came with a kernel that was not ready")
        self.taken.add(kernel)

    def megabytes(self) -> float:
        """Return the memory of the server and its kernels."""
        return mebibytes_of(family(self.process.pid))

    def seconds(self) -> float:
        """Return the computing of the server and its kernels until now."""
        return sum(map(cpu_seconds, family(self.process.pid)))


def wait_until_warm(*servers: Served, seconds: float = 120) -> None:
    """Wait until each server has a kernel that is ready and that no page has had, and none computes any more."""
    deadline, rests = time.monotonic() + seconds, 0
    while rests < 2:
        if time.monotonic() > deadline:
            urls = ", ".join(server.url for server in servers)
            raise TimeoutError(f"{urls}: not at rest with a kernel that is ready after {seconds:.0f} s")
        before = {pid: cpu_seconds(pid) for server in servers for pid in family(server.process.pid)}
        time.sleep(REST_SECONDS)
        passed = sum(max(0.0, cpu_seconds(pid) - cpu) for pid, cpu in before.items())  # some have ended
        states = {read(pid, "stat").rpartition(")")[2][1:2] for pid in before}
        at_rest = passed < REST_SECONDS / 20 and "R" not in states
        rests = rests + 1 if at_rest and all(server.warm() for server in servers) else 0


def read(pid: int, name: str) -> str:
    """Return a file of a process, empty if the process is gone."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def family(root: int) -> set[int]:
    """Return a process and all that descend from it."""
    return {root, *(process.pid for process in psutil.Process(root).children(recursive=True))}


def mebibytes_of(pids: set[int]) -> float:
    """Return the memory of processes; pages that several map are shared out among them."""
    lines = [line for pid in pids for line in read(pid, "smaps_rollup").splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, and of its children that have ended; 0 if it has ended itself."""
    try:
        return sum(psutil.Process(pid).cpu_times()[:4])
    except psutil.NoSuchProcess:
        return 0.0


@contextmanager
def started(command: list[str], port: int | None = None, **environment: str) -> Iterator[Served]:
    """Run a server; its address is in its first line of output, or it listens on `port`."""
    with subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.DEVNULL if port else subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            if port is None:
                line = process.stdout.readline() if process.stdout else ""
                url = next((word for word in line.split() if word.startswith("http")), "")
            else:
                url = f"http://127.0.0.1:{port}/"
                wait_for_port(port)
            if not url:
                raise RuntimeError(f"{' '.join(command)} does not say where it listens")
            yield Served(url, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def wait_for_port(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port} after {seconds} s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def explorer(*options: str, **environment: str) -> AbstractContextManager[Served]:
    """Run the app as people start it, with further options, and variables of its environment."""
    return started(["-m", "explorer", "--no-browser", "--port", "0", *options], **environment)


def own_page(notebook: Path) -> AbstractContextManager[Served]:
    """Run a notebook with the explorer's page."""
    return started([str(SERVE_PAGE), str(notebook)])


def stock_voila(notebook: Path) -> AbstractContextManager[Served]:
    """Run a notebook with Voilà as it comes, with one preheated kernel."""
    port = free_port()
    options = ["--no-browser", f"--port={port}", "--preheat_kernel=True", "--pool_size=1"]
    return started(["-m", "voila", str(notebook), *options], port)
