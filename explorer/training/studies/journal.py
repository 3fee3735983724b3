"""A trial of a study, and the journal: a file that stores each as it ends, so that the study can be resumed.

It has one JSON object per line: a header (package version, data, writer) for each study that opens it, then its
trials. Lines never change, and each is on disk before its trial counts: cut at any byte, the earlier ones stay.
The figures of a trial's epochs are columns. Each confusion matrix is much like the one before: what is stored are
their differences, int64, compressed, in base 64.
"""

from __future__ import annotations  # `figure_kinds` reads them

import json
import logging
import math
import os
import platform
import sys
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from io import BytesIO, FileIO
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.foreign_files import FileError, open_plain_file, reason
from explorer.training.config import FIELDS, MOST_EPOCHS, TrainingConfig
from explorer.training.records import EpochRecord, Evaluation, History, figure_kinds, read_only_counts
from explorer.wording import writable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

TrialStatus = Literal["finished", "diverged", "failed"]

_FORMAT, _FORMATS = 2, (1, 2)  # the first had an object for each epoch, with its matrix as numbers
_BEGINNING = b'{"nn-explorer study": '  # of every header line
_MOST_MATRICES = 8 * MOST_EPOCHS * 100**2  # bytes of a trial's, unpacked
_MOST_BYTES, _MOST_LISTS = 1 << 24, 1 << 16  # of a line: 500 epochs' matrices of 100 classes

_log = logging.getLogger(__name__)


class StudyError(RuntimeError):
    """A study, or one of its runs, can't continue; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class FinalFigures:
    """Exact figures of a network at the end of its run."""

    train_loss: float
    test_loss: float
    """Mean loss per sample over the whole training set in use, and over the test set."""
    train_accuracy: float
    test_accuracy: float
    """Share of the same samples classified correctly, 0 to 1."""

    @classmethod
    def of(cls, evaluation: Evaluation) -> Self:
        """Copy the figures of an evaluation."""
        return cls(**{name: getattr(evaluation, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a study. Two are equal if their results are, wherever and however fast they ran."""

    config: TrainingConfig
    status: TrialStatus
    """Diverged if the loss became infinite or NaN; failed for any other reason, so that a retry may succeed."""
    epochs: tuple[EpochRecord, ...] = ()
    """Its records; if it did not finish, those up to then."""
    final: FinalFigures | None = None
    """Exact figures at its end; None unless it finished."""
    error: str = ""
    """Why it did not finish, in one sentence; empty if it did."""
    seconds: float = field(default=0.0, compare=False)
    """Wall time of its last attempt, in seconds."""
    worker: str = field(default="", compare=False)
    """Where it ran: host and process, ``"hal:4711"``."""
    tries: int = field(default=1, compare=False)
    """Number of attempts: more than 1 if a worker died."""

    @property
    def history(self) -> History:
        """The records as a `History`."""
        return History(self.config, self.epochs)

    @property
    def is_settled(self) -> bool:
        """Whether a retry would give the same result."""
        return self.status != "failed"


@dataclass(frozen=True, slots=True)
class RecordedStudy:
    """The content of a journal."""

    trials: tuple[Trial, ...] = ()
    """In the order in which they ended; only the newest for a config that was run again."""
    dataset_name: str = ""
    data_hash: str = ""
    """The `content_hash` of the data; empty for a file without a line."""
    writer: str = "another study"
    """The last study that opened it: ``"process 4711 on hal, since 2026-03-01 10:00 UTC"``."""
    n_bytes: int = 0
    """Length of the complete lines; a truncated line may follow them."""
    notice: str = ""
    """One sentence if the last line was truncated; empty otherwise."""

    @property
    def settled(self) -> dict[TrainingConfig, Trial]:
        """The trials that need not run again, by their settings."""
        return {trial.config: trial for trial in self.trials if trial.is_settled}


