"""The journal of a study: a file that has each trial as soon as it ends, and lets the study go on later.

It is text, a JSON object on each line. A study that opens it adds a line that names the package's version, the data
and who writes; then comes a line for each trial. Nothing in it is ever changed, and each line is on the disk before
the trial counts: whatever is cut off, at whatever byte, the lines before it stand.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import numpy as np
from filelock import FileLock, Timeout

from explorer.datasets import Dataset
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.record_tables import figure_kinds, read_only_counts
from explorer.training.records import EpochRecord
from explorer.training.studies.trials import FinalFigures, StudyError, Trial

__all__ = ["Journal", "RecordedStudy", "data_hash", "journal_content", "parse_journal", "read_journal"]

_FORMAT = 1
_BEGINNING = b'{"nn-explorer study": '  # of every line that says who writes
_PLAIN = ("status", "error", "seconds", "worker", "tries")  # what a trial has of plain values


@dataclass(frozen=True, slots=True)
class RecordedStudy:
    """What a journal has."""

    trials: tuple[Trial, ...] = ()
    """In the order in which they ended; of a config that was run again, the newest."""
    dataset_name: str = ""
    data_hash: str = ""
    """What `data_hash` says of the data; empty for a file without a line."""
    writer: str = ""
    """Who opened it last: ``"process 4711 on hal, since 2026-03-01 10:00 UTC"``."""
    n_bytes: int = 0
    """Length of its whole lines; what comes after them was cut off."""
    notice: str = ""
    """That its last line was cut off, in one sentence; empty if it wasn't."""


def read_journal(path: str | os.PathLike[str]) -> RecordedStudy:
    """Return what a journal has; a last line that was cut off is left out.

    Raises
    ------
    StudyError
        If the file can't be read, is no journal, or is damaged.
    """
    path = Path(path).expanduser()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StudyError(f"{path} can't be read: {error.strerror}.") from error
    return parse_journal(content, path.name)


def parse_journal(content: bytes, name: str) -> RecordedStudy:
    """Return what is in a journal of this content, which a message calls by its `name`; see `read_journal`."""
    if not _BEGINNING.startswith(content[: len(_BEGINNING)]):
        raise StudyError(f"{name} is not the journal of a study.")
    *lines, cut = content.split(b"\n")
    found = RecordedStudy(n_bytes=len(content) - len(cut))
    trials: dict[TrainingConfig, Trial] = {}
    for number, line in enumerate(lines, start=1):
        try:
            values = json.loads(line)
            if line.startswith(_BEGINNING):
                found = _opened(found, values)
            else:
                trial = _trial(values)
                trials.pop(trial.config, None)
                trials[trial.config] = trial
        except StudyError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise StudyError(f"{name} is damaged in line {number}: {error}.") from error
    notice = f"The last line of {name} was cut off: its trial is run again." if cut else ""
    return replace(found, trials=tuple(trials.values()), notice=notice)


def journal_content(trials: Iterable[Trial], dataset: Dataset) -> bytes:
    """Return the content of a journal of these trials, all on these data: for a file that is made in one go."""
    return b"".join(map(_line, (_opening(dataset, data_hash(dataset)), *map(_row, trials))))


