"""The moments of a run that can be gone back to, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.training.records import EpochRecord, Evaluation, Snapshot

__all__ = ["Moment", "Timeline"]

MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """All that is known of a network at one moment.

    Parameters
    ----------
    record : EpochRecord or Evaluation
        Its figures.
    snapshot : Snapshot
        Its weights, and its outputs for the test set: those that the record's confusion matrix counts.
    """

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
        """Memory that the moment keeps."""
        return self.test_outputs.nbytes + sum(array.nbytes for array in self.weights)


@dataclass(slots=True)
class Timeline:
    """Moments in the order of their epochs.

    When they take more than `most_bytes`, every second one is left out, and from then on only every second
    epoch is kept, and so on; the newest is always there.

    Parameters
    ----------
    most_bytes : int
        Memory that the moments may keep.
    """

    most_bytes: int = MOST_BYTES
    stride: int = 1
    """Of how many epochs one is kept."""
    _moments: list[Moment] = field(default_factory=list)
    _n_bytes: int = 0

    def append(self, moment: Moment) -> None:
        """Add the moment of a later epoch's end."""
        if len(self._moments) > 1 and self._moments[-1].epoch % self.stride:
            self._n_bytes -= self._moments.pop().n_bytes  # it was there as the newest only
        self._moments.append(moment)
        self._n_bytes += moment.n_bytes
        while len(self._moments) > 2 and self._n_bytes > self.most_bytes:
            self.stride *= 2
            self._moments = [m for m in self._moments if m is moment or m.epoch % self.stride == 0]
            self._n_bytes = sum(kept.n_bytes for kept in self._moments)

    @property
    def newest(self) -> Moment | None:
        """The last moment, or None before the first."""
        return self._moments[-1] if self._moments else None

    @property
    def epochs(self) -> tuple[float, ...]:
        """The epoch of each moment."""
        return tuple(moment.epoch for moment in self._moments)

    def __len__(self) -> int:
        return len(self._moments)

    def __getitem__(self, index: int) -> Moment:
        return self._moments[index]

    def __iter__(self) -> Iterator[Moment]:
        return iter(self._moments)
