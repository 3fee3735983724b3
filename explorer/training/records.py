"""Records of a run: frozen dataclasses, the history that collects them, and their tables for files.

Only records cross from the training thread to the page; the network itself never does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, Literal, SupportsIndex, overload

import numpy as np
from numpy.typing import NDArray

from explorer.training.config import TrainingConfig
from explorer.training.fields import Change
from explorer.wording import ordinal


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """Running figures of one mini-batch, or of a stretch of them if an epoch has more than 20."""

    epoch: float
    """Position of its end, in epochs from the start of the run: 1.25 is a quarter into the second."""
    step: int
    """Mini-batches (updates of the weights) since the start of the run."""
    train_loss: float
    """Mean loss per sample, each measured before its update."""
    train_accuracy: float
    """Share of the samples that were classified correctly before their update, 0 to 1."""
    learning_rate: float = math.nan
    """Rate of the newest of these mini-batches; NaN if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchStep:
    """The effect of one mini-batch that was trained as a single step."""

    step: int
    """Mini-batches (updates of the weights) since the start of the run, this one included."""
    n_images: int
    train_loss: float
    train_accuracy: float
    """Mean loss of its images, and share of them classified correctly, before the update."""
    loss_after: float
    accuracy_after: float
    """The same figures for the same images, after the update."""
    moved: float
    """Euclidean length of the change of all weights and biases, as a share of their length before."""


@dataclass(frozen=True, slots=True, eq=False)
class EpochRecord:
    """The figures of one epoch. Two records are equal when all but `seconds` is, to the bit.

    If the settings hold validation images out, they are the test set of every field that is named after it.
    """

    epoch: int
    """1 for the first."""
    train_loss: float
    test_loss: float
    """Mean loss per sample over the epoch's own forward passes, each before its update; and over the test set."""
    train_accuracy: float
    test_accuracy: float
    """Share of the same samples classified correctly, 0 to 1."""
    seconds: float
    """Wall time of the epoch, scoring included and pauses left out, in seconds; 0 if it is unknown."""
    confusion: NDArray[np.int64]
    """Counts over the test set, (n_classes, n_classes), read-only: rows the true class, columns the predicted."""
    learning_rate: float = math.nan
    """Rate of the epoch's last mini-batch; NaN if unknown."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EpochRecord):
            return NotImplemented
        return self._figures() == other._figures() and np.array_equal(self.confusion, other.confusion)

    def __hash__(self) -> int:
        return hash(self._figures())

    def _figures(self) -> tuple[float, ...]:
        losses = self.train_loss, self.test_loss
        figures = (self.epoch, *losses, self.train_accuracy, self.test_accuracy, self.learning_rate)
        return tuple(-1.0 if figure != figure else figure for figure in figures)  # NaN equals NaN here


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A read-only copy of the network."""

    epoch: float
    """Epochs so far: a whole number at an epoch's end, 0 for the initial weights."""
    weights: tuple[NDArray[np.floating], ...]
    """``(W1, b1, W2, b2, …)``, each of the shape that `NeuralNetwork` names."""
    test_outputs: NDArray[np.floating]
    """The network's outputs for the test set, shape (n_classes, n_test)."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Exact figures of a network at one moment, over the whole training and test set; else as in `EpochRecord`."""

    epoch: float
    """Epochs so far; 1.25 is a quarter into the second."""
    step: int
    train_loss: float
    test_loss: float
    train_accuracy: float
    test_accuracy: float
    confusion: NDArray[np.int64]
    snapshot: Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class SampleRecord:
    """The network within the first epoch, with figures as in `EpochRecord` on a sample of the held-out images."""

    epoch: float
    step: int
    """Mini-batches (updates of the weights) so far: 0, 1, 2, 4, 8, …"""
    test_loss: float
    test_accuracy: float
    confusion: NDArray[np.int64]
    sample: NDArray[np.int64]
    """Indices of the sampled images in the test set, ascending, read-only."""
    snapshot: Snapshot
    """The network; its outputs are those for the sample, (n_classes, n_sampled)."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """The final record of a run."""

    status: Literal["finished", "stopped", "failed"]
    reason: str = ""
    """One sentence for the user; empty when it finished at its last epoch."""
    final: Evaluation | None = None
    """Exact figures with the final weights; None when the run failed."""
    error: BaseException | None = None
    """The exception that made the run fail; from a `Runner` without its traceback."""


@dataclass(frozen=True, slots=True)
class FinalTest:
    """The results of a trained network on the test images."""

    loss: float
    """Mean loss per image, penalties included as in the run's own figures."""
    accuracy: float
    """Share classified correctly, 0 to 1."""
    n_images: int
    number: int = 1
    """How many times the test set has been opened, this time included; only at 1 has no choice relied on it."""

    @property
    def times(self) -> str:
        """How many times the test set has been opened, in words: ``"once"``, ``"for the 2nd time"``."""
        return "once" if self.number == 1 else f"for the {ordinal(self.number)} time"


@dataclass(frozen=True, slots=True)
class RivalRecord:
    """A record of an entry other than the first in a race."""

    entry: int  # 1 for the first rival
    record: BatchRecord | EpochRecord | SampleRecord | Snapshot | Evaluation | RunEnd
    """The record that its own run would give; a `RunEnd` only if it failed."""


