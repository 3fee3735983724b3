"""Turns at the machine's cores where others compute, too, which a server gives its kernels; and the cores."""

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Protocol

TURNS = "EXPLORER_TURNS"
"""Environment variable of kernels: what makes their `Turns`, as ``"module:name"``, and its parameters, as JSON."""

VISITED = "EXPLORER_VISITED"
"""Environment variable that a kernel sets once its visitor has arrived: from then on a page must be connected."""

NOBODY = -1
"""Returned by `Turns.place` when no page is connected; nothing trains then."""


class Turns(Protocol):
    """Turns of one visitor, who may have to wait for them; each training thread needs its own."""

    def place(self) -> int:
        """Join the queue or stay in it, and return the position: 0 for a turn, 1 for next, or `NOBODY`.

        Training threads call this at least every second, and rest unless it returns 0.
        """

    def wait(self) -> None:
        """Wait for a turn."""

    def leave(self) -> None:
        """Give up the turn, or the position in the queue."""

    def limit(self, seconds: float) -> str:
        """Return why a training must end after `seconds`; empty to continue."""

    def place_of_workers(self) -> int:
        """Return the queue position of this process's workers; 0 if one of them has a turn or none wants any."""

    @property
    def has_others(self) -> bool:
        """Whether others are there."""


def turns_of(environment: Mapping[str, str]) -> Turns | None:
    """Return the turns that the server gives this process; None without a server."""
    if TURNS not in environment:
        return None
    code, parameters = json.loads(environment[TURNS])
    module, _, name = code.partition(":")
    kernel = environment.get("VOILA_KERNEL_ID", "")
    turns: Turns = getattr(import_module(module), name)(**parameters, kernel_id=kernel)
    return turns


def n_cores() -> int:
    """Return the number of cores that this process may use, within the limit of a container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no control group, or no limit
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, max(1, math.ceil(int(quota) / int(period))))
    return cores


def study_workers() -> int:
    """Return the number of a study's processes: one for each core, a single one while others are on the server."""
    turns = turns_of(os.environ)
    return 1 if turns is not None and turns.has_others else n_cores()


def patience(place: int) -> float:
    """Return the polling interval in seconds for a queue position: longer further back."""
    return 0.1 if place == NOBODY else min(1.0, 0.02 * place)
