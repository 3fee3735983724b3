"""The server's kernels: how and when they start, forked if possible, and which visitor each one gets."""

import asyncio
from asyncio import Future
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import HasTraits, Instance, Int, Set
from voila.request_info_handler import RequestInfoSocketHandler

from explorer.serve.environment import SLOW_GRAMMAR, kernel_environment, tell_connected
from explorer.serve.forked_kernels import WarmProcess
from explorer.serve.seats import Seats
from explorer.serve.warm_process import LAUNCHER, QUIET_SECONDS
from explorer.training.share import n_cores

KERNEL_OPTIONS = (
    f"--IPKernelApp.exec_lines=import sys; sys.modules['{SLOW_GRAMMAR}'] = None",
    "--IPKernelApp.capture_fd_output=False",  # a kernel's standard error reaches the terminal
    "--IPKernelApp.log_level=CRITICAL",  # a page that sends the same twice would fill the terminal
    "--HistoryManager.enabled=False",  # IPython doesn't start on a full disk with it, and has no use for it here
)

READY_SECONDS = 5.0
"""A kernel that takes longer to run the notebook no longer delays the start of others."""

_HasTraits: Any = HasTraits  # Jupyter's and Voilà's managers have no types
_POLL_SECONDS = 0.1
_NORMAL_CLOSURE = 1000  # RFC 6455: the connection has served its purpose

PROVISIONER = "explorer-forked"  # the provisioner's name in Jupyter's settings


class StartingOrder:
    """Controls when kernels start: the spare one waits while a page draws, and only a few start at once.

    If thirty kernels started at once, all visitors would wait as long as the last one.
    """

    def __init__(self) -> None:
        self._is_first, self._has_spare = True, False
        self._visits = asyncio.Semaphore(0)  # of visitors who have no kernel yet
        self._places = asyncio.Semaphore(n_cores() + 1)
        self._starting: dict[str, asyncio.TimerHandle] = {}

    def note_visit(self) -> None:
        """Let a kernel start for a visitor, unless the spare one is ready."""
        if self._has_spare:
            self._has_spare = False
        else:
            self._visits.release()

    async def take_place(self, *, has_visitor: bool) -> None:
        """Wait until a kernel may start, and occupy a slot."""
        if not has_visitor:
            try:
                await asyncio.wait_for(self._visits.acquire(), 0 if self._is_first else QUIET_SECONDS)
            except TimeoutError:
                self._has_spare = True
        self._is_first = False
        await self._places.acquire()

    def note_start(self, kernel_id: str) -> None:
        """Keep the slot of a kernel that has been started until it is ready."""
        loop = asyncio.get_running_loop()
        self._starting[kernel_id] = loop.call_later(READY_SECONDS, self.note_ready, kernel_id)

    def note_ready(self, kernel_id: str) -> None:
        """Free the slot of a kernel that waits for its visitor, or is dead."""
        if (timer := self._starting.pop(kernel_id, None)) is not None:
            timer.cancel()
            self.leave_place()

    def leave_place(self) -> None:
        """Free a slot whose kernel did not start."""
        self._places.release()


