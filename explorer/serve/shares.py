"""What the server lets each visitor's trainings have, and which kernels' pages are connected."""

import json
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from explorer.training.share import TRAINING_SHARE

__all__ = ["MEGABYTES", "add_share_options", "share_variables", "tell_connected"]

MINUTES = 30
"""Longest training at a stretch where other computers reach the server."""

MEGABYTES = 512
"""Memory of a kernel: four times what it takes to open a page and train the exercise."""


def add_share_options(parser: ArgumentParser) -> None:
    """Add what bounds a visitor's trainings to a parser."""
    words = (
        f"longest training at a stretch (default: {MINUTES}; none where only this computer reaches the page)"
    )
    parser.add_argument("--max-training-minutes", type=_positive, default=SUPPRESS, metavar="N", help=words)
    words = f"memory in which a visitor's trainings must fit (default: {MEGABYTES})"
    parser.add_argument("--seat-memory", type=_positive, default=SUPPRESS, metavar="MB", help=words)


def share_variables(arguments: Namespace, folder: Path, *, is_open: bool) -> dict[str, str]:
    """Return the environment variable by which kernels know what they may have.

    Parameters
    ----------
    arguments
        Parsed options of `add_share_options`.
    folder
        Where the kernels' tickets are to lie; made here.
    is_open
        Whether other computers reach the server.
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


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ArgumentTypeError(f"expected a whole number of at least 1, not {text!r}")
    return int(text)