class Journal:
    """A study's file, open to add trials to it; one process at a time has it. It is a context.

    Parameters
    ----------
    path : path
        The file; it is made if it isn't there.
    dataset : Dataset
        The images and labels of the study, which must be those of the trials that the file has.

    Raises
    ------
    StudyError
        If the file is no journal or is damaged, has trials of other data, is being written by another process, or
        can't be opened or written.
    """

    def __init__(self, path: str | os.PathLike[str], dataset: Dataset) -> None:
        self._path = Path(path).expanduser().absolute()
        self._lock = FileLock(f"{self._path}.lock", timeout=0)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise StudyError(f"{self._path} is in use by {_writer(self._path)}.") from error
        except OSError as error:
            raise StudyError(f"{self._path} can't be written: {error.strerror}.") from error
        try:
            self.recorded = self._open(dataset)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, trial: Trial) -> None:
        """Write a trial, and return when it is on the disk.

        Raises
        ------
        StudyError
            If it can't be written, as on a full disk. The file then ends with the trial before.
        """
        self._write(_row(trial))

    def close(self) -> None:
        """Let go of the file; another process may then open it."""
        self._file.close()
        with suppress(OSError):  # where a file that is open can't be removed, it stays
            Path(self._lock.lock_file).unlink()
        self._lock.release()

    def _open(self, dataset: Dataset) -> RecordedStudy:
        is_new = not self._path.exists()
        recorded = RecordedStudy() if is_new else read_journal(self._path)
        own = data_hash(dataset)
        if recorded.data_hash not in ("", own):
            raise StudyError(
                f"{self._path.name} has trials of other data, {recorded.dataset_name}; these are {dataset.name}."
            )
        try:
            self._file = self._path.open("wb" if is_new else "r+b", buffering=0)
            self._file.seek(recorded.n_bytes)
            self._file.truncate()
        except OSError as error:
            raise StudyError(f"{self._path} can't be written: {error.strerror}.") from error
        try:
            self._write(_opening(dataset, own))
        except BaseException:
            self._file.close()
            raise
        return recorded

    def _write(self, values: Mapping[str, Any]) -> None:
        line, end = _line(values), self._file.tell()
        try:
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(end)
                self._file.seek(end)
            raise StudyError(f"{self._path} can't be written: {error.strerror}.") from error


def _writer(path: Path) -> str:
    with suppress(StudyError):
        if writer := read_journal(path).writer:
            return writer
    return "another process"


def data_hash(dataset: Dataset) -> str:
    """Return a name of the images and labels of a data set: equal for equal ones, 32 hexadecimal digits."""
    digest = sha256()
    for array in (dataset.train_images, dataset.train_labels, dataset.test_images, dataset.test_labels):
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()[:32]


def _line(values: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(values)}\n".encode()


def _opening(dataset: Dataset, own_hash: str) -> dict[str, Any]:
    from explorer import __version__  # its module imports this one

    return {
        "nn-explorer study": _FORMAT,
        "version": __version__,
        "data": dataset.name,
        "data hash": own_hash,
        "host": platform.node(),
        "process": os.getpid(),
        "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }


def _opened(found: RecordedStudy, values: Mapping[str, Any]) -> RecordedStudy:
    if values["nn-explorer study"] != _FORMAT:
        raise StudyError(f"The journal is of a later version of the package, {values.get('version')}: update it.")
    return replace(
        found,
        dataset_name=str(values["data"]),
        data_hash=str(values["data hash"]),
        writer=f"process {values['process']} on {values['host']}, since {values['since']}",
    )


def _row(trial: Trial) -> dict[str, Any]:
    names = figure_kinds(EpochRecord)
    epochs = [
        {name: getattr(record, name) for name in names} | {"confusion": record.confusion.tolist()}
        for record in trial.epochs
    ]
    return {
        "config": {name: getattr(trial.config, name) for name in FIELDS},
        **{name: getattr(trial, name) for name in _PLAIN},
        "final": trial.final and asdict(trial.final),
        "epochs": epochs,
    }


def _trial(row: Mapping[str, Any]) -> Trial:
    if unknown := set(row["config"]) - set(FIELDS):
        raise StudyError(f"The journal has settings that this version doesn't know: {', '.join(sorted(unknown))}.")
    if row["status"] not in ("finished", "diverged", "failed"):
        raise ValueError(f"unknown status {row['status']!r}")
    return Trial(
        config=TrainingConfig(**row["config"]),
        status=row["status"],
        epochs=tuple(_epoch(record) for record in row["epochs"]),
        final=row["final"] and FinalFigures(**{name: float(value) for name, value in row["final"].items()}),
        error=str(row["error"]),
        seconds=float(row["seconds"]),
        worker=str(row["worker"]),
        tries=int(row["tries"]),
    )


def _epoch(record: Mapping[str, Any]) -> EpochRecord:
    figures = {
        name: (int if is_whole else float)(record[name])
        for name, is_whole in figure_kinds(EpochRecord).items()
    }
    return EpochRecord(**figures, confusion=read_only_counts(np.array(record["confusion"])))
