"""A run trained to its end in one call, with all its records; and the final evaluation on the test set."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explorer.datasets import Dataset
from explorer.network import NeuralNetwork
from explorer.training.config import TrainingConfig
from explorer.training.process_settings import one_blas_thread
from explorer.training.records import BatchRecord, EpochRecord, Evaluation, History, RunEnd, Snapshot
from explorer.training.run import DivergedError, Event, TrainingRun
from explorer.wording import ordinal

_CHUNK = 1000  # images converted to floats at a time


@dataclass(frozen=True, slots=True, eq=False)
class CompletedRun:
    """A run that has ended, with its network and records."""

    network: NeuralNetwork
    """A copy of the final network."""
    history: History
    """The settings and records; the `RunEnd` is the last."""
    snapshot: Snapshot | None
    """The last snapshot with finite weights; None if the run failed in its first epoch."""
    n_train: int
    """Training images in use."""

    @property
    def config(self) -> TrainingConfig:
        """The settings."""
        return self.history.config

    @property
    def end(self) -> RunEnd:
        """The record of how the run ended."""
        assert self.history.end is not None
        return self.history.end

    @property
    def final(self) -> Evaluation:
        """Exact figures over the whole training and test set; raises the run's error if it diverged."""
        if self.end.error is not None:
            raise self.end.error
        assert self.end.final is not None
        return self.end.final


def complete(
    run: TrainingRun,
    show: Callable[[Event], object] = lambda event: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> CompletedRun:
    """Train a run to its end, or until `is_stopped` returns True; it is called after each event.

    `show` is called with each event. The status is "failed" if the loss became infinite or NaN, "stopped" if
    `is_stopped` ended the run early.
    """
    records: list[BatchRecord | EpochRecord | RunEnd] = []
    snapshot = None
    with one_blas_thread():
        try:
            for event in run:
                if isinstance(event, EpochRecord | BatchRecord):
                    records.append(event)
                elif isinstance(event, Snapshot):
                    snapshot = event
                show(event)
                if is_stopped() and run.epoch < run.config.epochs:
                    break
        except DivergedError as error:
            end = RunEnd("failed", f"{error}.", error=error)
        else:
            final = run.evaluate()
            snapshot, stopped_in = final.snapshot, math.floor(run.epoch) + 1
            stopped = f"Stopped in epoch {stopped_in} of {run.config.epochs}."
            end = RunEnd("stopped", stopped, final)
            if run.is_complete:
                end = RunEnd("finished", run.end_reason, final)
    return CompletedRun(run.network, History(run.config).followed_by(*records, end), snapshot, run.n_samples)


@dataclass(frozen=True, slots=True)
class FinalTest:
    """The results of a trained network on the test images."""

    loss: float
    """Mean loss per image, penalties included as in the run's own figures."""
    accuracy: float
    """Share classified correctly, 0 to 1."""
    n_images: int
    """Test images."""
    number: int = 1
    """How many times the test set has been opened, this time included; only at 1 has no choice relied on it."""

    @property
    def times(self) -> str:
        """How many times the test set has been opened, in words: ``"once"``, ``"for the 2nd time"``."""
        return "once" if self.number == 1 else f"for the {ordinal(self.number)} time"


def open_test_set(network: NeuralNetwork, dataset: Dataset) -> FinalTest:
    """Evaluate a network on the real test images of a data set, even if `dataset` is a split of it.

    Takes some 50 ms with 32 hidden units, and seconds with three layers of 1024.
    """
    data, right, loss = dataset.unsplit, 0, 0.0
    n, one_hot = len(data.test_labels), np.eye(data.n_classes, dtype=np.float32)
    for start in range(0, n, _CHUNK):
        labels = data.test_labels[start : start + _CHUNK]
        pixels = data.test_images[start : start + _CHUNK].reshape(len(labels), -1).T
        with one_blas_thread(), np.errstate(all="ignore"):
            y = network.forward(np.divide(pixels, np.float32(255), dtype=np.float32))  # (n_classes, chunk)
            loss += network.total_loss(y, one_hot[labels].T)
        right += int(np.count_nonzero(y.argmax(axis=0) == labels))
    return FinalTest(loss / n, right / n, n)
