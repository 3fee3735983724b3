"""What a server takes kernels from: for one visitor, Voilà's own pool of one that waits for its visitor."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from explorer.discovery import ExtensionError, offers
from explorer.serve.access import HUB_PATH, PASSWORD, Access, RefusedError, access_from

_OF_CLASSES = ("allow_host", "certfile", "keyfile", "max_training_minutes", "password", "seats")


class KernelPool:
    """Voilà's own pool, unless an extension offers another. It starts first, so it imports little."""

    server = "explorer.serve.server:ExplorerServer"
    """Code: the class of the server, an `explorer.serve.server.ExplorerServer`."""

    def start(self, module: str) -> None:
        """Begin to prepare kernels for a notebook that imports `module`; before anything heavy is imported."""

    def access(self, arguments: Namespace) -> Access:
        """Return who can reach the server; raises RefusedError for what this pool's server can't do."""
        asked = [f"--{name.replace('_', '-')}" for name in _OF_CLASSES if getattr(arguments, name)]
        asked += [f"${name}" for name in (HUB_PATH, PASSWORD) if os.environ.get(name)]
        if asked:
            raise RefusedError(f"{asked[0]} needs the extension classroom.")
        return access_from(arguments)

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
