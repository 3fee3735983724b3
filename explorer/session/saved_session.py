"""A session as a file: all its runs, with their names and notes, and the settings.

The file is a zip of plain arrays, without pickles. All records of one kind are in one table, run after run;
the JSON text ``session`` assigns the rows to the runs. Weights are stored, outputs are recomputed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.dataset import ARRAYS, Dataset
from explorer.foreign_files import archive_bytes
from explorer.session.opening import MOST_BYTES
from explorer.session.session_run import SessionRun
from explorer.training import BatchRecord, DivergedError, EpochRecord, Evaluation, TrainingConfig
from explorer.training.records import figures_table

FORMAT = 2
SUFFIX = ".session"
"""File extension of a session."""

MOST_RUNS = 1000
"""Maximum number of runs in a file, not counting deleted ones that forks started from."""

MOST_TEXT = 3 << 20
"""Maximum bytes of all names, notes and settings; as Python objects they take fifty times as many."""

MOST_RECORD_BYTES = 12 << 20
"""Maximum bytes of all records, uncompressed; as Python objects they take six times as many."""

PLAIN = ("number", "label", "name", "note", "pinned", "hidden", "first_epoch", "first_step", "first_seconds")
"""Attributes of `SessionRun` that are written unchanged."""

_MOST_LOSS = 1e12  # maximum that a reader accepts
_WEIGHT_BYTES = MOST_BYTES * 3 // 4  # the rest is for the records

MOST_OUTPUT_BYTES = 1 << 28
"""Maximum bytes of the held-out outputs of all networks in a file."""

Weights = tuple[NDArray[np.floating[Any]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSession:
    """The content of a session's file."""

    config: TrainingConfig
    """The settings of the next run."""
    runs: tuple[SessionRun, ...]
    """The runs, oldest first."""
    present: int = 0
    """Number of the current run; 0 for none."""
    n_runs: int = 0
    """Number of the last run ever started."""
    n_tested: int = 0
    """How many times the test set was opened."""
    first: TrainingConfig | None = None
    """Settings of the session's first run, which labels are relative to."""
    saved_at: str = ""
    """When the session was saved: ``"2026-11-26 14:05"``."""

    @property
    def kept(self) -> tuple[SessionRun, ...]:
        """The runs that fit into a file: if there are too many, the marked and the newest."""
        kept: list[SessionRun] = []
        counted: set[int] = set()
        room = 1.0
        for run in sorted(self.runs, key=self._worth, reverse=True):
            family = {one.number: one for one in (run, *_ancestors([run])) if one.number not in counted}
            room -= sum(map(_share, family.values()))
            if len(kept) == MOST_RUNS or room < 0:
                break
            counted |= family.keys()
            kept.append(run)
        return tuple(sorted(kept, key=lambda run: run.number))

    def _worth(self, run: SessionRun) -> tuple[bool, bool, int]:
        return run.number == self.present, run.is_marked, run.number


def session_bytes(saved: SavedSession, dataset: Dataset, weight_bytes: int = _WEIGHT_BYTES) -> bytes:
    """Return the content of the file, at most 64 MB.

    If the networks take more than `weight_bytes`, the oldest are dropped first; figures and curves stay.
    """
    kept = saved.kept
    listed = {run.number for run in kept}
    by_number = {run.number: run for run in (*_ancestors(kept), *kept)}
    runs = [run for _, run in sorted(by_number.items())]
    weights = _fitting_weights(runs, saved, weight_bytes)
    content = {
        "format": FORMAT,
        "saved_at": saved.saved_at,
        "data": {"name": dataset.name, "checksums": data_checksums(dataset)},
        "settings": asdict(saved.config),
        "first": None if saved.first is None else asdict(saved.first),
        "present": saved.present,
        "n_runs": saved.n_runs,
        "n_tested": saved.n_tested,
        "runs": [
            {"listed": run.number in listed, **_entry(run, weights.get(run.number, {}))} for run in runs
        ],
    }
    text = np.frombuffer(json.dumps(content).encode(), np.uint8)
    arrays = {"session": text, **_tables(runs, weights, dataset.n_classes)}
    return archive_bytes(arrays, packed=arrays.keys() - {"weights"})


def data_checksums(dataset: Dataset) -> list[int]:
    """Return the CRC-32 of the data set's four arrays, which identify it in a file; takes some 15 ms."""
    return [zlib.crc32(np.ascontiguousarray(getattr(dataset, name)).data) for name in ARRAYS]


