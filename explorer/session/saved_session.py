"""A session as a file: a zip of plain arrays, without pickles, whose JSON text ``session`` says what they are.

All records of one kind are in one table, run after run. Weights are stored, outputs are recomputed; those of the
current run within its first epoch come last. Reading an untrusted file gives a session or one clear error.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import reduce
from io import BytesIO
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import load_mnist
from explorer.datasets.dataset import ARRAYS, Dataset, DatasetError
from explorer.datasets.plane import Plane, dataset_of, plane_of
from explorer.foreign_files import ArrayArchive, FileError, archive_bytes, explained, printable
from explorer.network import NeuralNetwork
from explorer.session.session_run import MOST_BYTES, Origin, SessionRun
from explorer.session.state import EarlierRuns, Finding, SessionState
from explorer.training import (
    FIELDS,
    BatchRecord,
    ConfigError,
    DivergedError,
    EpochRecord,
    Evaluation,
    FinalTest,
    History,
    Moment,
    RunEnd,
    SampleRecord,
    Snapshot,
    Timeline,
    TrainingConfig,
    check_images,
    new_network,
)
from explorer.training.config import MOST_EPOCHS
from explorer.training.learners import Sample, sampled_of, snapshot_of
from explorer.training.process_settings import one_blas_thread
from explorer.training.records import figure_kinds, figure_rows, figures_table, read_only_counts
from explorer.wording import writable

FORMAT = 3  # since 3, networks within the first epoch
SUFFIX = ".session"
"""File extension of a session."""

# The limits of a file.
MOST_RUNS = 1000  # not counting deleted ones that forks started from
MOST_TEXT = 3 << 20  # bytes of names, notes and settings; as Python objects they take fifty times as many
MOST_RECORD_BYTES = 12 << 20  # uncompressed; as Python objects they take six times as many
_MOST_UNPACKED = 6 * MOST_RECORD_BYTES  # of all entries
MOST_OUTPUT_BYTES = 1 << 28  # of the held-out outputs of all networks
_WEIGHT_BYTES = MOST_BYTES * 3 // 4  # the rest is for the records
_MOST_IMAGE_BYTES = 1 << 24  # of a data set that is in no other file
_MOST_EARLY = 40  # networks within the first epoch
_MOST_FINDINGS = 40  # of demonstrations, and of numbers in each
_MOST = 10**12  # of losses and integers: float64 represents them exactly

_PLAIN = ("number", "label", "name", "note", "pinned", "hidden")
"""Attributes of `SessionRun` that are written unchanged."""

_RECORDS = MappingProxyType({"epochs": EpochRecord, "batches": BatchRecord, "evaluations": Evaluation})
_COUNTS = MappingProxyType({"epochs": "confusions", "evaluations": "evaluated"})
"""The tables of records, and those of their confusion matrices."""

Weights = tuple[NDArray[np.floating[Any]], ...]


def kept_runs(state: SessionState) -> list[SessionRun]:
    """Return the runs on the state's data set that fit into a file: if too many, the marked and the newest."""
    kept, counted, room = list[SessionRun](), set[int](), 1.0
    runs = [run.reduced() if run.number in state.rivals else run for run in state.runs]
    for run in _by_worth((run for run in runs if run.dataset.whole is state.dataset), state):
        family = {one.number: one for one in run.lineage if one.number not in counted}
        room -= sum(map(_share, family.values()))
        if len(kept) == MOST_RUNS or room < 0:
            break
        counted |= family.keys()
        kept.append(run)
    return sorted(kept, key=lambda run: run.number)


def _by_worth(runs: Iterable[SessionRun], state: SessionState) -> list[SessionRun]:
    present = 0 if state.run is None else state.run.number
    return sorted(runs, key=lambda run: (run.number == present, run.is_marked, run.number), reverse=True)