def read_journal(path: str | os.PathLike[str]) -> RecordedStudy:
    """Read a journal, without a truncated last line; `StudyError` if the file is not a journal."""
    try:
        path = Path(path).expanduser()
        with open_plain_file(path, str(path)) as file:
            state = os.fstat(file.fileno())
            known = _last_read().get(key := (path, state.st_ino, state.st_size, state.st_mtime_ns))
            content = b"" if known else file.read()
    except (FileError, OSError, RuntimeError) as error:  # RuntimeError: no home folder for its “~”
        raise StudyError(str(error)) from error
    if known is None:
        known = parse_journal(content, path.name)
        _last_read().clear()
        _last_read()[key] = known
    return known


@cache
def _last_read() -> dict[tuple[Path, int, int, int], RecordedStudy]:
    """Return the journal that was read last: a command looks into it before its study opens it."""
    return {}


def settled_trials(path: str | os.PathLike[str] | None) -> dict[TrainingConfig, Trial]:
    """Return the trials of a journal that need not run again; none without a file."""
    if path is None or not Path(path).expanduser().exists():
        return {}
    return read_journal(path).settled


def parse_journal(content: bytes, name: str) -> RecordedStudy:
    """Parse the content of a journal; messages call the file `name`. See `read_journal`."""
    if not _BEGINNING.startswith(content[: len(_BEGINNING)]):
        raise StudyError(f"{name} is not the journal of a study.")
    end = content.rfind(b"\n") + 1
    found, trials = RecordedStudy(n_bytes=end), dict[TrainingConfig, Trial]()
    for number, line in enumerate(BytesIO(content), start=1):
        if not line.endswith(b"\n"):  # truncated
            break
        try:
            if line.count(b"[") + line.count(b"{") > _MOST_LISTS or len(line) > _MOST_BYTES:
                raise ValueError("more than a trial has")  # as Python objects, many times as large
            values = json.loads(line)
            is_known = values.get("nn-explorer study", _FORMAT) in _FORMATS
            if not is_known or {*values.get("config", ())} - FIELDS.keys():
                raise StudyError(f"{name} was written by a later version of nn-explorer; update to read it.")
            if line.startswith(_BEGINNING):
                writer = f"process {values['process']} on {values['host']}, since {values['since']}"
                dataset_name, own_hash = (writable(str(values[key])) for key in ("data", "data hash"))
                found = RecordedStudy((), dataset_name, own_hash, writable(writer), end)
            else:
                trial = _trial(values)
                trials.pop(trial.config, None)
                trials[trial.config] = trial
        except (
            ValueError,
            TypeError,
            LookupError,
            ArithmeticError,
            AttributeError,
            RecursionError,
            zlib.error,
        ) as error:
            raise StudyError(f"{name} is damaged in line {number}.") from error
    notice = f"The last line of {name} was cut off and has been ignored." if end < len(content) else ""
    return replace(found, trials=tuple(trials.values()), notice=notice)


class Journal:
    """A study's file, open for adding trials, and locked for one study at a time. It is a context manager.

    The file is created if it doesn't exist. Raises `StudyError` if it is not a journal or is damaged, holds runs
    on another data set than `dataset`, is being written by another study, or can't be opened or written.
    """

    def __init__(self, path: str | os.PathLike[str], dataset: Dataset) -> None:
        own = dataset.content_hash
        try:
            self._path = Path(path).expanduser().absolute()
            self._file = self._path.open("a+b", buffering=0)
        except (OSError, ValueError, RuntimeError) as error:
            raise StudyError(f"{path} can't be written: {reason(error)}.") from error
        try:
            is_ours = _lock(self._file)
            self.recorded = read_journal(self._path)
            _last_read().clear()  # it is about to change
            if not is_ours:
                raise StudyError(f"{self._path} is in use by {self.recorded.writer}.")
            if self.recorded.data_hash not in ("", own):
                data = f"runs on another data set, {self.recorded.dataset_name}; this one is {dataset.name}"
                raise StudyError(f"{self._path} holds {data}.")
            if self.recorded.notice:
                _log.warning(self.recorded.notice)
            self._write(_opening(dataset, own), self.recorded.n_bytes)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, trial: Trial) -> None:
        """Write a trial to the disk; if that fails, raise `StudyError` and leave the file unchanged."""
        values = {field.name: getattr(trial, field.name) for field in fields(trial)}
        final = None if trial.final is None else asdict(trial.final)
        columns = {**values, "config": asdict(trial.config), "epochs": _columns(trial.epochs), "final": final}
        self._write(_line(columns), self._file.tell())

    def _write(self, line: bytes, end: int) -> None:
        """Write a line at `end`, after the complete lines."""
        try:
            self._file.truncate(end)
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(end)
                self._file.seek(end)
            raise StudyError(f"{self._path} can't be written: {reason(error)}.") from error


