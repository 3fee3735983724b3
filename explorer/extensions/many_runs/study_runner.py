"""A study in the background of a page: its trials, its place in the server's queue, and its end, as events."""

import logging
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, suppress
from pathlib import Path
from threading import Event, Thread

from explorer.datasets import Dataset
from explorer.training.config import TrainingConfig
from explorer.training.fields import ConfigError
from explorer.training.studies import StudyError, Trial, WorkerPool, study
from explorer.training.turns import study_workers, turns_of

_TURNS_SECONDS = 0.5  # between two looks at a server's turns

_log = logging.getLogger(__name__)

StudyEvent = Trial | int | str
"""A trial that ended; the study's new position in the queue for a core of its server, 1 for next, 0 if it has one;
or the end: the sentence that says why the study as a whole failed, empty if it didn't."""


class StudyRunner:
    """Runs one study at a time, in a pool of processes; its thread calls `deliver` with number and event."""

    def __init__(self, deliver: Callable[[int, StudyEvent], object]) -> None:
        self._deliver = deliver
        self._number = 0
        self._pool: WorkerPool | None = None

    def start(self, configs: Iterable[TrainingConfig], dataset: Dataset) -> int:
        """Start a study and return its number; of the one before, events may still arrive, with a lower number."""
        self.stop()
        self._pool = pool = WorkerPool(study_workers())
        arguments = self._number, pool, study(configs, dataset, executor=pool)
        Thread(target=self._watch, args=arguments, name="study", daemon=True).start()
        return self._number

    def stop(self) -> None:
        """End the study at once; pending results are not delivered."""
        self._number += 1
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.end_workers()  # its thread shuts it down

    def _watch(self, number: int, pool: WorkerPool, trials: Generator[Trial]) -> None:
        error, limits, over = "", list[str](), Event()
        Thread(target=self._watch_turns, args=(number, pool, limits, over), daemon=True).start()
        try:
            with pool, closing(trials):
                for trial in trials:
                    if number != self._number:
                        return
                    self._deliver(number, trial)
        except (ConfigError, StudyError) as failure:
            error = str(failure)
        except Exception as failure:  # noqa: BLE001  # whatever it is, it ends the study
            if number == self._number:
                _log.exception("A study failed")
            error = f"an unexpected error, {type(failure).__name__}: {failure}"
        finally:
            over.set()
        if number == self._number:
            self._deliver(number, (limits or [error])[0])

    def _watch_turns(self, number: int, pool: WorkerPool, limits: list[str], over: Event) -> None:
        """Report the study's queue position when it changes; end it when its seat's time is used up."""
        turns, last = turns_of(os.environ), 0
        while turns is not None and not over.wait(_TURNS_SECONDS) and number == self._number:
            if exceeded := turns.limit(_worker_seconds()):
                limits.append(exceeded)
                pool.end_workers()
                return
            if (position := turns.place_of_workers()) != last:
                last = position
                self._deliver(number, position)


def _worker_seconds() -> float:
    """Return the CPU seconds used by this process's children; 0 if unknown."""
    ticks, children = 0, list[str]()
    with suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            children += (task / "children").read_text().split()
    for child in children:
        with suppress(OSError):
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # in user mode, and in kernel mode
    return ticks and ticks / os.sysconf("SC_CLK_TCK")
