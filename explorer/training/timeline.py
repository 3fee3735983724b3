"""The moments of a run that can be revisited, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.training.records import EpochRecord, Evaluation, Snapshot

MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A network's figures and weights at one moment."""

    record: EpochRecord | Evaluation
    """The figures."""
    snapshot: Snapshot
    """Weights and test-set outputs; the record's confusion matrix counts the same outputs."""

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
    """Moments in the order of their epochs.

    If they take more than `most_bytes`, every second one is dropped, and from then on only every second epoch is
    kept, and so on; the newest is always kept.
    """

    moments: tuple[Moment, ...] = ()
    """The stored moments."""
    stride: int = 1
    """Only epochs divisible by this are stored, apart from the newest."""
    most_bytes: int = MOST_BYTES
    """Maximum memory of the moments, in bytes."""

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

    def nearest(self, epoch: float) -> Moment | None:
        """Return the moment whose epoch is nearest to `epoch`, the earlier in a tie; None before the first."""
        return min(self.moments, key=lambda moment: abs(moment.epoch - epoch), default=None)


def bytes_at_work(snapshot_bytes: int) -> int:
    """Estimate a run's memory while it trains, in bytes, from that of one `Snapshot`."""
    return 10 * snapshot_bytes  # measured: the weights, Adam's state, temporary arrays of the exact figures


def bytes_kept(snapshot_bytes: int, epochs: int) -> int:
    """Estimate a run's maximum memory, in bytes, from that of one `Snapshot` and its number of epochs."""
    kept = min(epochs * snapshot_bytes, max(MOST_BYTES, 2 * snapshot_bytes))
    return bytes_at_work(snapshot_bytes) + kept