def kept_weights(run: SessionRun) -> dict[float, Weights]:
    """Return a run's available, finite weights by their epoch, newest last."""
    found: dict[float, Weights] = {}
    if run.own is not None:  # useless without the class
        return found
    if run.first_weights is not None:
        found[float(run.first_epoch)] = run.first_weights
    found |= {float(moment.epoch): moment.weights for moment in run.timeline.moments if moment.weights}
    if run.evaluation is not None and run.evaluation.snapshot.weights:
        epoch = float(run.evaluation.epoch)
        found.pop(epoch, None)  # after early stopping it is not the last
        found[epoch] = run.evaluation.snapshot.weights
    return {at: weights for at, weights in found.items() if all(np.isfinite(W).all() for W in weights)}


def output_bytes(dataset: Dataset) -> int:
    """Return the size of a network's outputs for the held-out images, in bytes."""
    return 4 * dataset.n_classes * dataset.n_test


def _entry(run: SessionRun, weights: Mapping[float, Weights]) -> dict[str, Any]:
    """Return a run's entry in the text; the tables hold as many rows as it states."""
    end = run.history.end
    error = None if end is None else end.error
    return {name: getattr(run, name) for name in PLAIN} | {
        "settings": asdict(run.config),
        "status": "stopped" if end is None else end.status,
        "ended": end is not None,
        "reason": "" if end is None else end.reason,
        "diverged_in": error.epoch if isinstance(error, DivergedError) else 0,
        "parent": 0 if run.parent is None else run.parent.number,
        "opened": None if run.opened is None else asdict(run.opened),
        "test": asdict(run.test) if run.test and run.test.loss < _MOST_LOSS else None,
        "n_starts": int(run.start is not None),
        "n_epochs": len(run.history.epochs),
        "n_batches": len(run.history.batches),
        "n_evaluations": int(run.evaluation is not None),
        "weights": [*weights],
    }


def _tables(
    runs: Sequence[SessionRun], weights: Mapping[int, Mapping[float, Weights]], n_classes: int
) -> dict[str, NDArray[Any]]:
    """Return the records of all runs, and the weights, run after run."""
    epochs = [record for run in runs for record in (run.start, *run.history.epochs) if record is not None]
    batches = [record for run in runs for record in run.history.batches]
    evaluations = [run.evaluation for run in runs if run.evaluation is not None]
    moments = (moment for run in runs for moment in weights.get(run.number, {}).values())
    parameters = [array.ravel() for arrays in moments for array in arrays]
    return {
        "epochs": figures_table(EpochRecord, epochs),
        "confusions": _counts(epochs, n_classes),
        "batches": figures_table(BatchRecord, batches),
        "evaluations": figures_table(Evaluation, evaluations),
        "evaluated": _counts(evaluations, n_classes),
        "weights": np.concatenate([np.empty(0, np.float32), *parameters], dtype=np.float32),
    }


def _counts(records: Sequence[EpochRecord | Evaluation], n_classes: int) -> NDArray[np.int32]:
    return np.array([record.confusion for record in records], np.int32).reshape(-1, n_classes, n_classes)


def _ancestors(runs: Iterable[SessionRun]) -> Iterator[SessionRun]:
    """Yield the runs that others were forked from; they may have been deleted."""
    for run in runs:
        parent = run.parent
        while parent is not None:
            yield parent
            parent = parent.parent


def _fitting_weights(
    runs: Sequence[SessionRun], saved: SavedSession, room: int
) -> dict[int, dict[float, Weights]]:
    """Return weights by run and epoch, as far as there is room: the newest of each run, then earlier epochs."""
    by_worth = sorted(runs, key=saved._worth, reverse=True)
    known = {run: [*kept_weights(run).items()][::-1] for run in by_worth}
    newest = [(run, *found[0]) for run, found in known.items() if found]
    others = [(run, *moment) for run, found in known.items() for moment in found[1:]]
    chosen: dict[int, dict[float, Weights]] = {}
    output_room = MOST_OUTPUT_BYTES
    for run, epoch, weights in [*newest, *others]:
        room -= sum(array.nbytes for array in weights)
        output_room -= output_bytes(run.dataset)
        if min(room, output_room) < 0:
            break
        chosen.setdefault(run.number, {})[epoch] = weights
    return chosen


def _share(run: SessionRun) -> float:
    """Return the fraction of a file's room that a run takes, without its networks."""
    per_epoch = 8 * 7 + 4 * run.dataset.n_classes**2
    records = per_epoch * (len(run.history.epochs) + 2) + 8 * 5 * len(run.history.batches)
    words = len(json.dumps([run.label, run.name, run.note, asdict(run.opened) if run.opened else ""]))
    return records / MOST_RECORD_BYTES + (1000 + words) / MOST_TEXT
