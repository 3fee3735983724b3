"""Runs a study in the background: in worker processes, watched by a thread that hands on what comes.

A page asks for a study and stays free; it may stop it at once, in the middle of its runs.
"""

import logging
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from threading import Thread

from explorer.datasets import Dataset
from explorer.training.config import TrainingConfig
from explorer.training.studies import StudyResult, WorkerPool, study

__all__ = ["StudyDelivery", "StudyRunner"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StudyDelivery:
    """What a study has to tell: one more result, or that it is over."""

    number: int
    """Which study of its runner it is from; a later one has a higher number."""
    result: StudyResult | None = None
    """A run that ended; None at the end of the study."""
    error: str = ""
    """Why the study as a whole failed, in one sentence; empty otherwise."""


class StudyRunner:
    """Runs one study at a time."""

    def __init__(self) -> None:
        self._number = 0
        self._pool: WorkerPool | None = None

    def start(
        self, configs: Iterable[TrainingConfig], dataset: Dataset, deliver: Callable[[StudyDelivery], object]
    ) -> int:
        """Begin a study in place of the present one, and return its number.

        Parameters
        ----------
        configs : iterable of TrainingConfig
            The runs, in the order in which they begin.
        dataset : Dataset
            The images and labels.
        deliver : callable
            Called with each `StudyDelivery`, from the study's thread. Of a study that was stopped one may still
            be on its way: its number tells.
        """
        self.stop()
        self._pool = pool = WorkerPool()
        results = study(configs, dataset, executor=pool)
        Thread(
            target=self._watch, args=(self._number, pool, results, deliver), name="study", daemon=True
        ).start()
        return self._number

    def stop(self) -> None:
        """End the study at once; what is still on its way is not delivered."""
        self._number += 1
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.end_workers()  # its thread shuts it down

    def _watch(
        self,
        number: int,
        pool: WorkerPool,
        results: Generator[StudyResult, None, None],
        deliver: Callable[[StudyDelivery], object],
    ) -> None:
        error = ""
        try:
            with pool, closing(results):
                for result in results:
                    if number != self._number:
                        return
                    deliver(StudyDelivery(number, result))
        except Exception as failure:  # noqa: BLE001  # whatever it is, it is the study's end
            if number == self._number:
                _log.exception("A study failed")
            error = f"{type(failure).__name__}: {failure}"
        if number == self._number:
            deliver(StudyDelivery(number, error=error))
