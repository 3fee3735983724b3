"""An experiment that runs in a thread, and on a server takes its turn."""

import os
from collections.abc import Callable
from contextlib import closing
from threading import Event, Thread
from time import thread_time
from typing import Any

from explorer.training.process_settings import one_blas_thread
from explorer.training.turns import Turns, patience, turns_of


class Experiment:
    """An experiment in a thread; `deliver` is called with each event, and with None or an error at the end."""

    def __init__(self, steps: Any, deliver: Callable[[Any], object]) -> None:
        self._steps, self._deliver, self._is_stopped = steps, deliver, Event()
        Thread(target=self._work, name="demonstration", daemon=True).start()

    def stop(self) -> None:
        """End it at its next step."""
        self._is_stopped.set()

    def _work(self) -> None:
        end: Exception | None = None
        turns = turns_of(os.environ)
        try:
            with one_blas_thread(), closing(self._steps):
                while self._has_turn(turns) and (event := next(self._steps, None)) is not None:
                    self._deliver(event)
        except Exception as error:  # noqa: BLE001  # whatever it is, the panel says it
            end = error
        finally:
            if turns is not None:
                turns.leave()
        self._deliver(end)

    def _has_turn(self, turns: Turns | None) -> bool:
        """Wait for a turn on a server; return False once it is stopped, and raise `ValueError` at a limit."""
        if turns is not None:
            if reason := turns.limit(thread_time()):
                raise ValueError(reason)
            while not self._is_stopped.is_set() and (place := turns.place()):
                self._is_stopped.wait(patience(place))
        return not self._is_stopped.is_set()
