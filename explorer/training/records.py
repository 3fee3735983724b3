"""What a run says of itself: frozen records, and the history that collects them.

Only these cross from the training thread to the page; the network itself never does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, SupportsIndex, overload

import numpy as np
from numpy.typing import NDArray

from explorer.training.config import TrainingConfig

__all__ = ["BatchRecord", "EpochRecord", "Evaluation", "History", "RunEnd", "Snapshot", "Status"]

Status = Literal["finished", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """The running figures of a mini-batch; where an epoch has more than 20, of a stretch of them.

    Parameters
    ----------
    epoch : float
        Where it ends, in epochs from the start of the run: 1.25 is a quarter into the second.
    step : int
        Mini-batches (updates of the weights) since the start of the run.
    train_loss : float
        Mean loss per sample, each measured before its update.
    train_accuracy : float
        Share of the samples that were classified correctly before their update, 0 to 1.
    """

    epoch: float
    step: int
    train_loss: float
    train_accuracy: float


@dataclass(frozen=True, slots=True, eq=False)
class EpochRecord:
    """The figures of one epoch. Two records are equal when all but `seconds` is, to the bit.

    Parameters
    ----------
    epoch : int
        1 for the first.
    train_loss : float
        Mean loss per sample over the epoch's own forward passes, each before its update.
    test_loss : float
        Mean loss per sample over the test set, at the epoch's end.
    train_accuracy : float
        Share of the epoch's own forward passes that decided rightly, 0 to 1.
    test_accuracy : float
        Share of the test set that is decided rightly at the epoch's end, 0 to 1.
    seconds : float
        Wall time of the epoch, scoring included, in seconds.
    confusion : ndarray of int64, shape (n_classes, n_classes), read-only
        Counts over the test set: rows are the true class, columns the predicted.
    """

    epoch: int
    train_loss: float
    test_loss: float
    train_accuracy: float
    test_accuracy: float
    seconds: float
    confusion: NDArray[np.int64]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EpochRecord):
            return NotImplemented
        return self._figures() == other._figures() and np.array_equal(self.confusion, other.confusion)

    def __hash__(self) -> int:
        return hash(self._figures())

    def _figures(self) -> tuple[float, ...]:
        figures = (self.epoch, self.train_loss, self.test_loss, self.train_accuracy, self.test_accuracy)
        return tuple(-1.0 if figure != figure else figure for figure in figures)  # NaN equals NaN here


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A read-only copy of the network at the end of an epoch.

    Parameters
    ----------
    epoch : float
        Epochs so far: a whole number at an epoch's end, 0 for the first weights.
    weights : tuple of ndarray
        ``(W1, b1, W2, b2, …)``, each of the shape that `NeuralNetwork` names.
    test_outputs : ndarray, shape (n_classes, n_test)
        The network's outputs for the test set, samples in columns.
    """

    epoch: float
    weights: tuple[NDArray[np.floating], ...]
    test_outputs: NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Exact figures of a network as it is at one moment, which may lie within an epoch.

    Parameters
    ----------
    epoch : float
        Epochs so far; 1.25 is a quarter into the second.
    step : int
        Mini-batches (updates of the weights) so far.
    train_loss, test_loss : float
        Mean loss per sample over the whole training and test set.
    train_accuracy, test_accuracy : float
        Share decided rightly over the whole training and test set, 0 to 1.
    confusion : ndarray of int64, shape (n_classes, n_classes), read-only
        Counts over the test set: rows are the true class, columns the predicted.
    snapshot : Snapshot
        The network at this moment.
    """

    epoch: float
    step: int
    train_loss: float
    test_loss: float
    train_accuracy: float
    test_accuracy: float
    confusion: NDArray[np.int64]
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class RunEnd:
    """The one last word of a run.

    Parameters
    ----------
    status : {"finished", "stopped", "failed"}
        Why it ended.
    reason : str
        One sentence for a person; empty when it finished.
    final : Evaluation or None
        Exact figures with the final weights; None when the run failed.
    error : BaseException or None
        What was raised, when the run failed by an error; from a `Runner` without its traceback.
    """

    status: Status
    reason: str = ""
    final: Evaluation | None = None
    error: BaseException | None = None


@dataclass(slots=True)
class History(Sequence[EpochRecord]):
    """The records of one run in the order in which they came; it only grows.

    Parameters
    ----------
    config : TrainingConfig
        The settings of the run.
    """

    config: TrainingConfig
    _epochs: list[EpochRecord] = field(default_factory=list)
    _batches: list[BatchRecord] = field(default_factory=list)
    _end: RunEnd | None = None

    def append(self, record: EpochRecord | BatchRecord | RunEnd) -> None:
        """Add the next record; `RunEnd` closes the history until it is continued.

        Raises
        ------
        RuntimeError
            If the history is closed.
        TypeError
            If it is no record.
        """
        if self._end is not None:
            raise RuntimeError(f"the run has {self._end.status}: continue_with opens its history again")
        if isinstance(record, EpochRecord):
            self._epochs.append(record)
        elif isinstance(record, BatchRecord):
            self._batches.append(record)
        elif isinstance(record, RunEnd):
            self._end = record
        else:
            raise TypeError(f"a history holds records, not {type(record).__name__}")

    def continue_with(self, config: TrainingConfig) -> None:
        """Open the history again: the same run goes on with the settings `config`."""
        self.config = config
        self._end = None

    def starting_with(self, record: EpochRecord) -> History:
        """Return these records behind one of an epoch before them; later ones come to this history alone."""
        return History(self.config, [record, *self._epochs], list(self._batches), self._end)

    @property
    def epochs(self) -> tuple[EpochRecord, ...]:
        """The epochs so far."""
        return tuple(self._epochs)

    @property
    def batches(self) -> tuple[BatchRecord, ...]:
        """The mini-batches so far, or the stretches of them."""
        return tuple(self._batches)

    @property
    def end(self) -> RunEnd | None:
        """The last word, or None while the run goes on."""
        return self._end

    @property
    def last(self) -> EpochRecord | None:
        """The newest epoch, or None before the first has ended."""
        return self._epochs[-1] if self._epochs else None

    @property
    def best(self) -> EpochRecord | None:
        """The epoch of the highest test accuracy, the earliest of equals; None before the first has ended."""
        return max(self._epochs, key=lambda record: record.test_accuracy, default=None)

    def __len__(self) -> int:
        return len(self._epochs)

    @overload
    def __getitem__(self, index: SupportsIndex) -> EpochRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EpochRecord]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> EpochRecord | Sequence[EpochRecord]:
        return self._epochs[index]

    def __iter__(self) -> Iterator[EpochRecord]:
        return iter(self._epochs)
