"""A run that is trained before anybody has a session, for every session to begin with."""

from __future__ import annotations

from time import process_time

from explorer.datasets import Dataset
from explorer.session.session_run import SessionRun
from explorer.training import TrainingConfig, TrainingRun
from explorer.training.completed_run import complete
from explorer.training.run import Event

__all__ = ["trained_run"]


def trained_run(config: TrainingConfig, dataset: Dataset, most_seconds: float) -> SessionRun | None:
    """Return a finished run, equal to the bit to one that a session trains itself; nothing of it is in a thread.

    None if it took longer than `most_seconds` of the processor's time, or diverged.
    """
    training, deadline = TrainingRun(config, dataset), process_time() + most_seconds
    events: list[Event] = []
    end = complete(training, events.append, lambda: process_time() > deadline).end
    if end.status != "finished":
        return None
    records = [event for event in events if event is not None]
    return SessionRun.beginning(training, 1).taking("finished", [*records, end])