@dataclass(frozen=True, slots=True)
class History(Sequence[EpochRecord]):
    """The records of one run in chronological order: a sequence of its epochs."""

    config: TrainingConfig
    epochs: tuple[EpochRecord, ...] = ()
    batches: tuple[BatchRecord, ...] = ()
    end: RunEnd | None = None
    """The final record; None while the run continues."""

    def followed_by(self, *records: EpochRecord | BatchRecord | Change | RunEnd) -> History:
        """Return the history with further records; a `Change` goes into its config, a `RunEnd` comes last."""
        config, epochs, batches, end = self.config, list(self.epochs), list(self.batches), self.end
        for record in records:
            if end is not None:
                raise RuntimeError(f"the run has {end.status}: `continued` opens its history again")
            if isinstance(record, EpochRecord):
                epochs.append(record)
            elif isinstance(record, BatchRecord):
                batches.append(record)
            elif isinstance(record, Change):
                config = config.changed(record)
            elif isinstance(record, RunEnd):
                end = record
            else:
                raise TypeError(f"a history holds records, not {type(record).__name__}")
        return History(config, tuple(epochs), tuple(batches), end)

    def continued(self, config: TrainingConfig) -> History:
        """Return the history without its end, for the same run continuing with the settings `config`."""
        return replace(self, config=config, end=None)

    def until(self, epoch: float) -> History:
        """Return the records up to the end of an epoch, as of an unfinished run."""
        return History(
            self.config,
            tuple(record for record in self.epochs if record.epoch <= epoch),
            tuple(record for record in self.batches if record.epoch <= epoch),
        )

    @property
    def restored(self) -> int | None:
        """The epoch whose weights early stopping restored; else None."""
        final = None if self.end is None else self.end.final
        return int(final.epoch) if final and self.last and final.epoch < self.last.epoch else None

    @property
    def is_stopped_early(self) -> bool:
        """Whether early stopping ended the run, so that adding epochs would train nothing."""
        return self.restored is not None and self[-1].epoch - self.restored >= self.config.patience

    @property
    def last(self) -> EpochRecord | None:
        """The newest epoch, or None before the first has ended."""
        return self.epochs[-1] if self.epochs else None

    @property
    def best(self) -> EpochRecord | None:
        """The epoch with the highest held-out accuracy, the earliest in a tie; None before the first has ended."""
        return max(self.epochs, key=lambda record: record.test_accuracy, default=None)

    def __len__(self) -> int:
        return len(self.epochs)

    @overload
    def __getitem__(self, index: SupportsIndex) -> EpochRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EpochRecord]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> EpochRecord | Sequence[EpochRecord]:
        return self.epochs[index]


def figures_table(kind: type, records: Sequence[Any]) -> NDArray[np.float64]:
    """Return the figures of records of one kind as an array of shape (n_records, n_figures), one row each."""
    names = figure_kinds(kind).keys()
    return np.array([attrgetter(*names)(record) for record in records], np.float64).reshape(-1, len(names))


def figure_rows(kind: type, table: NDArray[Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of such a table as dictionaries of figures by name; `ValueError` for a wrong shape."""
    figures = figure_kinds(kind).items()
    for row in table:
        values = zip(figures, row.tolist(), strict=True)
        yield {name: int(value) if is_whole else value for (name, is_whole), value in values}


def figure_kinds(kind: Any) -> dict[str, bool]:
    """Return the figures of a kind of record by name, in order; the value is True for an integer."""
    return {f.name: f.type == "int" for f in fields(kind) if f.type in ("int", "float")}


def read_only_counts(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Return confusion counts as read-only int64."""
    made = counts.astype(np.int64)
    made.flags.writeable = False
    return made


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A network's figures and weights at one moment."""

    record: EpochRecord | Evaluation
    snapshot: Snapshot

    @property
    def epoch(self) -> float:
        """Epochs so far: a whole number at an epoch's end."""
        return self.record.epoch

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Counts over the test set: rows are the true class, columns the predicted."""
        return self.record.confusion

    @property
    def test_outputs(self) -> NDArray[np.floating[Any]]:
        """Outputs for the test set, shape (n_classes, n_test)."""
        return self.snapshot.test_outputs

    @property
    def weights(self) -> tuple[NDArray[np.floating[Any]], ...]:
        """``(W1, b1, W2, b2, …)``."""
        return self.snapshot.weights

    @property
    def n_bytes(self) -> int:
        """Memory used by the moment, in bytes."""
        return self.test_outputs.nbytes + sum(array.nbytes for array in self.weights)


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Moments in order: of every second epoch if they take more than `most_bytes`, and so on; and the newest."""

    moments: tuple[Moment, ...] = ()
    stride: int = 1
    """Only epochs divisible by this are stored, apart from the newest."""
    most_bytes: int = 64 * 2**20

    def followed_by(self, moment: Moment) -> Timeline:
        """Add the moment at the end of a later epoch."""
        kept, stride = list(self.moments), self.stride
        if len(kept) > 1 and kept[-1].epoch % stride:
            kept.pop()  # it was kept only as the newest
        kept.append(moment)
        while len(kept) > 2 and sum(m.n_bytes for m in kept) > self.most_bytes:
            stride *= 2
            kept = [m for m in kept if m is moment or m.epoch % stride == 0]
        return Timeline(tuple(kept), stride, self.most_bytes)

    def until(self, epoch: float) -> Timeline:
        """Return the moments up to an epoch."""
        return replace(self, moments=tuple(moment for moment in self.moments if moment.epoch <= epoch))

    @property
    def newest(self) -> Moment | None:
        """The last moment, or None before the first."""
        return self.moments[-1] if self.moments else None

    @property
    def epochs(self) -> tuple[float, ...]:
        """The epoch of each moment."""
        return tuple(moment.epoch for moment in self.moments)