def _lock(file: FileIO) -> bool:
    """Lock a file until it is closed or the process dies; return False if another process has locked it."""
    try:
        if sys.platform == "win32":
            file.seek(2**40)  # a byte beyond any journal: nobody can read a locked one
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:  # some network shares have no locks
        raise StudyError(f"{file.name} can't be locked for one study: {reason(error)}.") from error
    return True


def _line(values: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(values, default=np.ndarray.tolist)}\n".encode()


def _opening(dataset: Dataset, own_hash: str) -> bytes:
    return _line(
        {
            "nn-explorer study": _FORMAT,
            "version": version("nn-explorer"),
            "data": dataset.name,
            "data hash": own_hash,
            "host": platform.node(),
            "process": os.getpid(),
            "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        }
    )


def _trial(row: Mapping[str, Any]) -> Trial:
    if row["status"] not in get_args(TrialStatus):
        raise ValueError(f"unknown status {row['status']!r}")
    return Trial(
        config=TrainingConfig(**row["config"]),
        status=row["status"],
        epochs=tuple(_epochs(row["epochs"])),
        final=None if row["final"] is None else FinalFigures(**_figures(FinalFigures, row["final"])),
        error=writable(str(row["error"])),
        worker=writable(str(row["worker"])),
        **_figures(Trial, row),
    )


def _figures(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a record, checked to be in the range of a run's."""
    figures = {name: (int if whole else float)(values[name]) for name, whole in figure_kinds(kind).items()}
    highest = {"epoch": MOST_EPOCHS, "seconds": 1e12, "train_accuracy": 1, "test_accuracy": 1}
    if not all(0 <= figures.get(name, 0) <= most for name, most in highest.items()):  # NaN fails too
        raise ValueError("figures that no run can have")
    return figures


def _columns(epochs: Sequence[EpochRecord]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        name: [getattr(record, name) for record in epochs] for name in figure_kinds(EpochRecord)
    }
    matrices = np.array([record.confusion for record in epochs], "<i8")  # (n_epochs, n_classes, n_classes)
    packed = b64encode(zlib.compress(np.diff(matrices, axis=0, prepend=0).tobytes())) if epochs else b""
    return {**columns, "classes": matrices.shape[-1], "confusion": packed.decode()}


def _epochs(written: Any) -> Iterator[EpochRecord]:
    if isinstance(written, list):  # of the first format
        rows = [{"learning_rate": math.nan, **record} for record in written]  # the earliest lack it
        matrices = [np.array(record["confusion"]) for record in written]
    else:
        names = figure_kinds(EpochRecord)
        columns = zip(*(written[name] for name in names), strict=True)
        rows = [dict(zip(names, row, strict=True)) for row in columns]
        matrices = [*_unpacked(written["confusion"], len(rows), int(written["classes"]))]
    for row, counts in zip(rows, matrices, strict=True):
        if counts.dtype.kind != "i" or (counts < 0).any():
            raise ValueError("counts that are no whole numbers")
        square = read_only_counts(counts.reshape(len(counts), len(counts)))
        yield EpochRecord(**_figures(EpochRecord, row), confusion=square)


def _unpacked(packed: str, n: int, n_classes: int) -> NDArray[np.int64]:
    """Return `n` confusion matrices, (n, n_classes, n_classes)."""
    n_bytes = 8 * n * n_classes**2
    if not 0 <= n_bytes <= _MOST_MATRICES:
        raise ValueError("more than a trial has")
    content = zlib.decompressobj().decompress(b64decode(packed, validate=True), n_bytes + 1) if n else b""
    differences = np.frombuffer(content, "<i8").reshape(n, n_classes, n_classes)
    return np.cumsum(differences, axis=0, dtype=np.int64)
