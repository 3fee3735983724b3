"""A run trained to its end in one call, with all its records."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from explorer.network import NeuralNetwork
from explorer.training.config import TrainingConfig
from explorer.training.process_settings import one_blas_thread
from explorer.training.records import BatchRecord, EpochRecord, Evaluation, History, RunEnd, Snapshot
from explorer.training.run import DivergedError, Event, TrainingRun

__all__ = ["CompletedRun", "complete"]


@dataclass(frozen=True, slots=True, eq=False)
class CompletedRun:
    """A run that has ended."""

    network: NeuralNetwork
    """A copy of the network as the run left it."""
    history: History
    """Its settings and its records; `RunEnd` is the last."""
    snapshot: Snapshot | None
    """Its last weights that are numbers, with their outputs; None if it failed in its first epoch."""
    n_train: int
    """Training images in use."""

    @property
    def config(self) -> TrainingConfig:
        """The settings."""
        return self.history.config

    @property
    def end(self) -> RunEnd:
        """How it ended."""
        assert self.history.end is not None
        return self.history.end

    @property
    def final(self) -> Evaluation:
        """Exact figures over the whole training and test set; raises the error of a run that diverged."""
        if self.end.error is not None:
            raise self.end.error
        assert self.end.final is not None
        return self.end.final


def complete(
    run: TrainingRun,
    show: Callable[[Event], object] = lambda event: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> CompletedRun:
    """Train a run to its end, or until `is_stopped`, which is asked after each event, is True.

    Each event is shown, as the run yields it. The status is "failed" if the loss became infinite or not a number,
    "stopped" if it was to stop.
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
                end = RunEnd("finished", run.stopped_early, final)
    return CompletedRun(run.network, History(run.config).followed_by(*records, end), snapshot, run.n_samples)
