"""A session's file read back without trust: whatever is in it, there is a session or one clear error."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.foreign_files import FileError, printable
from explorer.network.array_archive import ArrayArchive, explained
from explorer.session.opening import OpenedWeights
from explorer.session.saved_session import FORMAT, MOST_RUNS, SUFFIX, SavedSession, data_checksums
from explorer.session.session_run import SessionRun
from explorer.training import (
    FIELDS,
    BatchRecord,
    ConfigError,
    DivergedError,
    EpochRecord,
    Evaluation,
    History,
    Moment,
    RunEnd,
    Snapshot,
    Timeline,
    TrainingConfig,
    TrainingRun,
    check_images,
)
from explorer.training.config import MOST_EPOCHS
from explorer.training.process_settings import one_blas_thread
from explorer.training.record_tables import figure_rows, whole_columns
from explorer.wording import writable

__all__ = ["SessionFileError", "is_session", "read_session"]

_EXPECTED = "a session that the explorer has saved"
_MOST_UNPACKED = 1 << 28
_MOST_TEXT = 1 << 24  # bytes of all names, notes and settings
_MOST = 10**12  # for whole numbers: float64 holds them exactly
_ENTRIES = frozenset({"session", "epochs", "confusions", "batches", "evaluations", "evaluated", "weights"})
_STATUSES = ("finished", "stopped", "failed")
_LONGEST_NAME, _LONGEST_NOTE = 60, 2000  # as the table of runs takes them


class SessionFileError(FileError):
    """A session's file that can't be used."""


def is_session(name: str, content: bytes) -> bool:
    """Return whether a file is meant to be a session, by its name or by its first entry."""
    return name.lower().endswith(SUFFIX) or content[30:41] == b"session.npy"


def read_session(content: bytes, name: str, dataset: Dataset) -> SavedSession:
    """Return the session in a file that `session_bytes` has made.

    Parameters
    ----------
    content : bytes
        All of the file. It may come from anywhere: nothing in it is run, and sizes are checked before it is read.
    name : str
        What errors call it.
    dataset : Dataset
        The images that its runs must have learned.

    Raises
    ------
    SessionFileError
        If it holds anything else. The message names the file, what was found and what was expected.
    """
    name = printable(name)
    with explained(name, SessionFileError, _EXPECTED):
        archive = ArrayArchive(BytesIO(content), name, _MOST_UNPACKED)
        session = _Checked(_text(archive), name)
        _check_kind(archive, session, dataset)
        return _Reader(archive, session, dataset).session()


def _text(archive: ArrayArchive) -> Any:
    """Return what the text of the file says."""
    if "session" not in archive.names:
        raise FileError(archive.name, "no entry “session”", _EXPECTED)
    if archive.size("session") > _MOST_TEXT:
        raise FileError(archive.name, f"{archive.size('session')} bytes of text", f"at most {_MOST_TEXT}")
    return json.loads(archive.array("session", "u1", 1, "a text").tobytes())


def _check_kind(archive: ArrayArchive, session: _Checked, dataset: Dataset) -> None:
    """Raise unless the file is of this format, and of runs on these images."""
    version = session.whole("format", 1)
    if version > FORMAT:
        newer = f"format {FORMAT}: a newer explorer opens it"
        raise FileError(archive.name, f"a session in format {version}", newer)
    if archive.names != _ENTRIES:
        raise FileError(archive.name, "other entries", ", ".join(sorted(_ENTRIES)))
    data = session.inner("data")
    if data.items("checksums", 4) != data_checksums(dataset):
        called = printable(data.text("name", _LONGEST_NAME))
        called = f"other images called {called}" if called == dataset.name else called
        raise FileError(archive.name, f"runs on {called}", f"runs on {dataset.name}, which is open")


class _Checked:
    """An object of the text, each of whose values is checked as it is taken."""

    def __init__(self, content: object, part: str) -> None:
        if not isinstance(content, dict):
            raise FileError(part, "something else than named values", _EXPECTED)
        self.content, self.part = content, part

    def whole(self, key: str, low: int = 0, high: int = _MOST) -> int:
        """Return a whole number."""
        value = self.content.get(key)
        if type(value) is not int or not low <= value <= high:
            raise self.refuse(key, f"a whole number from {low} to {high}")
        return value

    def real(self, key: str, high: float) -> float:
        """Return a number from 0 on."""
        value = self.content.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= high:
            raise self.refuse(key, f"a number from 0 to {high:g}")
        return float(value)

    def text(self, key: str, longest: int) -> str:
        """Return a text that any page can show."""
        value = self.content.get(key)
        if not isinstance(value, str) or len(value) > longest:
            raise self.refuse(key, f"a text of at most {longest} letters")
        return writable(value)

    def flag(self, key: str) -> bool:
        """Return a truth value."""
        value = self.content.get(key)
        if not isinstance(value, bool):
            raise self.refuse(key, "true or false")
        return value

    def items(self, key: str, most: int) -> list[Any]:
        """Return a list."""
        value = self.content.get(key)
        if not isinstance(value, list):
            raise self.refuse(key, "a list")
        if len(value) > most:
            raise FileError(self.part, f"{len(value)} {key}", f"at most {most}")
        return value

    def inner(self, key: str) -> _Checked:
        """Return an object in this one."""
        return _Checked(self.content.get(key), f"{self.part}, {key}")

    def config(self, key: str, dataset: Dataset) -> TrainingConfig:
        """Return settings that the data set allows."""
        named = self.inner(key)
        if named.content.keys() != FIELDS.keys():
            raise FileError(named.part, "other settings", ", ".join(FIELDS))
        try:
            config = TrainingConfig(**named.content)
            check_images(config, dataset)
        except ConfigError as error:
            raise FileError(named.part, f"{error.field} {error.value!r:.60}", error.expected) from error
        return config

    def refuse(self, key: str, expected: str) -> FileError:
        """Return the error that says what was expected in place of a value."""
        return FileError(f"{self.part}, {key}", printable(repr(self.content.get(key))[:80]), expected)


class _Reader:
    """Takes the runs of a file one by one, each with its rows of the tables."""

    def __init__(self, archive: ArrayArchive, session: _Checked, dataset: Dataset) -> None:
        self._name, self._session, self._dataset = archive.name, session, dataset
        n, n_test = dataset.n_classes, len(dataset.test_labels)
        self._no_outputs = np.empty((n, 0), np.float32)
        weights = archive.array("weights", "f4", 1, "float32 in one row", may_be_empty=True)
        if not np.isfinite(weights).all():
            found = "values that are infinite or not a number"
            raise FileError(f"{self._name}, weights", found, "finite weights")
        self._tables: dict[str, Any] = {
            "epochs": _figures(archive, "epochs", EpochRecord),
            "confusions": _read_only_counts(archive, "confusions", n, n_test),
            "batches": _figures(archive, "batches", BatchRecord),
            "evaluations": _figures(archive, "evaluations", Evaluation),
            "evaluated": _read_only_counts(archive, "evaluated", n, n_test),
            "weights": weights,
        }
        self._taken = dict.fromkeys(self._tables, 0)

    def session(self) -> SavedSession:
        """Return all of it."""
        session, dataset = self._session, self._dataset
        n_runs, present = session.whole("n_runs"), session.whole("present")
        listed, known = [], dict[int, SessionRun]()
        entries = session.items("runs", 2 * MOST_RUNS)  # those that are only parents among them
        self._check_networks(entries)
        for content in entries:
            entry = _Checked(content, f"{self._name}, run {len(known) + 1}")
            run = self._run(entry, known)
            if not max(known, default=0) < run.number <= n_runs:
                raise entry.refuse("number", f"a number above those before it, at most {n_runs}")
            run = run if run.number == present else run.set_aside()
            known[run.number] = run
            listed += [run] if entry.flag("listed") else []
        for name, rows in self._tables.items():
            if self._taken[name] != len(rows):
                raise FileError(f"{self._name}, {name}", "rows of no run", "those of its runs")
        if len(listed) > MOST_RUNS:
            raise FileError(self._name, f"{len(listed)} runs", f"at most {MOST_RUNS}")
        shown = next((run for run in listed if run.number == present), None)
        if present and (shown is None or (shown.newest is not None and not shown.newest.weights)):
            raise session.refuse("present", "0, or the number of a run whose network is there")
        first = session.content.get("first")
        return SavedSession(
            config=session.config("settings", dataset),
            runs=tuple(listed),
            present=present,
            n_runs=n_runs,
            first=None if first is None else session.config("first", dataset),
            saved_at=session.text("saved_at", _LONGEST_NAME),
        )

    def _check_networks(self, entries: list[Any]) -> None:
        """Raise if the outputs of all networks would fill the memory."""
        lists = (_Checked(entry, self._name).items("weights", MOST_EPOCHS + 2) for entry in entries)
        count, each = sum(map(len, lists)), 4 * self._dataset.n_classes * len(self._dataset.test_labels)
        if count * each > _MOST_UNPACKED:
            raise FileError(self._name, f"{count} networks", f"at most {_MOST_UNPACKED // each}")

    def _run(self, entry: _Checked, known: Mapping[int, SessionRun]) -> SessionRun:
        config = entry.config("settings", self._dataset)
        parent = entry.whole("parent")
        if parent and parent not in known:
            raise entry.refuse("parent", "0, or the number of a run before it")
        run = SessionRun(
            number=entry.whole("number", 1),
            dataset=self._dataset.head(config.n_train),
            history=History(config),
            label=entry.text("label", 2 * _LONGEST_NAME),
            name=entry.text("name", _LONGEST_NAME),
            note=entry.text("note", _LONGEST_NOTE),
            pinned=entry.flag("pinned"),
            hidden=entry.flag("hidden"),
            parent=known[parent].without_moments() if parent else None,
            opened=_opened(entry),
            first_epoch=entry.whole("first_epoch", 0, config.epochs),
            first_step=entry.whole("first_step"),
            first_seconds=entry.real("first_seconds", _MOST),
        )
        return self._with_records(run, entry)

    def _with_records(self, run: SessionRun, entry: _Checked) -> SessionRun:
        """Return the run with its rows of the tables."""
        config, n_starts = run.config, entry.whole("n_starts", 0, 1)
        epochs = self._epochs(n_starts + entry.whole("n_epochs", 0, MOST_EPOCHS))
        batches = [BatchRecord(**figures) for figures in self._take("batches", entry.whole("n_batches"))]
        start, own = epochs[:n_starts], epochs[n_starts:]
        snapshots = self._snapshots(run, entry)
        evaluation = self._evaluation(entry.whole("n_evaluations", 0, 1), snapshots)
        for records in (epochs, batches, [evaluation] if evaluation else []):
            _check_order(records, entry.part, run.first_epoch, config.epochs)
        end = _end(entry, evaluation)
        first = snapshots.get(float(run.first_epoch))
        run = replace(
            run,
            status="stopped" if end is None else end.status,
            history=History(config, tuple(own), tuple(batches), end),
            timeline=_timeline((*(start if run.parent else ()), *own), snapshots),
            evaluation=evaluation,
            start=next(iter(start), None),
            first_weights=first.weights if first is not None and run.opened is not None else None,
        )
        if run.newest is None and own:  # its network had no room
            bare = Snapshot(own[-1].epoch, (), self._no_outputs)
            run = replace(run, timeline=Timeline((Moment(own[-1], bare),)))
        began = run.timeline.moments[:1]
        is_origin = run.parent is not None and bool(began) and began[0].epoch == run.first_epoch
        return replace(run, origin=began[0]) if is_origin else run

    def _epochs(self, count: int) -> list[EpochRecord]:
        rows = zip(self._take("epochs", count), self._take("confusions", count), strict=True)
        return [EpochRecord(**figures, confusion=counts) for figures, counts in rows]

    def _evaluation(self, count: int, snapshots: Mapping[float, Snapshot]) -> Evaluation | None:
        for figures, counts in zip(
            self._take("evaluations", count), self._take("evaluated", count), strict=True
        ):
            epoch = figures["epoch"]
            snapshot = snapshots.get(epoch, Snapshot(epoch, (), self._no_outputs))
            return Evaluation(**figures, confusion=counts, snapshot=snapshot)
        return None

    def _snapshots(self, run: SessionRun, entry: _Checked) -> dict[float, Snapshot]:
        """Return the run's networks by their epoch; what they give for the test images is computed."""
        epochs = entry.items("weights", MOST_EPOCHS + 2)
        if not epochs:
            return {}
        training = TrainingRun(run.config, self._dataset)
        shapes = run.new_network().shapes.values()
        found = {}
        for epoch in epochs:
            if type(epoch) not in (int, float) or not 0 <= epoch <= run.config.epochs:
                raise entry.refuse("weights", f"epochs from 0 to {run.config.epochs}")
            training.set_weights([self._array(shape) for shape in shapes])
            with one_blas_thread():  # as when they were first computed: two threads round otherwise
                found[float(epoch)] = replace(training.snapshot(), epoch=epoch)
        return found

    def _array(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        return np.array(self._take("weights", math.prod(shape))).reshape(shape)

    def _take(self, table: str, count: int) -> Any:
        """Return the next rows of a table."""
        start = self._taken[table]
        rows = self._tables[table][start : start + count]
        if len(rows) < count:
            raise FileError(f"{self._name}, {table}", f"{len(self._tables[table])} rows", "those of all runs")
        self._taken[table] = start + count
        return rows


def _timeline(records: Iterable[EpochRecord], snapshots: Mapping[float, Snapshot]) -> Timeline:
    """Return the ends of epochs of which there are both figures and a network."""
    timeline = Timeline()
    for record in records:
        if record.epoch in snapshots:
            snapshot = replace(snapshots[record.epoch], epoch=record.epoch)
            timeline = timeline.followed_by(Moment(record, snapshot))
    return timeline


def _end(entry: _Checked, evaluation: Evaluation | None) -> RunEnd | None:
    """Return the last word of a run; None where it had none."""
    if not entry.flag("ended"):
        return None
    status = entry.content.get("status")
    if status not in _STATUSES:
        raise entry.refuse("status", f"one of {', '.join(_STATUSES)}")
    epoch = entry.whole("diverged_in", 0, MOST_EPOCHS)
    error = DivergedError(epoch) if epoch else None
    return RunEnd(status, entry.text("reason", _LONGEST_NOTE), evaluation, error)


def _opened(entry: _Checked) -> OpenedWeights | None:
    """Return the weights file that a run began with."""
    if entry.content.get("opened") is None:
        return None
    opened = entry.inner("opened")
    epoch = opened.whole("epoch", 0, MOST_EPOCHS)
    return OpenedWeights(opened.text("file", 4 * _LONGEST_NAME), epoch, opened.real("begun", 1))


def _check_order(
    records: Sequence[EpochRecord | BatchRecord | Evaluation], part: str, first: int, last: int
) -> None:
    """Raise unless the records are of epochs that the run can have, one after the other."""
    epochs = [record.epoch for record in records]
    rises = all(before < after for before, after in pairwise(epochs))
    if epochs and not (rises and first <= epochs[0] and epochs[-1] <= last):
        raise FileError(part, "records out of order", f"those of epochs from {first} to {last}")


def _figures(archive: ArrayArchive, name: str, kind: type) -> list[dict[str, Any]]:
    """Return a table of records, once each figure is one that a run can have."""
    whole = whole_columns(kind)
    part, expected = f"{archive.name}, {name}", f"float64 in {len(whole)} columns"
    table = archive.array(name, "f8", 2, expected, may_be_empty=True)
    if table.shape[1] != len(whole):
        raise FileError(part, f"{table.shape[1]} columns", expected)
    # The losses of a network that was stopped on its way out of all bounds may be no numbers.
    known = np.isfinite(table) if kind is not Evaluation else np.ones(table.shape, bool)
    for column, is_whole in zip(table.T, whole, strict=True):
        if is_whole and not ((column == np.floor(column)) & (column >= 0) & (column <= _MOST)).all():
            raise FileError(part, "a broken number", "whole numbers where a record has some")
    rows = figure_rows(kind, table)
    shares = [value for row in rows for key, value in row.items() if key.endswith("accuracy")]
    times = [value for row in rows for key, value in row.items() if key in ("epoch", "seconds")]
    if not (known.all() and all(0 <= share <= 1 for share in shares) and all(0 <= n <= _MOST for n in times)):
        raise FileError(part, "figures that no run can have", "finite losses, and shares from 0 to 1")
    return rows


def _read_only_counts(archive: ArrayArchive, name: str, n_classes: int, n_test: int) -> NDArray[np.int64]:
    """Return a table of confusion matrices, once each counts all test images."""
    part, expected = (
        f"{archive.name}, {name}",
        f"counts of {n_test} images in {n_classes} × {n_classes} cells",
    )
    counts = archive.array(name, "i4", 3, expected, may_be_empty=True).astype(np.int64)
    is_square = counts.shape[1:] == (n_classes, n_classes)
    if not is_square or (counts < 0).any() or (counts.sum(axis=(1, 2)) != n_test).any():
        raise FileError(part, "other counts", expected)
    counts.flags.writeable = False
    return counts
