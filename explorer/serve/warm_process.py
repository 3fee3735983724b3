"""The process that kernels are forked from: it has imported what they need and trained the run they open with.

``python -P -m explorer.serve.warm_process SOCKET MODULE`` imports the module. Then it reads from an open socket
what to start, a line each: a kernel's command, environment variables and folder in JSON, until the socket's other
end is closed. The first kernel, whose visitor may be waiting, is forked at once and trains the opening run itself;
then the module's `warm_up`, if any, does that for all others. A kernel is forked twice, so that it is the server's
child, which hears how it ends: it outlives this process and not the server. It answers with its process's number.
There is no thread and no context of ZeroMQ's here, for a fork would leave them broken. Linux alone.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from select import select
from types import ModuleType

import numpy as np

from explorer.serve.environment import SLOW_GRAMMAR, skip_module

LAUNCHER = "ipykernel_launcher"  # stands in a kernel's command before the arguments of `IPKernelApp`
ROOM_FOR_COMMAND = " " * 600  # a last argument: kernels write their own command line over it, for ``ps``

QUIET_SECONDS = 2.5
"""A page that has just come has this time to draw before anything is made ready for the next visitor: two seconds
of work would be taken from the page's. Whoever comes meanwhile ends the pause."""

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

_KERNEL_MODULES = (
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "psutil",
    "tornado.platform.asyncio",
)
"""What each kernel imports while it starts and as it waits for its visitor."""

_FORKED = (
    "--IPKernelApp.parent_handle=1",  # it need not watch its parent
    "--IPKernelApp.extensions=ipywidgets",  # what ipywidgets does when a kernel imports it
)


def adopt_orphans(adopts: bool) -> None:
    """Let a process whose parent ends become a child of this one, or of the system's first as is usual."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(adopts), 0, 0, 0)


def main() -> None:
    """Fork kernels as the socket asks; in a kernel, run it to its end."""
    server, connection, is_warm = os.getppid(), socket.socket(fileno=int(sys.argv[1])), False
    gc.disable()
    module = _load(sys.argv[2])
    _freeze()
    with connection, connection.makefile("r", encoding="utf-8") as requests:
        request = ""
        while not request and (asked := requests.readline()):
            if _is_kernel(server, connection):
                request = asked
            elif not is_warm:
                select([connection], [], [], QUIET_SECONDS)  # or until the next visitor is here
                getattr(module, "warm_up", lambda: None)()
                _freeze()
                is_warm = True
    if request:
        _run_kernel(*json.loads(request))


def _load(module: str) -> ModuleType:
    """Import what each kernel would, and return the module."""
    skip_module(SLOW_GRAMMAR)
    skip_module("debugpy")  # no page may debug; a third of what a kernel computes until it is ready
    skip_module("nbformat")  # Plotly would load it for `Figure.show`, which no page calls
    for name in _KERNEL_MODULES:
        importlib.import_module(name)
    return importlib.import_module(module)


def _freeze() -> None:
    """See that kernels can be forked, and that they share what is in memory by now."""
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208  # a name each is all that is asked
        sys.exit("nn-explorer: a thread is in the way of forking kernels")
    gc.collect()
    gc.freeze()


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
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    is_adopted = os.getppid() == server  # else it is over, or may not adopt
    try:
        connection.sendall(f"{os.getpid()}\n".encode() if is_adopted else b"not adopted\n")
    except OSError:  # the server ends, and asks no more
        is_adopted = False
    if not is_adopted:
        os._exit(1)
    return True


def _run_kernel(command: list[str], environment: dict[str, str], folder: str) -> None:
    _show_command(command)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    np.random.seed()  # noqa: NPY002  # what a notebook draws from NumPy's own generator differs from kernel to kernel
    gc.enable()
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance([*command[command.index(LAUNCHER) + 1 :], *_FORKED])


def _show_command(command: list[str]) -> None:
    """Write a command line over this process's own, as far as there is room (proc(5), ``arg_start``)."""
    with suppress(OSError, ValueError):
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        start, end = map(int, fields[45:47])
        if 0 < start < end:
            shown = b"\0".join(map(os.fsencode, command))[: end - start - 1]
            ctypes.memmove(start, shown.ljust(end - start, b"\0"), end - start)


if __name__ == "__main__":
    main()
