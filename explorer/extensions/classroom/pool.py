"""The classroom's kernels: forked from a warm process, one for each seat, with turns at the machine's cores."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from explorer.extensions.classroom.warm_process import WarmProcess
from explorer.serve.access import Access, is_loopback
from explorer.serve.environment import kernel_environment
from explorer.serve.pool import KernelPool

MINUTES = 30  # longest uninterrupted training if other computers can reach the server


class Classroom(KernelPool):
    """Forks kernels from a process that has imported all that they need."""

    server = "explorer.extensions.classroom.server:ClassroomServer"
    warm_process: WarmProcess | None = None
    seats: int | None = None
    """Maximum number of visitors at once; None for as many as the machine can carry."""

    def start(self, module: str) -> None:
        """Start the process that kernels are forked from, once."""
        if self.warm_process is None:
            self.warm_process = WarmProcess(kernel_environment(os.environ), module)
            self.warm_process.start()

    def access(self, arguments: Namespace) -> Access:
        """Return who can reach the server."""
        from explorer.extensions.classroom.access import class_access

        return class_access(arguments)

    def variables(self, arguments: Namespace, folder: Path) -> dict[str, str]:
        """Return the variable that tells kernels their share of the machine, whose tickets are in `folder`."""
        from explorer.extensions.classroom.share import share_variables

        self.seats = arguments.seats
        for name in ("line", "pages"):
            (folder / name).mkdir(parents=True)
        minutes = arguments.max_training_minutes or (None if is_loopback(arguments.ip) else MINUTES)
        return share_variables(folder, minutes=minutes)

    def warm_up(self, environment: Mapping[str, str]) -> None:
        """Let the process open its app."""
        if self.warm_process is not None:
            self.warm_process.warm_up(environment)

    def close(self) -> None:
        """End the process."""
        if self.warm_process is not None:
            self.warm_process.close()
