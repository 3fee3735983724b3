"""What the server lets each visitor's trainings have, and which kernels' pages are connected."""

import json
from argparse import Namespace
from pathlib import Path

from explorer.training.share import TRAINING_SHARE

__all__ = ["MEGABYTES", "MINUTES", "share_variables", "tell_connected"]

MINUTES = 30
"""Longest training at a stretch where other computers reach the server."""

MEGABYTES = 512
"""Memory of a kernel: four times what it takes to open a page and train the exercise."""


def share_variables(arguments: Namespace, folder: Path, *, is_open: bool) -> dict[str, str]:
    """Return the environment variable by which kernels know what they may have: as much as the options say.

    Their tickets are to lie in `folder`, which is made here. Where other computers reach the server, it `is_open`.
    """
    for name in ("line", "pages"):
        (folder / name).mkdir(parents=True)
    share = {
        "folder": str(folder),
        "minutes": arguments.max_training_minutes or (MINUTES if is_open else None),
        "megabytes": arguments.seat_memory,
    }
    return {TRAINING_SHARE: json.dumps(share)}


def tell_connected(variables: dict[str, str], kernel_id: str, connections: int) -> None:
    """Let a kernel know whether a page is connected to it; one that has no share won't ask."""
    if TRAINING_SHARE in variables:
        page = Path(json.loads(variables[TRAINING_SHARE])["folder"], "pages", kernel_id)
        if connections > 0:
            page.touch()
        else:
            page.unlink(missing_ok=True)
