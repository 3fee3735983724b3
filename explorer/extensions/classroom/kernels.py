"""Kernels and seats: how and when kernels start, which visitor each one gets, and who waits in the queue."""

import asyncio
import json
import logging
import sys
import time
from asyncio import Future
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from tornado.web import HTTPError
from traitlets import Instance, Int, Set
from voila.request_info_handler import RequestInfoSocketHandler

from explorer.extensions.classroom.warm_process import LAUNCHER, WarmProcess
from explorer.serve.access import RefusedError
from explorer.serve.server import VisitedKernels
from explorer.training.turns import TURNS, n_cores

BROWSER = "explorer-browser"  # cookie that keeps a browser's queue position, and a reloaded page's seat

FETCHED_SECONDS = 60.0  # a kernel whose page was fetched but never connected ends after this time
CONTESTED_SECONDS = 15.0  # or this long after its page's last script request, if others are queued
LEFT_SECONDS = 180.0  # a kernel whose page disconnected ends after this: network outages lose nothing
RELOAD_SECONDS = 2.0  # a closed page keeps its seat for this time, since it may only be reloading
QUIET_SECONDS = 2.5  # a new page draws in this time; then a kernel starts for the next visitor
REFRESH_SECONDS = 5  # how often a queued page polls its position
PLACE_SECONDS = 3.0 * REFRESH_SECONDS  # a position that was not polled for this time is given up

_LONGEST_QUEUE = 1000
LOOK_SECONDS = 1.0  # between two looks for kernels without a page
SEAT_BYTES = 260 << 20  # with the largest network of the controls, or a study in one more process
_SEAT_FILES = 16  # 13 measured
_SERVER_FILES = 64
_MOST_FILES = 10_240  # macOS refuses more than this, although it reports no limit
_SEATS_A_CORE = 20

READY_SECONDS = 5.0  # a kernel that takes longer to run the notebook no longer delays the start of others

_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.1

PROVISIONER = "explorer-forked"  # its name in Jupyter's settings