def _share(run: SessionRun) -> float:
    """Return the fraction of a file's room that a run takes, without its networks."""
    per_epoch = 8 * 7 + 4 * run.dataset.n_classes**2
    records = per_epoch * (len(run.history.epochs) + 2) + 8 * 5 * len(run.history.batches)
    words = len(json.dumps([run.label, run.name, run.note, run.origin.file]))
    return records / MOST_RECORD_BYTES + (1000 + words) / MOST_TEXT


def session_bytes(state: SessionState, weight_bytes: int = _WEIGHT_BYTES) -> bytes:
    """Return a session with its `kept_runs` as the content of a file, at most 64 MB.

    Beyond `weight_bytes`, the oldest networks are dropped; a current run without its own becomes an earlier one.
    """
    kept, dataset, shown = kept_runs(state), state.dataset, state.begun_run
    listed = {run.number: run for run in kept}
    families = {one.number: one for run in kept for one in run.lineage} | listed
    runs = [run for _, run in sorted(families.items())]
    images = _own_arrays(dataset)
    weight_bytes = min(weight_bytes, _WEIGHT_BYTES - sum(array.nbytes for array in images.values()))
    weights, room = _fitting_weights(_by_worth(runs, state), weight_bytes)
    own = weights.get(shown.number, {}) if shown is not None else {}
    is_whole = shown is not None and (shown.newest.epoch in own if shown.newest else shown.own is None)
    early = shown.early if shown is not None and own and is_whole else ()
    if sum(array.nbytes for one in early for array in one.snapshot.weights) > room:
        early = ()
    content = {
        "format": FORMAT,
        "saved_at": f"{datetime.now():%Y-%m-%d %H:%M}",
        "present": shown.number if shown is not None and is_whole else 0,
        "n_runs": state.n_runs,
        "n_tested": state.n_tested,
        "data": {
            "name": dataset.name,
            "points": plane_of(dataset).text if dataset.is_plane else "",
            "checksums": dataset.checksums,
            "classes": dataset.class_names,
        },
        "settings": asdict(state.config),
        "first": None if state.first is None else asdict(state.first),
        "runs": [_entry(run, weights.get(run.number, {}), is_listed=run.number in listed) for run in runs],
        "early": [{"epoch": one.epoch, "step": one.step} for one in early],
        "findings": {key: asdict(one) for key, one in state.findings.items() if _fits(one)},
    }
    text = np.frombuffer(json.dumps(content).encode(), np.uint8)
    networks = [own for run in runs for own in weights.get(run.number, {}).values()]
    networks += [one.snapshot.weights for one in early]
    parameters = [array.ravel() for arrays in networks for array in arrays]
    tables = _tables(runs, dataset.n_classes) | images
    stored = {"weights": np.concatenate([np.empty(0, np.float32), *parameters], dtype=np.float32)}
    return archive_bytes({"session": text, **tables, **stored}, packed={"session", *tables})


def _own_arrays(dataset: Dataset) -> dict[str, NDArray[Any]]:
    is_elsewhere = dataset.source or dataset is load_mnist()
    arrays = {} if is_elsewhere else {name: getattr(dataset, name) for name in ARRAYS}
    arrays |= {_NAMES: np.array(dataset.class_names)} if arrays else {}  # for others that read the file
    return arrays if sum(array.nbytes for array in arrays.values()) <= _MOST_IMAGE_BYTES else {}


def kept_weights(run: SessionRun) -> dict[float, Weights]:
    """Return a run's available, finite weights by their epoch, newest last."""
    found: dict[float, Weights] = {}
    if run.own is not None:  # useless without the class
        return found
    if run.origin.weights is not None:
        found[float(run.origin.epoch)] = run.origin.weights
    found |= {float(moment.epoch): moment.weights for moment in run.timeline.moments if moment.weights}
    if run.evaluation is not None and run.evaluation.snapshot.weights:
        epoch = float(run.evaluation.epoch)
        found.pop(epoch, None)  # after early stopping it is not the last
        found[epoch] = run.evaluation.snapshot.weights
    return {at: weights for at, weights in found.items() if all(np.isfinite(W).all() for W in weights)}


