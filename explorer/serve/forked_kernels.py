"""Kernels forked from a process that has imported all they need; if forking fails, they start as usual."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Mapping

from explorer.serve.warm_process import ROOM_FOR_COMMAND, adopt_orphans

_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_PATIENCE = 60.0  # seconds

_log = logging.getLogger(__name__)


class WarmProcess:
    """The server's end of `explorer.serve.warm_process`, which it restarts whenever the process has ended.

    The `environment` is the process's; each kernel gets its own.
    """

    def __init__(self, environment: Mapping[str, str], prepared: str) -> None:
        self._prepared = prepared
        self._environment = {**environment, **dict.fromkeys(_ONE_THREAD, "1")}
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
        command = [sys.executable, "-P", "-m", "explorer.serve.warm_process"]
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), self._prepared, ROOM_FOR_COMMAND],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

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
