"""A visitor's share of a server's resources: queued access to its cores, and a limit on time.

All processes that train on a server share a folder. To train, a process puts a ticket there, a locked file named
by the time. The first tickets, one for each core, have a turn; the others have a position in the queue. After a
second of training a ticket is replaced by a new one at the end of the queue. If a process dies, its lock is
released at once, and so is its turn.

A visitor's seat is a kernel and the worker processes of its study. They share its turn: a seat gets a second core
only while no other seat wants one. Its limit on minutes applies to all these processes together.
"""

import json
import os
import sys
import tempfile
import time
from itertools import takewhile
from pathlib import Path
from typing import Any

from explorer.training.turns import NOBODY, TURNS, VISITED, n_cores, patience
from explorer.wording import counted

if sys.platform != "win32":
    import fcntl

_STALE_SECONDS = 10.0  # a ticket not refreshed for so long belongs to a suspended process


class Share:
    """One visitor's share of a server. It has one ticket at a time, so each training thread needs its own.

    The server's processes share a `folder`: its subfolder `line` has the tickets, `pages` a file for each kernel
    whose page is connected. At most `cores` train at once, by default one on each. A training is limited to
    `minutes` of computing, if given. The shares with one `kernel_id` belong to one seat; without it, each is a
    seat. Once `VISITED` is set, nothing is trained before the page connects, or `hold_seconds` after it
    disconnects. After `slice_seconds` a training goes to the end of the queue.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        cores: int | None = None,
        minutes: float | None = None,
        kernel_id: str = "",
        hold_seconds: float = 30.0,
        slice_seconds: float = 1.0,
    ) -> None:
        self._line = Path(folder) / "line"
        self._page = Path(folder) / "pages" / kernel_id if kernel_id else None
        self._seat = kernel_id.replace("-", "")
        self._cores, self._minutes = cores or n_cores(), minutes
        self._hold_seconds, self._slice_seconds = hold_seconds, slice_seconds
        self._ticket: Path | None = None
        self._descriptor = -1
        self._turn_since: float | None = None
        self._seen: float | None = None

    def place(self) -> int:
        """Join the queue or stay in it, at least every second; return 0 for a turn, 1 for next, or `NOBODY`."""
        try:
            if self._is_left():
                return NOBODY
            return 0 if sys.platform == "win32" else self._place()  # no queue without file locks
        except OSError:  # a full disk, or the server has ended: don't wait for that
            return 0

    def wait(self) -> None:
        """Wait for a turn."""
        while place := self.place():
            time.sleep(patience(place))

    @property
    def has_others(self) -> bool:
        """Whether others are on the server: more pages than one are connected."""
        pages = self._line.with_name("pages")
        return pages.is_dir() and len([*pages.iterdir()]) > 1

    def leave(self) -> None:
        """Give up the turn, or the position in the queue."""
        if self._ticket is not None:
            self._ticket.unlink(missing_ok=True)
            os.close(self._descriptor)
        self._ticket = self._turn_since = None

    def place_of_workers(self) -> int:
        """Return the queue position of this process's workers; 0 if one of them has a turn or none wants any."""
        line = [name for name in self._in_order() if _is_live(self._line / name)]
        places = [n for n, name in enumerate(line) if name.split("-")[1] == str(os.getpid())]
        return max(0, places[0] - self._cores + 1) if places else 0

    def limit(self, seconds: float) -> str:
        """Return why a training must end after `seconds`; empty to continue."""
        if self._minutes is None or seconds <= 60 * self._minutes:
            return ""
        return f"It has trained for {counted(round(self._minutes), 'minute')}, the limit of this server."

    def _place(self) -> int:
        if self._ticket is None:
            self._line_up()
        now, mine = time.monotonic(), self._ticket.name if self._ticket else ""
        before = takewhile(lambda name: name != mine, self._in_order())
        ahead = sum(_is_live(self._line / name) for name in before)
        if ahead >= self._cores:
            self._turn_since = None
            self._touch()
            return ahead - self._cores + 1
        self._turn_since = self._turn_since or now
        if now - self._turn_since > self._slice_seconds:
            self.leave()
            return self._place()
        self._touch()
        return 0

    def _line_up(self) -> None:
        """Add a ticket at the end of the queue; it is locked before it is renamed, or it would count as dead."""
        self._descriptor, made = tempfile.mkstemp(prefix=".", dir=self._line)
        self._ticket = Path(made)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._touch()
        seat = self._seat or self._ticket.name
        name = f"{time.monotonic_ns():020d}-{os.getppid()}-{seat}-{self._ticket.name}"
        self._ticket = self._ticket.rename(self._line / name)

    def _in_order(self) -> list[str]:
        """Return the tickets in queue order: one of each seat before the second of any.

        A seat's newest ticket determines its position: after a second of training all its tickets go to the end.
        """
        names = sorted(ticket.name for ticket in self._line.iterdir() if not ticket.name.startswith("."))
        seats: dict[str, list[str]] = {}
        for name in names:
            seats.setdefault(name.split("-")[2], []).append(name)
        places = [(n, own[-1], name) for own in seats.values() for n, name in enumerate(own)]
        return [name for _, _, name in sorted(places)]

    def _touch(self) -> None:
        """Refresh the ticket's time stamp, by a clock that is never set back."""
        os.utime(self._descriptor, (time.monotonic(), time.monotonic()))

    def _is_left(self) -> bool:
        """Return whether a required page is not connected; if so, give up the position in the queue."""
        if self._page is None or VISITED not in os.environ:
            return False
        if self._page.exists():
            self._seen = time.monotonic()
        elif self._seen is None or time.monotonic() - self._seen > self._hold_seconds:
            self.leave()
            return True
        return False


def _is_live(ticket: Path) -> bool:
    """Return whether a ticket's owner is alive and refreshing it; delete the ticket of a dead one."""
    try:
        with ticket.open("rb") as file:
            touched = os.fstat(file.fileno()).st_mtime
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return time.monotonic() - touched < _STALE_SECONDS
    except FileNotFoundError:
        return False
    ticket.unlink(missing_ok=True)
    return False


def share_variables(folder: Path, **limits: Any) -> dict[str, str]:
    """Return the environment variable that gives a kernel its `Share` of a server with these parameters."""
    return {TURNS: json.dumps([f"{__name__}:Share", {"folder": str(folder), **limits}])}