def _fitting_weights(runs: Iterable[SessionRun], room: int) -> tuple[dict[int, dict[float, Weights]], int]:
    """Return weights by run and epoch, and the room left: the newest of each run, then earlier epochs."""
    known = {run: [*kept_weights(run).items()][::-1] for run in runs}
    newest = [(run, *found[0]) for run, found in known.items() if found]
    others = [(run, *moment) for run, found in known.items() for moment in found[1:]]
    chosen: dict[int, dict[float, Weights]] = {}
    output_room = MOST_OUTPUT_BYTES
    for run, epoch, weights in [*newest, *others]:
        room -= sum(array.nbytes for array in weights)
        output_room -= _output_bytes(run.dataset)
        if min(room, output_room) < 0:
            return chosen, -1
        chosen.setdefault(run.number, {})[epoch] = weights
    return chosen, room


def _output_bytes(dataset: Dataset) -> int:
    return 4 * dataset.n_classes * dataset.n_test


def _entry(run: SessionRun, weights: Mapping[float, Weights], *, is_listed: bool) -> dict[str, Any]:
    """Return a run's entry in the text; the tables hold as many rows as it states."""
    end = run.history.end
    error, origin = None if end is None else end.error, run.origin
    return {name: getattr(run, name) for name in _PLAIN} | {
        "listed": is_listed,
        "first_epoch": origin.epoch,
        "first_step": origin.step,
        "first_seconds": origin.seconds,
        "settings": asdict(run.config),
        "status": "stopped" if end is None else end.status,
        "ended": end is not None,
        "reason": "" if end is None else end.reason,
        "diverged_in": error.epoch if isinstance(error, DivergedError) else 0,
        "parent": 0 if origin.parent is None else origin.parent.number,
        "opened": {"file": origin.file} if origin.file else None,
        "test": asdict(run.test) if run.test and run.test.loss < _MOST else None,
        "n_starts": int(run.start is not None),
        "n_epochs": len(run.history.epochs),
        "n_batches": len(run.history.batches),
        "n_evaluations": int(run.evaluation is not None),
        "weights": [*weights],
    }


def _tables(runs: Sequence[SessionRun], n_classes: int) -> dict[str, NDArray[Any]]:
    records: dict[str, list[Any]] = {
        "epochs": [one for run in runs for one in (run.start, *run.history.epochs) if one is not None],
        "batches": [record for run in runs for record in run.history.batches],
        "evaluations": [run.evaluation for run in runs if run.evaluation is not None],
    }
    tables: dict[str, NDArray[Any]] = {n: figures_table(kind, records[n]) for n, kind in _RECORDS.items()}
    for name, counts in _COUNTS.items():
        confusions = np.array([record.confusion for record in records[name]], np.int32)
        tables[counts] = confusions.reshape(-1, n_classes, n_classes)
    return tables


# ---------------------------------------------------------------- reading

_EXPECTED = "a session that the explorer has saved"
_RATE = "learning_rate"  # the last figure of records, missing in files of format 1
_HIGHEST: Mapping[str, float] = MappingProxyType(
    {"epoch": _MOST, "step": _MOST, "seconds": _MOST, "train_accuracy": 1, "test_accuracy": 1, _RATE: 100}
)
_NAMES = "class_names"
_ENTRIES = frozenset({"session", *_RECORDS, *_COUNTS.values(), "weights"})

