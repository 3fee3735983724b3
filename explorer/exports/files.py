"""The kinds of file that a run can be exported as: what each is called, and who makes it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from explorer.exports.exported_run import ExportedRun

__all__ = ["KINDS", "ExportError", "ExportedFile", "Kind", "export", "kind_of"]


class ExportError(ValueError):
    """Something can't be exported; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file that is not written yet.

    Parameters
    ----------
    name : str
        What it should be called.
    content : bytes
        All of it; text is UTF-8.
    media_type : str
        For a browser: ``"text/csv"``.
    """

    name: str
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file.

    Parameters
    ----------
    words : str
        Its name on screen.
    suffix : str
        What its name ends in.
    media_type : str
        For a browser.
    make : callable
        Takes an `ExportedRun` and returns text or bytes.
    """

    words: str
    suffix: str
    media_type: str
    make: Callable[[ExportedRun], str | bytes]


# Each is imported by its first use: the report needs all of Plotly, which the command has no other use for.


def _script(run: ExportedRun) -> str:
    from explorer.exports.script import script

    return script(run)


def _table(run: ExportedRun) -> str:
    from explorer.exports.table import table

    return table(run)


def _weights(run: ExportedRun) -> bytes:
    from explorer.exports.weights import weights

    return weights(run)


def _report(run: ExportedRun) -> str:
    from explorer.exports.report import report

    return report(run)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "report": Kind("Report (HTML)", ".html", "text/html", _report),
        "script": Kind("Python script", ".py", "text/x-python", _script),
        "csv": Kind("Records (CSV)", ".csv", "text/csv", _table),
        "weights": Kind("Weights (NumPy)", ".npz", "application/octet-stream", _weights),
    }
)
"""The kinds by their names in Python, in the order of the menu."""


def export(kind: str, run: ExportedRun) -> ExportedFile:
    """Return the run as a file.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    run : ExportedRun
        The run.

    Raises
    ------
    ExportError
        If there is no such kind, or the weights that it needs are no longer kept.
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
    raise ExportError(f"{Path(path).name} has an unknown ending; expected one of {expected}")
