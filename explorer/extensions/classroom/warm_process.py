"""The process that kernels are forked from: it has imported what they need, and made their opening app once.

The server's end is a `WarmProcess`; if forking fails, kernels start as usual. A page waits for this process
longest, so it starts first, and this module imports the standard library alone. The process itself is this module,
run with SOCKET MODULE. It imports the module, then reads lines of JSON from an open socket until the other end
closes it. The first has environment variables, with which the module's `warm_up`, if any, is called. Each further
one is a request: a kernel's command, environment variables and folder. A double fork makes the kernel a child of
the server, which is notified of its exit: it outlives this process but not the server. The reply is the kernel's
process ID. A fork would break threads and ZeroMQ contexts, so there are none here. Linux only.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import importlib
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from explorer.serve.environment import SLOW_GRAMMAR, adopt_orphans, end_with_parent, skip_module

LAUNCHER = "ipykernel_launcher"  # precedes the arguments of `IPKernelApp` in a kernel's command
ROOM_FOR_COMMAND = " " * 600  # a last argument that kernels overwrite with their own command line, for ``ps``


_KERNEL_MODULES = (
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "psutil",
    "tornado.platform.asyncio",
)
"""Modules that each kernel imports while it starts and as it waits for its visitor."""

_FORKED = (
    "--IPKernelApp.parent_handle=1",  # it need not watch its parent
    "--IPKernelApp.extensions=ipywidgets",  # as ipywidgets does when a kernel imports it
)

_PATIENCE = 60.0  # seconds
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

_log = logging.getLogger(__name__)


class WarmProcess:
    """The server's end of the process, restarted whenever it has ended; `prepared` is the module."""

    def __init__(self, environment: Mapping[str, str], prepared: str) -> None:
        self._prepared = prepared
        self._environment = {**environment, **dict.fromkeys(_ONE_THREAD, "1")}
        self._variables: dict[str, str] | None = None
        self._asking = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._has_forked = sys.platform == "linux"

    @property
    def pid(self) -> int | None:
        """The process ID; None if there is no process."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process, unless this isn't Linux or the last one never forked a kernel."""
        if not self._has_forked:
            return
        self._has_forked = False
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        command = [sys.executable, "-P", "-m", "explorer.extensions.classroom.warm_process"]
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), self._prepared, ROOM_FOR_COMMAND],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        if self._variables is not None:
            self.warm_up(self._variables)

    def warm_up(self, variables: Mapping[str, str]) -> None:
        """Give the process further environment variables, which its opening app needs; it forks none before."""
        self._variables = dict(variables)
        if self._process is not None:
            with suppress(OSError):  # it has ended: `fork` will find out
                self._socket.sendall(json.dumps(self._variables).encode() + b"\n")

    def close(self) -> None:
        """Kill the process; its kernels continue."""
        if self._process is not None:
            self._socket.close()
            self._process.kill()
            self._process.wait()
            self._process = None

    async def fork(
        self, command: list[str], environment: Mapping[str, str], folder: str
    ) -> ForkedProcess | None:
        """Return a new kernel's process; None if forking fails."""
        async with self._asking:
            if self._process is None:
                self.start()
            if self._process is None:
                return None
            try:
                request = json.dumps([command, dict(environment), folder])
                pid = await asyncio.wait_for(self._ask(request.encode() + b"\n"), _PATIENCE)
            except (OSError, ValueError):  # it was killed, or doesn't answer
                _log.warning("What kernels are forked from is gone; the next is started as usual.")
                self.close()
                self.start()
                return None
            except asyncio.CancelledError:
                self.close()  # a late reply would be mistaken for the next one
                raise
            self._has_forked = True
            return ForkedProcess(pid)

    async def _ask(self, request: bytes) -> int:
        loop = asyncio.get_running_loop()
        adopt_orphans(True)
        try:
            await loop.sock_sendall(self._socket, request)
            return int(await loop.sock_recv(self._socket, 32))
        finally:
            adopt_orphans(False)


class ForkedProcess:
    """A child forked by another process, with the part of `subprocess.Popen` that `LocalProvisioner` uses."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal's; None while the process runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    wait = poll

    def send_signal(self, number: int) -> None:
        """Send a signal, if the process still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


def main() -> None:
    """Fork kernels on request; in a kernel, run it until it ends."""
    server, connection = os.getppid(), socket.socket(fileno=int(sys.argv[1]))
    gc.disable()
    skip_module(SLOW_GRAMMAR)
    skip_module("debugpy")  # no page may debug; a third of a kernel's startup time
    skip_module("nbformat")  # Plotly would load it for `Figure.show`, which no page calls
    for name in _KERNEL_MODULES:
        importlib.import_module(name)
    module, request = importlib.import_module(sys.argv[2]), None
    with connection, connection.makefile("r", encoding="utf-8") as lines:
        if variables := lines.readline():  # empty if the server has ended
            os.environ.update(json.loads(variables))
            getattr(module, "warm_up", lambda: None)()
            if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208  # only the count matters
                sys.exit("nn-explorer: a thread is in the way of forking kernels")
            gc.collect()
            gc.freeze()  # so that kernels share the memory of these objects
            request = next((line for line in lines if _is_kernel(server, connection)), None)
    if request is not None:
        _run_kernel(*json.loads(request))


def _is_kernel(server: int, connection: socket.socket) -> bool:
    """Fork a kernel; return False here, and True in the kernel."""
    if between := os.fork():
        os.waitpid(between, 0)
        return False
    between = os.getpid()
    if os.fork():
        os._exit(0)
    os.setsid()
    while os.getppid() == between:
        time.sleep(0.0005)
    end_with_parent()
    is_adopted = os.getppid() == server  # else it is over, or may not adopt
    try:
        connection.sendall(f"{os.getpid()}\n".encode() if is_adopted else b"not adopted\n")
    except OSError:  # the server is shutting down, and sends no more requests
        is_adopted = False
    if not is_adopted:
        os._exit(1)
    return True


def _run_kernel(command: list[str], environment: dict[str, str], folder: str) -> None:
    with suppress(OSError, ValueError):
        # Overwrite this process's command line, as far as there is room (proc(5), ``arg_start``).
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        start, end = map(int, fields[45:47])
        if 0 < start < end:
            shown = b"\0".join(map(os.fsencode, command))[: end - start - 1]
            ctypes.memmove(start, shown.ljust(end - start, b"\0"), end - start)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.modules["numpy"].random.seed()  # so that NumPy's global generator differs between kernels
    gc.enable()
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance([*command[command.index(LAUNCHER) + 1 :], *_FORKED])


if __name__ == "__main__":
    main()
