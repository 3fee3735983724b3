"""Background execution of a study: worker processes, and a thread that delivers their results.

The page that starts a study stays responsive, and can stop it at once, even during its runs.
"""

import logging
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from threading import Event, Thread

from explorer.datasets import Dataset, DatasetError
from explorer.training.config import TrainingConfig
from explorer.training.fields import ConfigError
from explorer.training.records import bytes_at_work
from explorer.training.share import Share, n_cores, worker_seconds
from explorer.training.studies.cost import n_weights
from explorer.training.studies.executors import WorkerPool
from explorer.training.studies.study import study
from explorer.training.studies.trials import StudyError, Trial

_LOOK_SECONDS = 0.5
_WORKER_BYTES = 40 << 20  # memory of a worker that trains a small network

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StudyDelivery:
    """A message from a study: one more trial, its queue position, or its end."""

    number: int
    """Number of the study; a later study of the same runner has a higher number."""
    trial: Trial | None = None
    """A trial that ended, if one did."""
    in_line: int | None = None
    """The study's position in the queue for a core of its server: 1 is next, 0 has one; None if unchanged."""
    error: str = ""
    """Why the study as a whole failed, in one sentence; empty otherwise."""

    @property
    def is_end(self) -> bool:
        """Whether the study is over."""
        return self.trial is None and self.in_line is None


def workers_for(configs: Iterable[TrainingConfig], dataset: Dataset) -> int:
    """Return how many runs of a study train at once: one on each core, or as many as a server's seat has room for.

    Raises `StudyError` if there is no room for one.
    """
    share = Share.of(os.environ)
    if share is None:
        return n_cores()
    n_outputs = dataset.n_classes * dataset.n_test
    snapshot_bytes = max(4 * (n_weights(config, dataset) + n_outputs) for config in configs)
    n_bytes = _WORKER_BYTES + bytes_at_work(snapshot_bytes)
    if reason := share.limit(n_bytes=n_bytes):
        raise StudyError(reason)
    return share.workers(n_bytes)


class StudyRunner:
    """Runs one study at a time."""

    def __init__(self) -> None:
        self._number = 0
        self._pool: WorkerPool | None = None

    def start(
        self,
        configs: Iterable[TrainingConfig],
        dataset: Dataset,
        deliver: Callable[[StudyDelivery], object],
        n_workers: int | None = None,
    ) -> int:
        """Start a study instead of the current one, its runs in this order, and return its number.

        It uses `n_workers` processes, by default one for each core; see `workers_for`. Each `StudyDelivery` comes
        from the study's thread. A delivery of a stopped study may still arrive; its number tells them apart.
        """
        self.stop()
        self._pool = pool = WorkerPool(n_workers)
        trials = study(configs, dataset, executor=pool)
        Thread(
            target=self._watch, args=(self._number, pool, trials, deliver), name="study", daemon=True
        ).start()
        return self._number

    def stop(self) -> None:
        """End the study at once; pending results are not delivered."""
        self._number += 1
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.end_workers()  # its thread shuts it down

    def _watch(
        self,
        number: int,
        pool: WorkerPool,
        trials: Generator[Trial, None, None],
        deliver: Callable[[StudyDelivery], object],
    ) -> None:
        error, limits, over = "", list[str](), Event()

        def watch_share() -> None:
            """Report the study's queue position when it changes; end it when its seat's share is used up."""
            share, told = Share.of(os.environ), 0
            while share is not None and not over.wait(_LOOK_SECONDS) and number == self._number:
                if reason := share.limit(worker_seconds()):
                    limits.append(reason)
                    pool.end_workers()
                    return
                if (place := share.place_of_workers()) != told:
                    told = place
                    deliver(StudyDelivery(number, in_line=place))

        Thread(target=watch_share, daemon=True).start()
        try:
            with pool, closing(trials):
                for trial in trials:
                    if number != self._number:
                        return
                    deliver(StudyDelivery(number, trial))
        except (ConfigError, DatasetError, StudyError) as failure:
            error = str(failure)
        except Exception as failure:  # noqa: BLE001  # whatever it is, it ends the study
            if number == self._number:
                _log.exception("A study failed")
            error = f"an unexpected error, {type(failure).__name__}: {failure}"
        over.set()
        if number == self._number:
            deliver(StudyDelivery(number, error=(limits or [error])[0]))
