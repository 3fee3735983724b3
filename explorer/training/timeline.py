"""The moments of a run that can be gone back to, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.training.records import EpochRecord, Evaluation, Snapshot

MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """All that is known of a network at one moment."""

    record: EpochRecord | Evaluation
    """Its figures."""
    snapshot: Snapshot
    """Its weights, and its outputs for the test set: those that the record's confusion matrix counts."""

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


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Moments in the order of their epochs.

    When they take more than `most_bytes`, every second one is left out, and from then on only every second
    epoch is kept, and so on; the newest is always there.
    """

    moments: tuple[Moment, ...] = ()
    """The moments that are kept."""
    stride: int = 1
    """Of how many epochs one is kept."""
    most_bytes: int = MOST_BYTES
    """Memory that the moments may keep."""

    def followed_by(self, moment: Moment) -> Timeline:
        """Return these moments and that of a later epoch's end."""
        kept, stride = list(self.moments), self.stride
        if len(kept) > 1 and kept[-1].epoch % stride:
            kept.pop()  # it was there as the newest only
        kept.append(moment)
        while len(kept) > 2 and sum(m.n_bytes for m in kept) > self.most_bytes:
            stride *= 2
            kept = [m for m in kept if m is moment or m.epoch % stride == 0]
        return Timeline(tuple(kept), stride, self.most_bytes)

    def until(self, epoch: float) -> Timeline:
        """Return these moments without those of later epochs."""
        return replace(self, moments=tuple(moment for moment in self.moments if moment.epoch <= epoch))

    @property
    def newest(self) -> Moment | None:
        """The last moment, or None before the first."""
        return self.moments[-1] if self.moments else None

    @property
    def epochs(self) -> tuple[float, ...]:
        """The epoch of each moment."""
        return tuple(moment.epoch for moment in self.moments)

    def nearest(self, epoch: float) -> Moment | None:
        """Return the moment whose epoch is nearest to `epoch`, the earlier of two; None before the first."""
        return min(self.moments, key=lambda moment: abs(moment.epoch - epoch), default=None)


def bytes_at_work(snapshot_bytes: int) -> int:
    """Return how much memory a run takes while it trains, from that of one `Snapshot`."""
    return 10 * snapshot_bytes  # measured: the weights, Adam's memory, what the exact figures are made with


def bytes_kept(snapshot_bytes: int, epochs: int) -> int:
    """Return how much memory a run takes at most, from that of one `Snapshot` and its number of epochs."""
    kept = min(epochs * snapshot_bytes, max(MOST_BYTES, 2 * snapshot_bytes))
    return bytes_at_work(snapshot_bytes) + kept
