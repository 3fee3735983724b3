"""How the server's kernels are started: with what, and when."""

import asyncio
from contextlib import suppress
from typing import Any

from traitlets import Instance, Set

from explorer.serve.shares import tell_connected
from explorer.serve.surroundings import SLOW_GRAMMAR, kernel_environment

__all__ = ["KERNEL_OPTIONS", "QUIET_SECONDS", "kernel_manager_class"]

KERNEL_OPTIONS = (
    f"--IPKernelApp.exec_lines=import sys; sys.modules['{SLOW_GRAMMAR}'] = None",
    "--IPKernelApp.capture_fd_output=False",  # what a kernel writes to its standard error reaches the terminal
    "--IPKernelApp.log_level=ERROR",  # no warning that sockets within this computer are not encrypted
)

QUIET_SECONDS = 2.5
"""A page that has taken the kernel that was warm has this time to draw, before the next kernel is started: its two
seconds of work would be taken from the page's. Whoever comes meanwhile ends the pause."""


def kernel_manager_class(base: type, variables: dict[str, str]) -> type:
    """Return a class of kernel managers for Voilà to build its own on.

    It starts kernels with what they need of the surroundings, and the one for the next visitor not before the
    page of this one has had time to draw.

    Parameters
    ----------
    base
        The class that Voilà would build on.
    variables
        Environment variables that kernels get in addition.
    """

    class KernelManager(base):
        _starting = Set()
        _next_visit = Instance(asyncio.Event, allow_none=True)

        def note_visit(self) -> None:
            """Start the kernel that waits, for this visitor may need it; the kernel after it waits in turn."""
            self._end_pause()
            self._next_visit = asyncio.Event()

        async def start_kernel(self, **options: Any) -> str:
            if options["env"].get("VOILA_PREHEAT") == "True" and self._next_visit is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._next_visit.wait(), QUIET_SECONDS)
            options["env"] = kernel_environment(options["env"]) | variables
            options["extra_arguments"] = list(KERNEL_OPTIONS)
            start = asyncio.ensure_future(super().start_kernel(**options))
            self._starting.add(start)
            start.add_done_callback(self._starting.discard)
            kernel_id: str = await start
            return kernel_id

        def notify_connect(self, kernel_id: str) -> None:
            super().notify_connect(kernel_id)
            tell_connected(variables, kernel_id, self._kernel_connections.get(kernel_id, 0))

        def notify_disconnect(self, kernel_id: str) -> None:
            super().notify_disconnect(kernel_id)
            tell_connected(variables, kernel_id, self._kernel_connections.get(kernel_id, 0))

        async def shutdown_all(self, *arguments: Any, **options: Any) -> None:
            self._end_pause()
            # A kernel can't be ended while it is being started.
            await asyncio.gather(*self._starting, return_exceptions=True)
            await super().shutdown_all(*arguments, **options)

        def _end_pause(self) -> None:
            if self._next_visit is not None:
                self._next_visit.set()

    return KernelManager
