"""A session as a file: all its runs, the user's words about them, and the settings.

The file is a zip of plain tables, without pickles. All records of a kind lie in one table, one run after the
other; the text ``session`` says which rows are whose. Of a network the weights are kept: its outputs follow.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.network.array_archive import archive_bytes
from explorer.session.opening import MOST_BYTES
from explorer.session.session_run import SessionRun
from explorer.training import BatchRecord, DivergedError, EpochRecord, Evaluation, TrainingConfig
from explorer.training.record_tables import figures_table

__all__ = ["FORMAT", "MOST_RUNS", "SUFFIX", "SavedSession", "data_checksums", "kept_weights", "session_bytes"]

FORMAT = 1
SUFFIX = ".session"
"""What the name of a session's file ends in."""

MOST_RUNS = 1000
"""Most runs that a file holds, besides those that forks began with and that were deleted since."""

_WEIGHT_BYTES = MOST_BYTES * 3 // 4  # the rest is for the records
_RECORD_BYTES = MOST_BYTES * 2  # before they are compressed

Weights = tuple[NDArray[np.floating[Any]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSession:
    """What is kept of a session."""

    config: TrainingConfig
    """The settings of the next run."""
    runs: tuple[SessionRun, ...]
    """Its runs, the first one first."""
    present: int = 0
    """Number of the present run; 0 for none."""
    n_runs: int = 0
    """Number of the last run that there was."""
    first: TrainingConfig | None = None
    """Settings of the first run that there was, which others are named by."""
    saved_at: str = ""
    """When it was saved: ``"2026-11-26 14:05"``."""

    @property
    def kept(self) -> tuple[SessionRun, ...]:
        """The runs that fit into a file: where there are too many, the marked and the newest."""
        kept: list[SessionRun] = []
        n_bytes = 0
        for run in sorted(self.runs, key=self._worth, reverse=True):
            n_bytes += _record_bytes(run)
            if len(kept) == MOST_RUNS or n_bytes > _RECORD_BYTES:
                break
            kept.append(run)
        return tuple(sorted(kept, key=lambda run: run.number))

    def _worth(self, run: SessionRun) -> tuple[bool, bool, int]:
        return run.number == self.present, run.is_marked, run.number


def session_bytes(saved: SavedSession, dataset: Dataset) -> bytes:
    """Return the content of the file, at most 64 MB.

    Where the networks are too large, the oldest lose theirs first; the figures and the curves stay.
    """
    kept = saved.kept
    listed = {run.number for run in kept}
    ancestors = {run.number: run for run in _ancestors(kept) if run.number not in listed}
    runs = sorted((*kept, *ancestors.values()), key=lambda run: run.number)
    tables, weights = _Tables(), _fitting_weights(runs, saved)
    content = {
        "format": FORMAT,
        "saved_at": saved.saved_at,
        "data": {"name": dataset.name, "checksums": data_checksums(dataset)},
        "settings": asdict(saved.config),
        "first": None if saved.first is None else asdict(saved.first),
        "present": saved.present,
        "n_runs": saved.n_runs,
        "runs": [
            _entry(run, tables, weights.get(run.number, {}), listed=run.number in listed) for run in runs
        ],
    }
    text = np.frombuffer(json.dumps(content).encode(), np.uint8)
    arrays = {"session": text, **tables.arrays(dataset.n_classes)}
    return archive_bytes(arrays, packed=arrays.keys() - {"weights"})


def data_checksums(dataset: Dataset) -> list[int]:
    """Return the CRC-32 of the data set's four arrays, by which a file knows it again; takes some 15 ms."""
    arrays = (dataset.train_images, dataset.train_labels, dataset.test_images, dataset.test_labels)
    return [zlib.crc32(np.ascontiguousarray(array).data) for array in arrays]


def kept_weights(run: SessionRun) -> dict[float, Weights]:
    """Return the weights of a run that are known, by their epoch: the newest last."""
    found: dict[float, Weights] = {}
    if run.first_weights is not None:
        found[float(run.first_epoch)] = run.first_weights
    found |= {float(moment.epoch): moment.weights for moment in run.timeline.moments if moment.weights}
    if run.evaluation is not None and run.evaluation.snapshot.weights:
        found[float(run.evaluation.epoch)] = run.evaluation.snapshot.weights
    return found


@dataclass(slots=True)
class _Tables:
    """The records of all runs, one run after the other."""

    epochs: list[EpochRecord] = field(default_factory=list)
    batches: list[BatchRecord] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    weights: list[NDArray[Any]] = field(default_factory=list)

    def arrays(self, n_classes: int) -> dict[str, NDArray[Any]]:
        empty = np.empty(0, np.float32)
        return {
            "epochs": figures_table(EpochRecord, self.epochs),
            "confusions": _counts(self.epochs, n_classes),
            "batches": figures_table(BatchRecord, self.batches),
            "evaluations": figures_table(Evaluation, self.evaluations),
            "evaluated": _counts(self.evaluations, n_classes),
            "weights": np.concatenate([empty, *(array.ravel() for array in self.weights)], dtype=np.float32),
        }


def _counts(records: Sequence[EpochRecord | Evaluation], n_classes: int) -> NDArray[np.int32]:
    counts = [record.confusion for record in records]
    return np.array(counts, np.int32).reshape(-1, n_classes, n_classes)


def _entry(
    run: SessionRun, tables: _Tables, weights: Mapping[float, Weights], *, listed: bool
) -> dict[str, Any]:
    """Put a run's records into the tables, and return the rest of it."""
    history, start = run.history, [] if run.start is None else [run.start]
    tables.epochs += [*start, *history.epochs]
    tables.batches += history.batches
    tables.evaluations += [] if run.evaluation is None else [run.evaluation]
    tables.weights += [array for arrays in weights.values() for array in arrays]
    end = history.end
    error = None if end is None else end.error
    return {
        "number": run.number,
        "listed": listed,
        "settings": asdict(run.config),
        "label": run.label,
        "name": run.name,
        "note": run.note,
        "pinned": run.pinned,
        "hidden": run.hidden,
        "status": "stopped" if end is None else end.status,
        "ended": end is not None,
        "reason": "" if end is None else end.reason,
        "diverged_in": error.epoch if isinstance(error, DivergedError) else 0,
        "parent": 0 if run.parent is None else run.parent.number,
        "opened": None if run.opened is None else asdict(run.opened),
        "first_epoch": run.first_epoch,
        "first_step": run.first_step,
        "first_seconds": float(run.first_seconds),
        "n_starts": len(start),
        "n_epochs": len(history.epochs),
        "n_batches": len(history.batches),
        "n_evaluations": int(run.evaluation is not None),
        "weights": [*weights],
    }


def _ancestors(runs: Iterable[SessionRun]) -> Iterator[SessionRun]:
    """Yield the runs that others were forked from, which may have been deleted."""
    for run in runs:
        parent = run.parent
        while parent is not None:
            yield parent
            parent = parent.parent


def _fitting_weights(runs: Sequence[SessionRun], saved: SavedSession) -> dict[int, dict[float, Weights]]:
    """Return the weights by run and epoch: each run's newest, then the epochs before, as far as there is room."""
    by_worth = sorted(runs, key=saved._worth, reverse=True)
    known = {run.number: [*kept_weights(run).items()][::-1] for run in by_worth}
    newest = [(number, *found[0]) for number, found in known.items() if found]
    others = [(number, *moment) for number, found in known.items() for moment in found[1:]]
    room, chosen = _WEIGHT_BYTES, dict[int, dict[float, Weights]]()
    for number, epoch, weights in (*newest, *others):
        room -= sum(array.nbytes for array in weights)
        if room < 0:
            break
        chosen.setdefault(number, {})[epoch] = weights
    return chosen


def _record_bytes(run: SessionRun) -> int:
    """Return about how many bytes a run's records take."""
    per_epoch = 48 + 4 * sum(record.confusion.size for record in run.history.epochs[:1])
    return 4000 + per_epoch * len(run.history.epochs) + 32 * len(run.history.batches)