_Rules = Sequence[tuple[str, type, float, float]]
"""Names of values, their type, and the bounds of the number or of the length."""
_WORDS: Mapping[type, str] = MappingProxyType(
    {
        bool: "true or false",
        int: "a whole number from {} to {}",
        float: "a number from {} to {}",
        str: "a text of at most {1} letters",
        list: "a list of at most {1}",
    }
)
_SESSION: _Rules = (
    ("n_runs n_tested present", int, 0, _MOST),
    ("saved_at", str, 0, 60),
    ("runs", list, 0, 2 * MOST_RUNS),  # including those that are only parents
    ("early", list, 0, _MOST_EARLY),
)
_RUN: _Rules = (
    ("number", int, 1, _MOST),
    ("parent first_step n_batches", int, 0, _MOST),
    ("first_epoch n_epochs diverged_in", int, 0, MOST_EPOCHS),
    ("n_starts n_evaluations", int, 0, 1),
    ("first_seconds", float, 0, _MOST),
    ("listed pinned hidden ended", bool, 0, 1),
    ("name", str, 0, 60),  # the limit of the table of runs
    ("label", str, 0, 120),
    ("note reason status", str, 0, 2000),
    ("weights", list, 0, MOST_EPOCHS + 2),  # the epochs of its networks
)
_EARLY: _Rules = (("epoch", float, 0, 1 - 1e-9), ("step", int, 0, _MOST))
_OPENED: _Rules = (("file", str, 0, 240),)
_TEST: _Rules = (("loss", float, 0, _MOST), ("accuracy", float, 0, 1), ("n_images number", int, 1, _MOST))
_STATUSES = ("finished", "stopped", "failed")


class SessionFileError(FileError):
    """A session's file that can't be read."""


def read_session(content: bytes, name: str, dataset: Dataset) -> SessionState:
    """Read an untrusted file written by `session_bytes`, with runs on `dataset` or on points that it describes.

    Raises `SessionFileError` for any other content, with the file's `name`, what was found and what was expected.
    """
    name = printable(name)
    with explained(name, SessionFileError, _EXPECTED):
        archive = ArrayArchive(BytesIO(content), name, _MOST_UNPACKED)
        text, own = _text(archive, dataset)
        return _Reader(archive, own).session(text)


