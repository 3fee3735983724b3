"""Which processes a process has started, on Linux, and what one shows on a terminal."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir


def own_megabytes():
    """The memory of this process and those it has started, without what they share, and what is unused freed."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = 0
    for pid in (os.getpid(), *children(os.getpid())):
        with suppress(OSError):
            _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()
            pages += int(resident) - int(shared)
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def children(pid):
    """The processes that it has started itself; some may end while this looks."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
            found += [int(process.name)] if int(parent) == pid else []
    return found


def descendants(pid):
    """Those, and the ones that they have started."""
    return [found for child in children(pid) for found in (child, *descendants(child))]


def kernel_processes(pid):
    """Those of a server's kernels, which show a kernel's command line."""
    found = {child: Path(f"/proc/{child}/cmdline") for child in children(pid)}
    return {child for child, path in found.items() if path.exists() and b"kernel-" in path.read_bytes()}


def kernel_process(kernel_id):
    """The process of a server's kernel, however it was started: the one that listens on its port."""
    found, folder = [], Path(gettempdir())
    for place in (folder, *folder.glob("nn-explorer-*")):
        with suppress(OSError):  # it has just ended
            found += place.glob(f"voila_*/kernel-{kernel_id}.json")
    (connection,) = found
    port = json.loads(connection.read_text(encoding="utf-8"))["shell_port"]
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="utf-8").splitlines()[1:]]
    (socket,) = (f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A")
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(str(file.readlink()) == socket for file in (process / "fd").iterdir()):
                return int(process.name)
    raise ProcessLookupError(kernel_id)


def on_a_terminal(command):
    """What a command shows on a terminal 100 columns wide, without colours and movements; for POSIX."""
    import pty

    screen, stdout = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, stdout=stdout, env=environment) as process:
        os.close(stdout)
        text = b""
        with suppress(OSError):  # the other end is closed
            while True:
                text += os.read(screen, 65536)
        os.close(screen)
    assert process.returncode == 0
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.decode()).replace("\r", "\n")
