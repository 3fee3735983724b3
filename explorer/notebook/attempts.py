"""What a student has tried, kept from one kernel to the next: a file with a line of JSON for each attempt.

It grows by whole lines only, so whatever happens to a kernel, what was written before can be read.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from explorer.foreign_files import reason

__all__ = ["Attempt", "AttemptLog"]

_MOST = 10_000  # characters of a line; one that is longer was not written here


@dataclass(frozen=True, slots=True)
class Attempt:
    """An answer that was checked, or a hint that was opened."""

    task: str
    outcome: str
    """``"right"``, ``"wrong"``, or ``"hint"`` if a hint or the solution was opened."""
    mistake: str = ""
    """Its name; empty if it has none."""
    rung: int = 0
    """The last hint that was opened until then: 1 to 3, 4 for the solution, 0 for none."""
    seconds: float = 0.0
    """What the check took, in seconds."""
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    """When, in UTC: ``"2030-01-31T12:00:00+00:00"``."""


class AttemptLog:
    """The attempts of one student, which are also lines of a file if it can be written.

    Parameters
    ----------
    path : str or path-like
        The file; it need not exist. Lines that are damaged are left out.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path).absolute()
        self._attempts: list[Attempt] = []
        self._trouble: str | None = None  # empty once it has been told
        try:
            self._attempts += _read(self._path) if self._path.exists() else ()
        except OSError as error:
            self._notice(error)

    def add(self, attempt: Attempt) -> None:
        """Keep an attempt."""
        self._attempts.append(attempt)
        try:
            _append(self._path, json.dumps(asdict(attempt)))
        except OSError as error:
            self._notice(error)

    def rung(self, task: str) -> int:
        """Return the last hint of a task that was opened, as `Attempt.rung`."""
        return max((attempt.rung for attempt in self._attempts if attempt.task == task), default=0)

    def last_outcomes(self) -> dict[str, str]:
        """Return what the last check of each task found: ``"right"`` or ``"wrong"``."""
        return {attempt.task: attempt.outcome for attempt in self._attempts if attempt.outcome != "hint"}

    def trouble(self) -> str:
        """Return why nothing is kept in the file, the first time that it is asked for; else an empty string."""
        said, self._trouble = self._trouble or "", self._trouble and ""
        return said

    def _notice(self, error: OSError) -> None:
        if self._trouble is None:
            why = f"{self._path.name} can't be used here: {reason(error)}"
            self._trouble = f"Your progress lasts only until the kernel is restarted, because {why}."


def _read(path: Path) -> Iterator[Attempt]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        while line := lines.readline(_MOST):
            with suppress(ValueError, RecursionError):  # it was damaged
                yield from _parsed(json.loads(line))


def _parsed(found: Any) -> Iterator[Attempt]:
    match found:
        case {
            "time": str(),
            "task": str(),
            "outcome": "right" | "wrong" | "hint",
            "mistake": str(),
            "rung": int() as rung,
            "seconds": int() | float(),
        } if 0 <= rung <= 4:
            yield Attempt(**{f.name: found[f.name] for f in fields(Attempt)})


def _append(path: Path, line: str) -> None:
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read() != b"\n":  # the line before was cut off, and is not to take this one with it
                file.write(b"\n")
        file.write(line.encode() + b"\n")
