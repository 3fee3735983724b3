"""Kernels of pages: the environment that they start in, and how a waiting one learns of its visitor."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from tornado.web import RequestHandler
from traitlets import HasTraits
from voila.request_info_handler import RequestInfoSocketHandler

from explorer.serve.environment import SLOW_GRAMMAR, kernel_environment

_HasTraits: Any = HasTraits  # Jupyter's and Voilà's managers have no types
OPTIONS = (
    f"--IPKernelApp.exec_lines=import sys; sys.modules['{SLOW_GRAMMAR}'] = None",
    "--IPKernelApp.capture_fd_output=False",  # a kernel's standard error reaches the terminal
    "--IPKernelApp.log_level=CRITICAL",  # a page that sends the same twice would fill the terminal
    "--HistoryManager.enabled=False",  # IPython doesn't start on a full disk with it, and has no use for it here
)


class VisitedKernels(_HasTraits):
    """Kernel-manager mixin: kernels know nothing of the server's environment that they don't need."""

    variables: Mapping[str, str]
    """Environment variables that kernels get in addition."""

    async def start_kernel(self, **options: Any) -> str:
        """Start a kernel, and return its id."""
        options["env"] = {**kernel_environment(options["env"]), **self.variables}
        options["extra_arguments"] = list(OPTIONS)
        kernel_id: str = await super().start_kernel(**options)
        return kernel_id

    def note_waiting(self, kernel_id: str) -> None:
        """Do nothing: a kernel waits for its visitor."""


class VisitHandler(RequestHandler):
    """Tells a waiting kernel of its visitor: as soon as there is one, and again if its connection was lost."""

    async def get(self, kernel_id: str) -> None:
        """Send the environment variables of the visit, which Voilà writes to a kernel's waiter."""
        self.settings["kernel_manager"].note_waiting(kernel_id)
        visits = RequestInfoSocketHandler._cache
        if kernel_id not in visits:
            visit = asyncio.get_running_loop().create_future()
            waiter = SimpleNamespace(write_message=visit.set_result)
            RequestInfoSocketHandler._waiters[kernel_id] = waiter
            visits[kernel_id] = await visit
        self.finish(visits[kernel_id])
