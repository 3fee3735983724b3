"""The kinds of file that a run can be exported as: what each is called, and who makes it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from explorer.exports.exported_run import ExportedRun
from explorer.exports.script import training_script
from explorer.exports.table import records_table
from explorer.exports.weights import weights_archive
from explorer.session.saved_session import SUFFIX

__all__ = ["KINDS", "ExportError", "ExportedFile", "FileKind", "export", "kind_of"]


class ExportError(ValueError):
    """Something can't be exported; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file that is not written yet."""

    name: str
    """What it should be called."""
    content: bytes
    """All of it; text is UTF-8."""
    media_type: str
    """For a browser: ``"text/csv"``."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file."""

    words: str
    """Its name on screen."""
    suffix: str
    """What its name ends in."""
    media_type: str
    """For a browser."""
    make: Callable[[ExportedRun], str | bytes]
    """Returns its text or its bytes."""


def _report(run: ExportedRun) -> str:
    # Imported by its first use: it needs all of Plotly, which the command has no other use for.
    from explorer.exports.report import report

    return report(run)


KINDS: Mapping[str, FileKind] = MappingProxyType(
    {
        "report": FileKind("Report (HTML)", ".html", "text/html", _report),
        "script": FileKind("Python script", ".py", "text/x-python", training_script),
        "csv": FileKind("Records (CSV)", ".csv", "text/csv", records_table),
        "weights": FileKind("Weights (NumPy)", ".npz", "application/octet-stream", weights_archive),
    }
)
"""The kinds by their names in Python, in the order of the menu."""


def export(kind: str, run: ExportedRun) -> ExportedFile:
    """Return the run as a file of one of `KINDS`.

    Raises
    ------
    ExportError
        If there is no such kind.
    WeightsError
        If it is of weights, and one is infinite or not a number.
    """
    if kind not in KINDS:
        raise ExportError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}")
    made = KINDS[kind].make(run)
    content = made.encode() if isinstance(made, str) else made
    return ExportedFile(run.file_name(KINDS[kind].suffix), content, KINDS[kind].media_type)


def kind_of(path: str | os.PathLike[str]) -> str:
    """Return the kind of file that a path names by its ending.

    Raises
    ------
    ExportError
        If no kind ends so.
    """
    suffix = Path(path).suffix.lower()
    for name, kind in KINDS.items():
        if kind.suffix == suffix:
            return name
    expected = ", ".join(f"{kind.suffix} ({kind.words})" for kind in KINDS.values())
    expected += f", {SUFFIX} (all runs)"
    raise ExportError(f"{Path(path).name} has an unknown ending; expected one of {expected}")