def _checked(content: Any, rules: _Rules, part: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise FileError(part, "something else than named values", _EXPECTED)
    for names, kind, low, high in rules:
        for key in names.split():
            value: Any = content.get(key)
            size = len(value) if isinstance(value, str | list) else value
            if type(value) not in {kind, int if kind is float else kind} or not low <= size <= high:
                raise _refused(part, key, content, _WORDS[kind].format(low, high))
    return {key: writable(value) if isinstance(value, str) else value for key, value in content.items()}


def _optional(entry: Mapping[str, Any], key: str, rules: _Rules, part: str) -> dict[str, Any]:
    return {} if entry.get(key) is None else _checked(entry[key], rules, f"{part}, {key}")


def _refused(part: str, key: str, content: Mapping[str, Any], expected: str) -> FileError:
    value = content.get(key)
    found = f"{len(value)} {key}" if isinstance(value, list) else printable(repr(value)[:80])
    return FileError(f"{part}, {key}", found, expected)


def _text(archive: ArrayArchive, dataset: Dataset) -> tuple[dict[str, Any], Dataset]:
    """Return a file's text, and the data set of its runs: `dataset`, or points."""
    text = archive.text("session", MOST_TEXT, _EXPECTED)
    version = _checked(text, [("format", int, 1, _MOST)], archive.name)["format"]
    if version > FORMAT:
        newer = f"format {FORMAT}: a newer explorer opens it"
        raise FileError(archive.name, f"a session in format {version}", newer)
    if archive.names - {_NAMES} not in (_ENTRIES, _ENTRIES | {*ARRAYS}):
        raise FileError(archive.name, "other entries", ", ".join(sorted(_ENTRIES)))
    data = _checked(text.get("data"), [("checksums", list, 0, 4)], f"{archive.name}, data")
    points = data.get("points")
    try:
        if points and not (dataset.is_plane and points == plane_of(dataset).text):
            dataset = dataset_of(Plane.parse(str(points)))
        if data["checksums"] != dataset.checksums and archive.names > {*ARRAYS}:
            dataset = _own_dataset(archive, text["data"])
    except DatasetError as error:
        raise FileError(f"{archive.name}, {error.file}", error.found, error.expected) from error
    if data["checksums"] != dataset.checksums:
        called = printable(str(data.get("name")))
        called = f"other images called {called}" if called == dataset.name else called
        raise FileError(archive.name, f"runs on {called}", f"runs on {dataset.name}, which is open")
    size = sum(map(archive.size, _ENTRIES - {"session", "weights"}))
    if size > MOST_RECORD_BYTES:
        raise FileError(archive.name, f"{size} bytes of records", f"at most {MOST_RECORD_BYTES}")
    return _checked({"n_tested": 0, "early": [], **text}, _SESSION, archive.name), dataset


def _own_dataset(archive: ArrayArchive, data: Any) -> Dataset:
    _checked(data, [("classes", list, 2, 1000), ("name", str, 1, 80)], f"{archive.name}, data")
    arrays: Any = {name: archive.array(name, "u1|i8", None, "images and labels") for name in ARRAYS}
    names = tuple(printable(str(name)) for name in data["classes"])
    return Dataset(printable(data["name"]), **arrays, class_names=names)


def _config(values: Any, part: str, dataset: Dataset) -> TrainingConfig:
    if not isinstance(values, dict) or not values or values.keys() - FIELDS.keys():
        raise FileError(part, "other settings", ", ".join(FIELDS))
    try:
        config = TrainingConfig(**values)
        check_images(config, dataset)
    except ConfigError as error:
        raise FileError(part, f"{error.field} {error.value!r:.60}", error.expected) from error
    return config


def _fits(finding: Finding) -> bool:
    values = [*finding.numbers.values(), *([] if finding.guess is None else [finding.guess])]
    known = all(type(value) in (int, float) and abs(value) <= _MOST for value in values)  # NaN is not
    return known and len(values) <= _MOST_FINDINGS


def _findings(content: Any, part: str) -> dict[str, Finding]:
    found: dict[str, Finding] = {}
    for key, entry in _checked(content, (), part).items():
        of_it = f"{part}, {printable(key)[:40]}"
        entry = _checked(entry, (), of_it)
        finding = Finding(_checked(entry.get("numbers"), (), of_it), entry.get("guess"))
        if len(content) > _MOST_FINDINGS or not _fits(finding):
            raise FileError(of_it, "other content", f"at most {_MOST_FINDINGS} numbers by their names")
        found[key] = finding
    return found


def _records(archive: ArrayArchive, name: str, n_classes: int) -> list[Any]:
    """Return all records in a table, and in that of its confusion matrices; evaluations have no networks yet."""
    kind, kinds = _RECORDS[name], figure_kinds(_RECORDS[name])
    part, expected = f"{archive.name}, {name}", f"float64 in {len(kinds)} columns"
    table = archive.array(name, "f8", 2, expected, may_be_empty=True)
    if _RATE in kinds and table.shape[1] == len(kinds) - 1:
        table = np.pad(table, ((0, 0), (0, 1)), constant_values=np.nan)
    if table.shape[1] != len(kinds):
        raise FileError(part, f"{table.shape[1]} columns", expected)
    for column, (figure, is_whole) in zip(table.T, kinds.items(), strict=True):
        if figure in _HIGHEST:
            fits = (column >= 0) & (column <= _HIGHEST[figure]) | (np.isnan(column) & (figure == _RATE))
        else:  # the losses of a run stopped while diverging may be NaN
            fits = np.isfinite(column) | (name == "evaluations")
        if not fits.all() or (is_whole and (column != np.floor(column)).any()):
            words = "whole numbers, finite losses, and shares from 0 to 1, where a record has some"
            raise FileError(part, "figures that no run can have", words)
    rows = figure_rows(kind, table)
    if name not in _COUNTS:
        return [kind(**row) for row in rows]
    key, expected = _COUNTS[name], f"counts in {n_classes} × {n_classes} cells, for each of the {name}"
    counts = read_only_counts(archive.array(key, "i4", 3, expected, may_be_empty=True))
    if counts.shape != (len(table), n_classes, n_classes) or (counts < 0).any():
        raise FileError(f"{archive.name}, {key}", "other counts", expected)
    more = {"snapshot": None} if kind is Evaluation else {}
    return [kind(**row, confusion=confusion, **more) for row, confusion in zip(rows, counts, strict=True)]


def _check_order(at: Sequence[float], part: str, first: int, last: int) -> None:
    if [*at] != sorted({*at}) or (at and not first <= at[0] <= at[-1] <= last):
        raise FileError(part, "records out of order", f"those of epochs from {first} to {last}")


class _Reader:
    def __init__(self, archive: ArrayArchive, dataset: Dataset) -> None:
        self._name, self._dataset = archive.name, dataset
        weights = archive.array("weights", "f4", 1, "float32 in one row", may_be_empty=True)
        if not np.isfinite(weights).all():
            found = "values that are infinite or not a number"
            raise FileError(f"{archive.name}, weights", found, "finite weights")
        records = {name: _records(archive, name, dataset.n_classes) for name in _RECORDS}
        self._tables: dict[str, Any] = {"weights": weights, **records}
        self._n_read = dict.fromkeys(self._tables, 0)
        self._output_room = MOST_OUTPUT_BYTES

    def session(self, text: Mapping[str, Any]) -> SessionState:
        name, present, n_runs, known = self._name, text["present"], text["n_runs"], dict[int, SessionRun]()
        listed: dict[int, SessionRun] = {}
        for position, found in enumerate(text["runs"], 1):
            part = f"{name}, run {position}"
            entry = _checked(found, _RUN, part)
            number = entry["number"]
            if not max(known, default=0) < number <= n_runs:
                raise _refused(part, "number", entry, f"a number above those before it, at most {n_runs}")
            run = self._run(entry, part, known)
            known[number] = run if number == present else run.reduced()
            if entry["listed"]:
                listed[number] = known[number]
        if len(listed) > MOST_RUNS:
            raise FileError(name, f"{len(listed)} runs", f"at most {MOST_RUNS}")
        tests = [run.test.number for run in listed.values() if run.test]
        shown, first = listed.pop(present, None), text.get("first")
        if present and (shown is None or (shown.newest is not None and not shown.newest.weights)):
            raise _refused(name, "present", text, "0, or the number of a run whose network is there")
        if shown is not None:
            shown = replace(shown, early=tuple(self._early(text["early"], shown)))
        for table, rows in self._tables.items():
            if self._n_read[table] != len(rows):
                raise FileError(f"{name}, {table}", "rows of no run", "those of its runs")
        return SessionState(
            dataset=self._dataset,
            config=_config(text.get("settings"), f"{name}, settings", self._dataset),
            run=shown,
            earlier=EarlierRuns(tuple(listed.values())),
            n_runs=n_runs,
            n_tested=max(text["n_tested"], *tests, 0),
            first=None if first is None else _config(first, f"{name}, first", self._dataset),
            findings=_findings(text.get("findings", {}), f"{name}, findings"),
            saved_at=text["saved_at"],
        )

    def _run(self, entry: Mapping[str, Any], part: str, known: Mapping[int, SessionRun]) -> SessionRun:
        config = _config(entry.get("settings"), f"{part}, settings", self._dataset)
        parent, first_epoch = known.get(entry["parent"]), entry["first_epoch"]
        if entry["parent"] and parent is None:
            raise _refused(part, "parent", entry, "0, or the number of a run before it")
        if entry["status"] not in _STATUSES:
            raise _refused(part, "status", entry, f"one of {', '.join(_STATUSES)}")
        test, opened = _optional(entry, "test", _TEST, part), _optional(entry, "opened", _OPENED, part)
        used = self._dataset.head(config.n_train).hold_out(config.n_validation, config.seed)
        snapshots = self._snapshots(config, used, entry, part)
        start, own = self._next("epochs", entry["n_starts"]), self._next("epochs", entry["n_epochs"])
        batches = self._next("batches", entry["n_batches"])
        evaluations = [
            replace(one, snapshot=snapshots.get(one.epoch) or self._bare(one.epoch))
            for one in self._next("evaluations", entry["n_evaluations"])
        ]
        for records in ([*start, *own], batches, evaluations):
            _check_order([record.epoch for record in records], part, first_epoch, config.epochs)
        counted = (*own, *evaluations, *(() if parent else start))
        if any(record.confusion.sum() != used.n_test for record in counted):
            raise FileError(part, "other counts", f"those of {used.n_test} images")
        shown = [*start, *own] if parent else own
        moments = [Moment(one, snapshots[one.epoch]) for one in shown if one.epoch in snapshots]
        if own and not moments and not evaluations:  # its network had no room
            moments = [Moment(own[-1], self._bare(own[-1].epoch))]
        timeline = reduce(Timeline.followed_by, moments, Timeline())
        evaluation = evaluations[0] if evaluations else None
        error = DivergedError(entry["diverged_in"]) if entry["diverged_in"] else None
        end = RunEnd(entry["status"], entry["reason"], evaluation, error) if entry["ended"] else None
        first = snapshots.get(first_epoch)
        origin = Origin(
            first_epoch,
            entry["first_step"],
            entry["first_seconds"],
            parent=parent and parent.without_moments(),
            moment=Moment(start[0], first) if parent and start and first else None,
            file=opened.get("file", ""),
            weights=first.weights if opened and first else None,
        )
        return SessionRun(
            **{name: entry[name] for name in _PLAIN},
            dataset=used,
            history=History(config, tuple(own), tuple(batches), end),
            timeline=timeline,
            status="stopped" if end is None else end.status,
            evaluation=evaluation,
            origin=origin,
            test=FinalTest(**test) if test else None,
            start=start[0] if start else None,
        )

    def _snapshots(
        self, config: TrainingConfig, used: Dataset, entry: Mapping[str, Any], part: str
    ) -> dict[float, Snapshot]:
        """Return a run's networks by epoch, with their outputs for the held-out images recomputed."""
        self._output_room -= len(entry["weights"]) * _output_bytes(used)
        if self._output_room < 0:
            found = f"{len(entry['weights'])} networks"
            raise FileError(part, found, "fewer, whose outputs memory has room for")
        found_at: dict[float, Snapshot] = {}
        network = new_network(config, self._dataset)
        for epoch in entry["weights"]:
            if type(epoch) not in (int, float) or not 0 <= epoch <= config.epochs:
                raise _refused(part, "weights", entry, f"epochs from 0 to {config.epochs}")
            network.set_weights(self._next_weights(network))
            with one_blas_thread():  # as in the original computation: two threads would round differently
                found_at[epoch] = snapshot_of(network, used, epoch)
        return found_at

    def _early(self, found: list[Any], run: SessionRun) -> Iterator[SampleRecord]:
        """Yield a run's networks within its first epoch, scored again on the sample of its held-out images."""
        part = f"{self._name}, early"
        begun = [_checked(one, _EARLY, part) for one in found]
        _check_order([one["epoch"] for one in begun], part, 0, 1)
        sample, network = Sample(run.dataset, run.config.seed), run.new_network()
        for one in begun:
            network.set_weights(self._next_weights(network))
            with one_blas_thread():
                yield sampled_of(network, sample, one["epoch"], one["step"])

    def _next_weights(self, network: NeuralNetwork) -> list[NDArray[np.float32]]:
        shapes = network.shapes.values()
        return [self._next("weights", math.prod(shape)).reshape(shape) for shape in shapes]

    def _bare(self, epoch: float) -> Snapshot:
        return Snapshot(epoch, (), np.empty((self._dataset.n_classes, 0), np.float32))

    def _next(self, table: str, count: int) -> Any:
        first = self._n_read[table]
        rows = self._tables[table][first : first + count]
        if len(rows) < count:
            raise FileError(f"{self._name}, {table}", f"{len(self._tables[table])} rows", "those of all runs")
        self._n_read[table] += count
        return rows
