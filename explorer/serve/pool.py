"""What a server takes kernels from: for one visitor, Voilà's own pool of one that waits for its visitor."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from explorer.discovery import ExtensionError, offers


class KernelPool:
    """Voilà's own pool, unless an extension offers another. It starts first, so it imports little."""

    server = "explorer.serve.server:ExplorerServer"
    """Code: the class of the server, an `explorer.serve.server.ExplorerServer`."""
    knows_seats = False
    """Whether it takes the options for many visitors."""

    def start(self, module: str) -> None:
        """Begin to prepare kernels for a notebook that imports `module`; before anything heavy is imported."""

    def variables(self, arguments: Namespace, folder: Path) -> dict[str, str]:
        """Return the environment variables that kernels need; `folder` lasts as long as the server."""
        return {}

    def warm_up(self, environment: Mapping[str, str]) -> None:
        """Prepare kernels with the environment that they will have."""

    def close(self) -> None:
        """End what was started."""


def kernel_pool() -> KernelPool:
    """Return the pool that an extension offers, or else the core's."""
    for offer in offers("kernels"):
        try:
            pool: KernelPool = offer.call(offer.what)
            return pool
        except ExtensionError:  # it is logged
            continue
    return KernelPool()
