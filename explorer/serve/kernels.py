"""How the server's kernels are started: with what, and when."""

import asyncio
import os
from functools import partial
from typing import Any

from traitlets import Instance, Set

from explorer.serve.forked_kernels import WarmProcess
from explorer.serve.shares import tell_connected
from explorer.serve.surroundings import SLOW_GRAMMAR, kernel_environment

__all__ = [
    "KERNEL_OPTIONS",
    "QUIET_SECONDS",
    "READY_SECONDS",
    "KernelWatch",
    "StartingOrder",
    "kernel_manager_class",
]

KERNEL_OPTIONS = (
    f"--IPKernelApp.exec_lines=import sys; sys.modules['{SLOW_GRAMMAR}'] = None",
    "--IPKernelApp.capture_fd_output=False",  # what a kernel writes to its standard error reaches the terminal
    "--IPKernelApp.log_level=CRITICAL",  # a page that sends the same twice would fill the terminal
    "--HistoryManager.enabled=False",  # a full disk would keep IPython from starting, and nobody types there
)

QUIET_SECONDS = 2.5
"""A page that has taken the kernel that was warm has this time to draw, before the next kernel is started: its two
seconds of work would be taken from the page's. Whoever comes meanwhile ends the pause."""

READY_SECONDS = 5.0
"""A kernel that takes longer to run the notebook holds up the start of others no more."""


class StartingOrder:
    """When kernels start: that for nobody yet waits while a page draws, and only a few start at the same time.

    All at once, thirty visitors would all wait as long as the last one has to.
    """

    def __init__(self) -> None:
        self._is_first, self._has_spare = True, False
        self._visits = asyncio.Semaphore(0)  # of people for whom there is no kernel yet
        self._places = asyncio.Semaphore((os.cpu_count() or 1) + 1)
        self._starting: dict[str, asyncio.TimerHandle] = {}

    def note_visit(self) -> None:
        """Let a kernel start for a visitor, unless one is there."""
        if self._has_spare:
            self._has_spare = False
        else:
            self._visits.release()

    async def take_place(self, *, has_visitor: bool) -> None:
        """Wait until a kernel may start."""
        if not has_visitor:
            try:
                await asyncio.wait_for(self._visits.acquire(), 0 if self._is_first else QUIET_SECONDS)
            except TimeoutError:
                self._has_spare = True
        self._is_first = False
        await self._places.acquire()

    def note_start(self, kernel_id: str) -> None:
        """Keep the place for a kernel that has been started, until it is ready."""
        loop = asyncio.get_running_loop()
        self._starting[kernel_id] = loop.call_later(READY_SECONDS, self.note_ready, kernel_id)

    def note_ready(self, kernel_id: str) -> None:
        """Give the place to the next: this kernel waits for its visitor, or is dead."""
        if (timer := self._starting.pop(kernel_id, None)) is not None:
            timer.cancel()
            self.leave_place()

    def leave_place(self) -> None:
        """Give the place to the next, where a kernel did not start."""
        self._places.release()


class KernelWatch:
    """A part of a manager of kernels: sees to it that no visitor gets a kernel that has died."""

    async def is_living(self: Any, kernel_id: str) -> bool:
        """Return whether a kernel is there and its process runs."""
        return kernel_id in self and bool(await self.is_alive(kernel_id))

    async def replace_dead(self: Any) -> None:
        """Start others in the place of the kernels that wait for a visitor and are dead, or never started."""
        for notebook, pool in [*self._pools.items()]:  # Voilà's
            for waiting in [task for task in pool if task.done()]:
                failed = waiting.cancelled() or waiting.exception() is not None
                if not failed and await self.is_living(waiting.result()["kernel_id"]):
                    continue
                if waiting in pool:
                    pool.remove(waiting)
                if not failed:  # what it was rendering fails as well, which nobody waits for
                    waiting.result()["task"].add_done_callback(
                        lambda task: task.cancelled() or task.exception()
                    )
            self.fill_if_needed(delay=0, notebook_name=notebook)

    def on_death(self: Any, kernel_id: str) -> None:
        """Replace a kernel that has just died, if it was one that waits."""
        self.order.note_ready(kernel_id)
        self._replacing = asyncio.ensure_future(self.replace_dead())


def kernel_manager_class(
    base: type, variables: dict[str, str], warm_process: WarmProcess | None = None
) -> type:
    """Return a class of kernel managers for Voilà to build its own on.

    It starts kernels with what they need of the surroundings, and the one for the next visitor not before the
    page of this one has had time to draw. One that dies before its visitor has come is replaced.

    Parameters
    ----------
    base
        The class that Voilà would build on.
    variables
        Environment variables that kernels get in addition.
    warm_process
        What kernels are forked from; it ends with the manager.
    """

    class KernelManager(KernelWatch, base):
        _starting = Set()
        order = Instance(StartingOrder, ())

        @property
        def warm_process(self) -> WarmProcess | None:
            return warm_process

        async def start_kernel(self, **options: Any) -> str:
            await self.order.take_place(has_visitor=options["env"].get("VOILA_PREHEAT") != "True")
            options["env"] = kernel_environment(options["env"]) | variables
            options["extra_arguments"] = list(KERNEL_OPTIONS)
            start = asyncio.ensure_future(super().start_kernel(**options))
            self._starting.add(start)
            start.add_done_callback(self._starting.discard)
            try:
                kernel_id: str = await start
            except BaseException:
                self.order.leave_place()
                raise
            self.order.note_start(kernel_id)
            self.add_restart_callback(kernel_id, partial(self.on_death, kernel_id), "dead")
            return kernel_id

        def notify_connect(self, kernel_id: str) -> None:
            super().notify_connect(kernel_id)
            tell_connected(variables, kernel_id, self._kernel_connections.get(kernel_id, 0))

        def notify_disconnect(self, kernel_id: str) -> None:
            super().notify_disconnect(kernel_id)
            tell_connected(variables, kernel_id, self._kernel_connections.get(kernel_id, 0))

        async def shutdown_all(self, *arguments: Any, **options: Any) -> None:
            self.order.note_visit()  # a kernel can't be ended while it has yet to start
            if starting := [*self._starting]:
                await asyncio.wait(starting, timeout=READY_SECONDS)
                for start in starting:
                    start.cancel()
            await super().shutdown_all(*arguments, **options)
            if warm_process is not None:
                warm_process.close()

    return KernelManager