def seats_of(asked: int | None, cores: int, memory: int, files: int) -> int:
    """Return the number of seats, at least 1: the number requested, or as many as the machine can carry."""
    wanted = min(_SEATS_A_CORE * cores, memory // SEAT_BYTES) if asked is None else asked
    return max(1, min(wanted, (files - _SERVER_FILES) // _SEAT_FILES))


def raise_file_limit() -> int:
    """Raise this process's limit on open files, at most to `_MOST_FILES`; return it, or refuse one too low."""
    files = _MOST_FILES
    if sys.platform != "win32":
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit

        soft, hard = getrlimit(RLIMIT_NOFILE)
        files, most = (_MOST_FILES if limit == RLIM_INFINITY else limit for limit in (soft, hard))
        if files < min(most, _MOST_FILES):
            files = min(most, _MOST_FILES)
            setrlimit(RLIMIT_NOFILE, (files, hard))
    if files < (least := _SERVER_FILES + _SEAT_FILES):
        raise RefusedError(f"a process may open {files} files here; expected at least {least} (“ulimit -n”).")
    return files


def free_memory(group: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the bytes of free memory, limited by the container's control group if there is one."""
    free: int = psutil.virtual_memory().available
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
        self._queue: dict[str, float] = {}  # when each browser last asked, in order of its first request

    def position(self, browser: str) -> int:
        """Return a browser's queue position, which it keeps by asking; 0 if there is a seat for it."""
        now = self._clock()
        self._seats = [s for s in self._seats if s.kernel or s.is_opening or now - s.seen < RELOAD_SECONDS]
        self._shorten_queue()
        if browser in self._queue or len(self._queue) < _LONGEST_QUEUE:
            self._queue[browser] = now
        ahead = [*self._queue, browser].index(browser)
        return max(0, ahead + 1 - (self.most - len(self._seats)))

    def _shorten_queue(self) -> None:
        oldest = self._clock() - PLACE_SECONDS
        self._queue = {other: asked for other, asked in self._queue.items() if asked > oldest}

    def note_loading(self, browser: str | None) -> None:
        """Record that a browser's page is loading: it has requested a script or its WebSocket."""
        for seat in self._seats:
            if seat.browser == browser and seat.kernel and not seat.was_connected:
                seat.seen = self._clock()

    async def assign(self, browser: str, manager: Any, patience: float = 0.7) -> TakenSeat | None:
        """Return a seat for a browser's page; None if all are taken.

        A reloaded page gets its own seat again, even if the old page's closing is reported after the new request.
        """
        deadline = self._clock() + patience
        while (left := self._left(browser, None)) is None and self.position(browser):
            if left := self._left(browser, manager):
                break
            if self._clock() > deadline or all(seat.browser != browser for seat in self._seats):
                return None
            await asyncio.sleep(_POLL_SECONDS)
        self._queue.pop(browser, None)
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
        """Return the browser's seat whose kernel has ended, or, with a manager, whose page is disconnected."""
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

    async def look(self, manager: Any) -> None:
        """End kernels whose pages are gone too long, or don't connect while others wait, busy ones too."""
        self._shorten_queue()
        unconnected_seconds = CONTESTED_SECONDS if self._queue else FETCHED_SECONDS
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
    return int(manager.kernel_model(kernel)["connections"]) if kernel in manager else 0


async def _end(manager: Any, kernel: str) -> None:
    try:
        await manager.shutdown_kernel(kernel, now=True)
    except (HTTPError, KeyError, RuntimeError, OSError) as error:
        _log.warning("A kernel that nobody uses could not be ended: %s", error)


class StartingOrder:
    """Controls when kernels start: the spare one while no page draws, and only a few at once."""

    def __init__(self) -> None:
        self._has_spare = True  # the server's start counts as a visit, for which the spare one starts
        self._visits = asyncio.Semaphore(1)  # of visitors who have no kernel yet
        self._slots = asyncio.Semaphore(n_cores() + 1)
        self._starting: dict[str, asyncio.TimerHandle] = {}

    def note_visit(self) -> None:
        """Let a kernel start for a visitor, unless the spare one is ready."""
        if self._has_spare:
            self._has_spare = False
        else:
            self._visits.release()

    async def acquire_slot(self) -> None:
        """Wait until a kernel may start, and occupy a slot."""
        try:
            await asyncio.wait_for(self._visits.acquire(), QUIET_SECONDS)
        except TimeoutError:
            self._has_spare = True
        await self._slots.acquire()

    def note_start(self, kernel_id: str) -> None:
        """Keep the slot of a kernel that has been started until it is ready."""
        loop = asyncio.get_running_loop()
        self._starting[kernel_id] = loop.call_later(READY_SECONDS, self.note_ready, kernel_id)

    def note_ready(self, kernel_id: str) -> None:
        """Free the slot of a kernel that waits for its visitor, or is dead."""
        if (timer := self._starting.pop(kernel_id, None)) is not None:
            timer.cancel()
            self.release_slot()

    def release_slot(self) -> None:
        """Free a slot whose kernel did not start."""
        self._slots.release()


def report_connections(variables: Mapping[str, str], kernel_id: str, connections: int) -> None:
    """Tell a kernel whether a page is connected to it; does nothing for kernels without a share."""
    if TURNS in variables:
        page = Path(json.loads(variables[TURNS])[1]["folder"], "pages", kernel_id)
        if connections > 0:
            page.touch()
        else:
            page.unlink(missing_ok=True)


class SeatedKernels(VisitedKernels):
    """Kernel-manager mixin: one kernel per seat, plus one warm kernel for the next visitor."""

    seats: Seats
    warm_process: WarmProcess | None = None
    """The process that kernels are forked from; it ends with the manager."""

    order = Instance(StartingOrder, ())
    _starting = Set()
    _begun = Int(0)
    _before_seats = Instance(asyncio.Lock, ())
    _server_ends = Instance(asyncio.Event, ())

    async def start_kernel(self, **options: Any) -> str:
        # One at a time, in order of request: a visitor who has arrived meanwhile may get the first.
        async with self._before_seats:
            while (
                len(self.list_kernel_ids()) + self._begun >= self.seats.most
                and not self._server_ends.is_set()
            ):
                await asyncio.sleep(_POLL_SECONDS)
        self._begun += 1
        try:
            await self.order.acquire_slot()
            try:
                if self._server_ends.is_set():
                    raise RuntimeError("the server ends")
                start = asyncio.ensure_future(super().start_kernel(**options))
                self._starting.add(start)
                start.add_done_callback(self._starting.discard)
                kernel_id: str = await start
            except BaseException:
                self.order.release_slot()
                raise
        finally:
            self._begun -= 1
        self.order.note_start(kernel_id)
        self.add_restart_callback(kernel_id, partial(self.on_death, kernel_id), "dead")
        return kernel_id

    async def shutdown_kernel(self, kernel_id: str, *arguments: Any, **options: Any) -> None:
        for pool in self._pools.values():  # Voilà would raise the errors of kernels that never started
            pool[:] = [task for task in pool if not (task.done() and _has_failed(task))]
        self.seats.leave(kernel_id)
        for visits in (RequestInfoSocketHandler._waiters, RequestInfoSocketHandler._cache):
            visits.pop(kernel_id, None)
        await super().shutdown_kernel(kernel_id, *arguments, **options)

    async def shutdown_all(self, *arguments: Any, **options: Any) -> None:
        self._server_ends.set()
        self.order.note_visit()  # wakes a start that waits for its turn
        if starting := [*self._starting]:
            await asyncio.wait(starting, timeout=READY_SECONDS)
            for start in starting:
                start.cancel()
            await asyncio.gather(*starting, return_exceptions=True)
        for kernel_id in [*self._pending_kernels]:
            if kernel_id not in self:  # it never started, but Jupyter still has its entry
                del self._pending_kernels[kernel_id]
        await super().shutdown_all(*arguments, **options)
        if self.warm_process is not None:
            self.warm_process.close()

    def note_waiting(self, kernel_id: str) -> None:
        self.order.note_ready(kernel_id)

    def notify_connect(self, kernel_id: str) -> None:
        super().notify_connect(kernel_id)
        report_connections(self.variables, kernel_id, self._kernel_connections.get(kernel_id, 0))

    def notify_disconnect(self, kernel_id: str) -> None:
        super().notify_disconnect(kernel_id)
        report_connections(self.variables, kernel_id, self._kernel_connections.get(kernel_id, 0))

    async def is_living(self, kernel_id: str) -> bool:
        """Return whether a kernel exists and its process runs."""
        return kernel_id in self and bool(await self.is_alive(kernel_id))

    async def replace_dead(self) -> None:
        """Replace waiting kernels that are dead or never started."""
        for notebook, pool in [*self._pools.items()]:  # Voilà's
            for waiting in [task for task in pool if task.done()]:
                failed = _has_failed(waiting)
                if not failed and await self.is_living(waiting.result()["kernel_id"]):
                    continue
                if waiting in pool:
                    pool.remove(waiting)
                if not failed:  # its rendering task fails too, and nothing awaits it
                    waiting.result()["task"].add_done_callback(_has_failed)
            self.fill_if_needed(delay=0, notebook_name=notebook)

    def on_death(self, kernel_id: str) -> None:
        """Replace a kernel that has just died, if it was waiting for a visitor."""
        self.order.note_ready(kernel_id)
        self._replacing = asyncio.ensure_future(self.replace_dead())


def _has_failed(task: Future[Any]) -> bool:
    return task.cancelled() or task.exception() is not None


class ForkedKernelProvisioner(LocalProvisioner):
    """Forks a kernel from its manager's `WarmProcess`, or starts it as usual."""

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        manager: Any = self.parent
        warm_process = getattr(manager.parent, "warm_process", None)
        if warm_process is not None and LAUNCHER in cmd:
            folder = str(options.get("cwd") or Path.cwd())
            if (process := await warm_process.fork(cmd, options["env"], folder)) is not None:
                self.process, self.pid, self.pgid, self.cwd = process, process.pid, process.pid, folder
                return self.connection_info
        return await super().launch_kernel(cmd, **options)


def register_provisioner() -> None:
    """Register `PROVISIONER` with Jupyter."""
    place = f"{__name__}:ForkedKernelProvisioner"
    entry = EntryPoint(PROVISIONER, place, KernelProvisionerFactory.GROUP_NAME)
    KernelProvisionerFactory.provisioners[PROVISIONER] = entry