class SeatedKernels(_HasTraits):
    """Kernel-manager mixin: one kernel per seat, plus one warm kernel for the next visitor.

    It starts kernels with a minimal environment, and the warm one only when there is a free seat and the current
    page has had time to draw. A kernel that dies before its visitor arrives is replaced.
    """

    seats: Seats
    variables: dict[str, str]
    """Environment variables that kernels get in addition."""
    warm_process: WarmProcess | None
    """The process that kernels are forked from; it ends with the manager."""

    order = Instance(StartingOrder, ())
    _starting = Set()
    _begun = Int(0)
    _before_seats = Instance(asyncio.Lock, ())
    _server_ends = Instance(asyncio.Event, ())

    async def start_kernel(self, **options: Any) -> str:
        """Start a kernel when it is its turn, and return its id."""
        has_visitor = options["env"].get("VOILA_PREHEAT") != "True"
        if not has_visitor:
            # One at a time, in order of request: a visitor who has arrived meanwhile may get the first.
            async with self._before_seats:
                await self._seat_is_free()
        self._check_that_server_goes_on()
        self._begun += 1
        try:
            await self.order.take_place(has_visitor=has_visitor)
            options["env"] = kernel_environment(options["env"]) | self.variables
            options["extra_arguments"] = list(KERNEL_OPTIONS)
            try:
                self._check_that_server_goes_on()
                start = asyncio.ensure_future(super().start_kernel(**options))
                self._starting.add(start)
                start.add_done_callback(self._starting.discard)
                kernel_id: str = await start
            except BaseException:
                self.order.leave_place()
                raise
        finally:
            self._begun -= 1
        self.order.note_start(kernel_id)
        self.add_restart_callback(kernel_id, partial(self.on_death, kernel_id), "dead")
        return kernel_id

    async def _seat_is_free(self) -> None:
        while len(self.list_kernel_ids()) + self._begun >= self.seats.most and not self._server_ends.is_set():
            await asyncio.sleep(_POLL_SECONDS)

    def _check_that_server_goes_on(self) -> None:
        if self._server_ends.is_set():
            raise RuntimeError("the server ends")

    async def shutdown_kernel(self, kernel_id: str, *arguments: Any, **options: Any) -> None:
        """Shut down a kernel, and free its seat."""
        self._forget_failed()
        self.seats.leave(kernel_id)
        await super().shutdown_kernel(kernel_id, *arguments, **options)

    async def shutdown_all(self, *arguments: Any, **options: Any) -> None:
        """Shut down all kernels and the process that they are forked from."""
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

    def notify_connect(self, kernel_id: str) -> None:
        """Tell a kernel that its page is connected."""
        super().notify_connect(kernel_id)
        tell_connected(self.variables, kernel_id, self._kernel_connections.get(kernel_id, 0))

    def notify_disconnect(self, kernel_id: str) -> None:
        """Tell a kernel that its page has disconnected, unless it has another connection."""
        super().notify_disconnect(kernel_id)
        tell_connected(self.variables, kernel_id, self._kernel_connections.get(kernel_id, 0))

    async def is_living(self, kernel_id: str) -> bool:
        """Return whether a kernel exists and its process runs."""
        return kernel_id in self and bool(await self.is_alive(kernel_id))

    def _forget_failed(self) -> None:
        """Remove kernels that never started: Voilà would raise their errors while it shuts down another one."""
        for pool in self._pools.values():
            pool[:] = [task for task in pool if not task.done() or not (task.cancelled() or task.exception())]

    async def replace_dead(self) -> None:
        """Replace waiting kernels that are dead or never started."""
        for notebook, pool in [*self._pools.items()]:  # Voilà's
            for waiting in [task for task in pool if task.done()]:
                failed = waiting.cancelled() or waiting.exception() is not None
                if not failed and await self.is_living(waiting.result()["kernel_id"]):
                    continue
                if waiting in pool:
                    pool.remove(waiting)
                if not failed:  # its rendering task fails too, and nothing awaits it
                    waiting.result()["task"].add_done_callback(
                        lambda task: task.cancelled() or task.exception()
                    )
            self.fill_if_needed(delay=0, notebook_name=notebook)

    def on_death(self, kernel_id: str) -> None:
        """Replace a kernel that has just died, if it was waiting for a visitor."""
        self.order.note_ready(kernel_id)
        self._replacing = asyncio.ensure_future(self.replace_dead())


def kernel_manager_class(
    base: type, given: dict[str, str], places: Seats, warm: WarmProcess | None = None
) -> type:
    """Return a subclass of `base` with `SeatedKernels`, from which Voilà builds its own manager."""

    class KernelManager(SeatedKernels, base):
        seats, variables, warm_process = places, given, warm

    return KernelManager


class VisitHandler(RequestInfoSocketHandler):
    """Notifies a waiting kernel that its visitor has arrived.

    Under load a kernel may connect a second time before its first connection is known to be closed. Voilà then
    sends its message into the first, or removes the second with it, and the visitor would wait forever.
    """

    _kernel_id = ""

    def open(self, kernel_id: str) -> None:
        """Notify the kernel at once if its visitor has already arrived."""
        self._kernel_id = kernel_id
        self.settings["kernel_manager"].order.note_ready(kernel_id)
        super().open(kernel_id)

    def write_message(self, message: Any, binary: bool = False) -> Future[None]:
        """Send the message to the kernel, and cache it in case the kernel asks again."""
        self._cache[self._kernel_id] = message
        written: Future[None] = super().write_message(message, binary)
        return written

    def on_close(self) -> None:
        """Remove only this connection; a kernel that closes normally has received its message."""
        if self._waiters.get(self._kernel_id) is self:
            del self._waiters[self._kernel_id]
        if self.close_code == _NORMAL_CLOSURE:
            self._cache.pop(self._kernel_id, None)


class ForkedKernelProvisioner(LocalProvisioner):
    """Forks a kernel from its manager's `WarmProcess`, or starts it as usual."""

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        """Start the kernel, and return its connection info."""
        manager: Any = self.parent
        warm_process = getattr(manager.parent, "warm_process", None)
        if warm_process is not None and LAUNCHER in cmd:
            folder = str(options.get("cwd") or Path.cwd())
            if (process := await warm_process.fork(cmd, options["env"], folder)) is not None:
                self.process, self.pid, self.pgid, self.cwd = process, process.pid, process.pid, folder
                return self.connection_info
        return await super().launch_kernel(cmd, **options)


def register_provisioner() -> None:
    """Register `PROVISIONER` with Jupyter, even if the installed package is an older one."""
    place = f"{ForkedKernelProvisioner.__module__}:{ForkedKernelProvisioner.__name__}"
    entry = EntryPoint(PROVISIONER, place, KernelProvisionerFactory.GROUP_NAME)
    KernelProvisionerFactory.provisioners[PROVISIONER] = entry
