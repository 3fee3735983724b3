"""Watches one submission, on Linux: what its processes use together, and that none of them is left at its end.

``python -m explorer.extensions.grading.warden MEGABYTES COMMAND …`` runs the command. Its environment is the
submission's, so there is nothing more in the parent's.
"""

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, Popen

from explorer.serve.environment import adopt_orphans, end_with_parent

TOO_LARGE, TOO_MANY = 3, 4  # exit codes
MOST_PROCESSES = 64
_POLL_SECONDS = 0.1
_LONGEST_END = 5.0  # seconds; a process that can't be killed is left
_NAMED = re.compile(r"/dev/shm/.+(?<! \(deleted\))$", re.MULTILINE)
_ANONYMOUS, _COMMON = (re.compile(rf"^Pss_{kind}: +(\d+) kB", re.MULTILINE) for kind in ("Anon", "Shmem"))


def main() -> None:
    """Run the command that follows the limit, until it ends or its processes use more than they may."""
    most, code, shared = int(sys.argv[1]) << 20, 0, set[str]()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    end_with_parent(signal.SIGTERM)
    adopt_orphans()
    with Popen(sys.argv[2:], stdin=DEVNULL, start_new_session=True) as process:
        try:
            while code == 0 and _still_runs(process.pid):
                pids = descendants(os.getpid())
                shared.update(_shared_by(pids))
                code = TOO_MANY if len(pids) > MOST_PROCESSES else TOO_LARGE * (_used(pids, shared) > most)
        finally:
            shared.update(_shared_by(descendants(os.getpid())))
            end_all(lambda: descendants(os.getpid()))
            for path in shared:
                Path(path).unlink(missing_ok=True)
    sys.exit(code)


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


def _still_runs(pid: int) -> bool:
    """Wait a moment, and return whether a child has neither ended nor stopped, as a submission does at its end."""
    time.sleep(_POLL_SECONDS)
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is None


def _used(pids: Iterable[int], shared: Iterable[str]) -> int:
    """Return the bytes of memory that processes use together; what several of them share counts once."""
    files, own, common = dict[tuple[int, int], int](), 0, 0
    for path in (*map(Path, shared), *(file for file, _ in _open_in_memory(pids))):
        with suppress(OSError):
            found = path.stat()
            files[found.st_dev, found.st_ino] = 512 * found.st_blocks
    for pid in pids:
        with suppress(OSError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            own += sum(map(int, _ANONYMOUS.findall(text)))
            common += sum(map(int, _COMMON.findall(text)))
    return 1024 * own + max(1024 * common, sum(files.values()))


def _shared_by(pids: Iterable[int]) -> Iterator[str]:
    """Yield the paths of named shared memory that processes have mapped or opened."""
    for pid in pids:
        with suppress(OSError):
            yield from _NAMED.findall(Path(f"/proc/{pid}/maps").read_text(errors="surrogateescape"))
    for _, name in _open_in_memory(pids):
        yield from _NAMED.findall(name)


def _open_in_memory(pids: Iterable[int]) -> Iterator[tuple[Path, str]]:
    """Yield the open files of processes that are in memory, which may have no name any more, with their names."""
    for pid in pids:
        with suppress(OSError):
            for file in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    if (name := str(file.readlink())).startswith(("/dev/shm/", "/memfd:")):
                        yield file, name


if __name__ == "__main__":
    main()
