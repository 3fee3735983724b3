"""What a process may ask of Linux: that its children end with it, and that it adopts and finds their children."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

_LONGEST_END = 5.0  # seconds; a process that can't be killed is left
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 1, 4, 36


def control(option: int, value: int) -> None:
    """Set an option of this process, on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, int(value), 0, 0, 0)


def end_with_parent(number: int = signal.SIGKILL) -> None:
    """Get a signal when the parent ends."""
    control(_PR_SET_PDEATHSIG, number)


def adopt_orphans(adopts: bool = True) -> None:
    """Adopt orphaned descendants as children of this process, or leave them to init as usual."""
    control(_PR_SET_CHILD_SUBREAPER, adopts)


def show_environment(shows: bool) -> None:
    """Let other processes of the same user read this one's environment, or none but root's."""
    control(_PR_SET_DUMPABLE, shows)


def descendants(pid: int) -> list[int]:
    """Return the process ids of all descendants; those that are just starting or ending may be missing."""
    found = list[int]()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            children = map(int, task.read_text().split())
            found += [one for child in children for one in (child, *descendants(child))]
    return found


def end_all(find: Callable[[], Iterable[int]]) -> None:
    """Kill the processes that are found, until there are none."""
    latest = time.monotonic() + _LONGEST_END
    while time.monotonic() < latest and (pids := [*find()]):
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):  # it is not this process's own
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.001)
