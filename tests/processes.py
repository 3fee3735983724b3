"""Which processes a process has started, on Linux."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def children(pid):
    """The processes that it has started itself; some may end while this looks."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
            found += [int(process.name)] if int(parent) == pid else []
    return found


def descendants(pid):
    """Those, and the ones that they have started."""
    return [found for child in children(pid) for found in (child, *descendants(child))]
