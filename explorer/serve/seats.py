"""Seats: the number of visitors at once, who has a seat, who is in the queue, and when a seat is freed.

A seat is a kernel. It ends when its page is closed, or when this module's watchdog finds the page gone, even if
the kernel is busy: Jupyter would mistake a busy kernel for a present visitor.
"""

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from tornado.web import HTTPError

BROWSER = "explorer-browser"  # cookie that keeps a browser's queue position, and a reloaded page's seat

FETCHED_SECONDS = 60.0  # a kernel whose page was fetched but never connected ends after this time
CONTESTED_SECONDS = 15.0  # or this long after its page's last script request, if others are queued
LEFT_SECONDS = 180.0  # a kernel whose page disconnected ends after this: network outages lose nothing
RELOAD_SECONDS = 2.0  # a closed page keeps its seat for this time, since it may only be reloading
REFRESH_SECONDS = 5  # how often a queued page polls its position
PLACE_SECONDS = 3.0 * REFRESH_SECONDS  # a position that was not polled for this time is given up

_LONGEST_LINE = 1000
_WATCH_SECONDS = 1.0
_POLL_SECONDS = 0.1
_SEAT_BYTES = 130 << 20
_SEAT_FILES = 16  # 13 measured
_SERVER_FILES = 64
_SEATS_A_CORE = 20
_log = logging.getLogger(__name__)


def seats_of(asked: int | None, cores: int, memory: int, files: int) -> int:
    """Return the number of seats, at least 1: the number requested, or as many as the machine can carry.

    A seat takes a share of the usable cores, of the free bytes of `memory`, and of the files that the server may
    open.
    """
    wanted = min(_SEATS_A_CORE * cores, memory // _SEAT_BYTES) if asked is None else asked
    return max(1, min(wanted, (files - _SERVER_FILES) // _SEAT_FILES))


def free_memory(group: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the bytes of free memory, limited by the container's control group if there is one."""
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        kept = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return min(free, limit - used + int(kept.get("inactive_file", 0)))  # page cache that can be reclaimed
    except (OSError, ValueError):  # no container, or one without a limit
        return free


@dataclass(slots=True)
class TakenSeat:
    """One visitor's seat."""

    browser: str
    """The cookie of the browser that has it."""
    seen: float
    """When its page was last connected or loading."""
    kernel: str = ""
    """Id of the kernel; empty before it is known, and after it has ended."""
    is_opening: bool = True
    """Whether the page is still being sent."""
    is_left: bool = False
    """Whether the browser closed the connection before that."""
    was_connected: bool = False


class Seats:
    """All seats of a server, and the queue for them."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._seats: list[TakenSeat] = []
        self._is_littered = False
        self._line: dict[str, float] = {}  # when each browser last asked, in order of its first request

    def place(self, browser: str) -> int:
        """Return a browser's queue position, which it keeps by asking; 0 if there is a seat for it."""
        now = self._clock()
        self._seats = [s for s in self._seats if s.kernel or s.is_opening or now - s.seen < RELOAD_SECONDS]
        self._shorten_line()
        if browser in self._line or len(self._line) < _LONGEST_LINE:
            self._line[browser] = now
        ahead = [*self._line, browser].index(browser)
        return max(0, ahead + 1 - (self.most - len(self._seats)))

    def _shorten_line(self) -> None:
        now = self._clock()
        self._line = {other: asked for other, asked in self._line.items() if now - asked < PLACE_SECONDS}

    def note_loading(self, browser: str | None) -> None:
        """Record that a browser's page is loading: it has requested a script or its WebSocket."""
        for seat in self._seats:
            if seat.browser == browser and seat.kernel and not seat.was_connected:
                seat.seen = self._clock()

    async def take(self, browser: str, manager: Any, patience: float = 0.7) -> TakenSeat | None:
        """Return a seat for a browser's page; None if all are taken.

        A reloaded page gets its own seat again, even if the old page's closing is reported after the new request.
        """
        deadline = self._clock() + patience
        while (left := self._left(browser, None)) is None and self.place(browser):
            if left := self._left(browser, manager):
                break
            if self._clock() > deadline or all(seat.browser != browser for seat in self._seats):
                return None
            await asyncio.sleep(_POLL_SECONDS)
        self._line.pop(browser, None)
        taken = TakenSeat(browser, self._clock())
        self._seats.append(taken)
        if left is not None:
            self._seats.remove(left)
            if left.kernel and not left.is_left:
                await _end(manager, left.kernel)
        return taken

    @asynccontextmanager
    async def opening(self, seat: TakenSeat, manager: Any) -> AsyncIterator[None]:
        """Record when a page has been sent; if its browser has left, its kernel ends then."""
        try:
            yield
        finally:
            seat.is_opening, seat.seen = False, self._clock()
            if seat.is_left and seat.kernel:
                await _end(manager, seat.kernel)

    def _left(self, browser: str, manager: Any) -> TakenSeat | None:
        """Return the browser's seat whose kernel has ended, or, with a manager, one whose page is disconnected."""
        for seat in self._seats:
            if seat.browser == browser and (seat.is_left or not seat.is_opening):
                has_page = manager is None or not seat.was_connected or _connections(manager, seat.kernel)
                if seat.is_left or not (seat.kernel and has_page):
                    return seat
        return None

    def leave(self, kernel: str) -> None:
        """Free the seat of a kernel that ends; its browser can reclaim it for a moment."""
        for seat in self._seats:
            if seat.kernel == kernel:
                seat.kernel, seat.seen = "", self._clock()
                self._is_littered = True

    async def watch(self, manager: Any) -> None:
        """End kernels without a page, until this is canceled."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                await self.look(manager)
            except Exception:  # noqa: BLE001  # the next look may go well
                _log.exception("The seats could not be looked through")
            if self._is_littered and not any(seat.kernel or seat.is_opening for seat in self._seats):
                gc.collect()  # a page leaves 2 MB in reference cycles; with no visitor, the 0.1 s delays nobody
                self._is_littered = False

    async def look(self, manager: Any) -> None:
        """End kernels whose pages have been gone too long, or fail to connect while others wait."""
        self._shorten_line()
        unconnected_seconds = CONTESTED_SECONDS if self._line else FETCHED_SECONDS
        for seat in [seat for seat in self._seats if seat.kernel]:
            now = self._clock()
            if seat.kernel not in manager:
                self.leave(seat.kernel)
            elif _connections(manager, seat.kernel):
                seat.was_connected, seat.seen = True, now
            elif seat.is_opening and not seat.is_left:
                seat.seen = now
            elif now - seat.seen > (LEFT_SECONDS if seat.was_connected else unconnected_seconds):
                await _end(manager, seat.kernel)


def _connections(manager: Any, kernel: str) -> int:
    """Return the number of pages connected to a kernel, 0 if it has ended."""
    return int(manager.kernel_model(kernel)["connections"]) if kernel in manager else 0


async def _end(manager: Any, kernel: str) -> None:
    try:
        await manager.shutdown_kernel(kernel, now=True)
    except (HTTPError, KeyError, RuntimeError, OSError) as error:
        _log.warning("A kernel that nobody uses could not be ended: %s", error)
