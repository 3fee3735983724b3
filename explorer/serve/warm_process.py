"""The process that kernels are forked from: it has imported what they need and trained the run they open with.

``python -P -m explorer.serve.warm_process SOCKET`` reads a `KernelRequest` a line from an open socket, until the
socket's other end is closed. A kernel is forked twice, so that it is a child of the server, which hears how it
ends: it outlives this process and not the server. It answers with its process's number. There is no thread and
no context of ZeroMQ's here, for a fork would leave them broken. Linux alone.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from explorer.serve.surroundings import skip_slow_grammar

__all__ = ["ROOM_FOR_COMMAND", "KernelRequest", "adopt_orphans", "main"]

ROOM_FOR_COMMAND = " " * 600
"""A last argument for this process: kernels write their own command line over it, for ``ps`` to show."""

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

_FORKED = (
    "--IPKernelApp.parent_handle=1",  # it need not watch its parent
    "--IPKernelApp.extensions=ipywidgets",  # what ipywidgets does when a kernel imports it
)


@dataclass(frozen=True, slots=True)
class KernelRequest:
    """What a kernel is started with."""

    command: Sequence[str]
    """The command line of a plain start."""
    arguments: Sequence[str]
    """Those of `IPKernelApp` in it."""
    environment: dict[str, str]
    """All its environment variables."""
    folder: str
    """Its working folder."""

    def line(self) -> bytes:
        """Return the request as the process reads it."""
        return json.dumps(asdict(self)).encode() + b"\n"


def adopt_orphans(adopts: bool) -> None:
    """Let a process whose parent ends become a child of this one, or of the system's first as is usual."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(adopts), 0, 0, 0)


def main() -> None:
    """Fork kernels as the socket asks; in a kernel, run it to its end."""
    server, connection = os.getppid(), socket.socket(fileno=int(sys.argv[1]))
    gc.disable()
    _prepare()
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208  # a name each is all that is asked
        sys.exit("nn-explorer: a thread is in the way of forking kernels")
    gc.collect()
    gc.freeze()
    with connection, connection.makefile("r", encoding="utf-8") as requests:
        for line in requests:
            if kernel := _forked(KernelRequest(**json.loads(line)), server, connection):
                break
        else:
            return
    _run_kernel(kernel)


def _prepare() -> None:
    """Do once what each kernel would do."""
    skip_slow_grammar()
    import ipykernel.ipkernel
    import ipykernel.kernelapp  # noqa: F401
    import voila.utils  # noqa: F401  # `wait_for_visitor` needs it

    from explorer.serve.opening_app import warm_up

    warm_up()


def _forked(request: KernelRequest, server: int, connection: socket.socket) -> KernelRequest | None:
    """Fork a kernel; return None here, and in the kernel what it was asked for."""
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return None
    between = os.getpid()
    if os.fork():
        os._exit(0)
    os.setsid()
    while os.getppid() == between:
        time.sleep(0.0005)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != server:
        os._exit(1)
    connection.sendall(f"{os.getpid()}\n".encode())
    return request


def _run_kernel(request: KernelRequest) -> None:
    _show_command(request.command)
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    random.seed()
    np.random.seed()  # noqa: NPY002  # what a notebook draws from NumPy's own generator differs from kernel to kernel
    gc.enable()
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance([*request.arguments, *_FORKED])


def _show_command(command: Sequence[str]) -> None:
    """Write a command line over this process's own, as far as there is room (proc(5), ``arg_start``)."""
    with suppress(OSError, ValueError):
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        start, end = map(int, fields[45:47])
        if 0 < start < end:
            shown = b"\0".join(map(os.fsencode, command))[: end - start - 1]
            ctypes.memmove(start, shown.ljust(end - start, b"\0"), end - start)


if __name__ == "__main__":
    main()
