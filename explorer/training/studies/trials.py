"""A trial of a study: its settings, its results, and the work on it in any process."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, thread_time
from typing import Literal, get_args

import numpy as np

from explorer.datasets import Dataset, load_mnist
from explorer.datasets.loading import map_dataset
from explorer.training.config import TrainingConfig
from explorer.training.fields import ConfigError
from explorer.training.process_settings import one_blas_thread
from explorer.training.records import EpochRecord, Evaluation, History, Snapshot
from explorer.training.run import DivergedError, Event, TrainingRun
from explorer.training.turns import Turns, turns_of

TrialStatus = Literal["finished", "diverged", "failed"]
TRIAL_STATUSES: tuple[TrialStatus, ...] = get_args(TrialStatus)
"""The ways a trial can end."""

WorkerData = Dataset | Path | None
"""The images of a trial: in memory, in a folder written by `write_dataset`, or None for the package's MNIST."""

_LOOK_SECONDS = 0.1

_log = logging.getLogger(__name__)


class StudyError(RuntimeError):
    """A study, or one of its runs, can't continue; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class FinalFigures:
    """Exact figures of a network at the end of its run."""

    train_loss: float
    test_loss: float
    """Mean loss per sample over the whole training set in use, and over the test set."""
    train_accuracy: float
    test_accuracy: float
    """Share of the same samples classified correctly, 0 to 1."""

    @classmethod
    def of(cls, evaluation: Evaluation) -> FinalFigures:
        """Copy the figures of an evaluation."""
        return cls(**{name: getattr(evaluation, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a study. Two are equal if their results are, wherever and however fast they ran."""

    config: TrainingConfig
    status: TrialStatus
    """Diverged if the loss became infinite or NaN; failed for any other reason, so that a retry may succeed."""
    epochs: tuple[EpochRecord, ...] = ()
    """Its records; if it did not finish, those up to then."""
    final: FinalFigures | None = None
    """Exact figures at its end; None unless it finished."""
    error: str = ""
    """Why it did not finish, in one sentence; empty if it did."""
    seconds: float = field(default=0.0, compare=False)
    """Wall time of its last attempt, in seconds."""
    worker: str = field(default="", compare=False)
    """Where it ran: host and process, ``"hal:4711"``."""
    tries: int = field(default=1, compare=False)
    """Number of attempts: more than 1 if a worker died."""

    @property
    def history(self) -> History:
        """The records as a `History`."""
        return History(self.config, self.epochs)

    @property
    def is_settled(self) -> bool:
        """Whether a retry would give the same result."""
        return self.status != "failed"


def versions() -> str:
    """Return the versions that must agree between a study and its workers for equal trials everywhere."""
    python = ".".join(platform.python_version_tuple()[:2])
    return f"nn-explorer {version('nn-explorer')} with NumPy {np.__version__} on Python {python}"


def run_trial(
    config: TrainingConfig,
    data: WorkerData,
    expected: str,
    n_threads: int = 1,
    keep: Callable[[TrainingConfig, Snapshot], object] = lambda _config, _snapshot: None,
) -> Trial:
    """Train a network in `n_threads` threads and return the trial; an error of the run becomes part of it.

    `keep` gets the network at the end of each epoch. Raises `StudyError` if this process has other `versions` than
    `expected`, those of the study.
    """
    if (own := versions()) != expected:
        words = f"{own}, the study has {expected}: install the same versions on both."
        raise StudyError(f"The worker {_name()} has {words}")
    started, epochs, final, error = perf_counter(), list[EpochRecord](), None, ""
    status: TrialStatus = "finished"

    def on_event(event: Event) -> None:  # what there is before an error, too
        if isinstance(event, EpochRecord):
            epochs.append(event)
        elif isinstance(event, Snapshot):
            keep(config, event)

    try:
        with one_blas_thread():
            # On a server a turn is for one core.
            run = TrainingRun(config, _loaded(data), n_threads=n_threads if _turns() is None else 1)
            final = FinalFigures.of(_trained(run, on_event))
    except DivergedError as failure:
        status, error = "diverged", str(failure)
    except (ConfigError, StudyError) as failure:
        status, error = "failed", str(failure)
    except Exception as failure:  # noqa: BLE001  # whatever it is, it is the trial's result
        _log.exception("A trial of a study failed")
        status, error = "failed", f"{type(failure).__name__}: {failure}"
    seconds = perf_counter() - started
    return Trial(config, status, tuple(epochs), final, error, seconds, _name())


def _name() -> str:
    return f"{platform.node()}:{os.getpid()}"


def _trained(run: TrainingRun, on_event: Callable[[Event], object]) -> Evaluation:
    """Train like `train` and return the exact figures; on a server, in turn and within the seat's limit."""
    turns, began, next_look = _turns(), thread_time(), 0.0

    def goes_on() -> bool:
        nonlocal next_look
        if turns is not None and perf_counter() > next_look:
            turns.wait()
            if reason := turns.limit(thread_time() - began):
                raise StudyError(reason)
            next_look = perf_counter() + _LOOK_SECONDS
        return True

    try:
        goes_on()
        for event in run:
            on_event(event)
            goes_on()
        return run.evaluate(goes_on) or run.evaluate()  # the first is never None
    finally:
        if turns is not None:
            turns.leave()


@cache
def _turns() -> Turns | None:
    """Return this worker's turns; it is cached because it tracks the visitor's page across runs."""
    return turns_of(os.environ)


def _loaded(data: WorkerData) -> Dataset:
    if data is None:
        return load_mnist()
    return data if isinstance(data, Dataset) else _mapped(data)


_mapped = lru_cache(maxsize=1)(map_dataset)
