"""The threads that work for a session: its training, the textbook network's, and a look at the test set."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Thread
from time import monotonic

from explorer.session.session_run import SessionRun
from explorer.training import FinalTest, TrainingRun, open_test_set
from explorer.training.races import Race
from explorer.training.runner import Delivery, EventLoop, Run, Runner
from explorer.training.share import Share


class TrainingThreads:
    """Trains the current run of a session, and next to a user's class the textbook network.

    On the event loop, it calls `on_delivery` with the records of the current run, `on_reference` with the run of
    the textbook network when it is over, and `on_test` with a run and its results on the test set.
    """

    def __init__(
        self,
        loop: EventLoop,
        *,
        on_delivery: Callable[[Delivery], object],
        on_reference: Callable[[SessionRun], object],
        on_test: Callable[[SessionRun, FinalTest], object],
    ) -> None:
        self._loop, self._on_delivery, self._on_reference = loop, on_delivery, on_reference
        self._on_test = loop.bind(on_test)
        self._training: Run | None = None
        self._token = 0  # the runner's token of the current run
        self._reference: SessionRun | None = None  # the textbook network's, until it is over
        self._tested: SessionRun | None = None  # the run that the test set was last opened for
        self.runner = Runner(loop.bind(self._deliver), share=Share.of(os.environ))
        """Steers the current training: pauses it, steps, changes its learning rate, stops it."""
        self._referee = Runner(loop.bind(self._deliver_reference), share=Share.of(os.environ))

    @property
    def can_extend(self) -> bool:
        """Whether there is a training that could be extended."""
        return self._training is not None

    def start(self, training: Run, *, paused: bool) -> None:
        """Train this instead of any other."""
        self._training = training
        self._token = self.runner.start(training, paused=paused)

    def hold(self, training: TrainingRun | None) -> None:
        """Keep the training of an ended run, to be extended."""
        self._training = training

    def extend(self, epochs: int, *, paused: bool) -> None:
        """Train to more epochs."""
        assert self._training is not None
        self._token = self.runner.extend(self._training, epochs, paused=paused)

    def drop(self, entry: int) -> None:
        """Remove an entry from a race."""
        assert isinstance(self._training, Race)
        self._training.drop(entry)

    def leave(self) -> None:
        """End all training; nothing more of it is delivered."""
        self.runner.cancel()
        self.leave_reference()
        self._training = None

    def start_reference(self, training: TrainingRun, run: SessionRun) -> None:
        """Train the textbook network."""
        self._reference = run
        self._referee.start(training)

    def leave_reference(self) -> None:
        """End the training of the textbook network."""
        self._referee.cancel()
        self._reference = None

    def wait(self, timeout: float | None) -> bool:
        """Wait until all is over or paused; return False if `timeout` seconds passed first."""
        end = None if timeout is None else monotonic() + timeout
        is_over = self.runner.wait(timeout)
        return is_over and self._referee.wait(None if end is None else max(0.0, end - monotonic()))

    def close(self) -> None:
        """End the threads."""
        self._referee.close()
        self.runner.close()

    def open_test_set(self, run: SessionRun) -> None:
        """Evaluate an ended run on the test set: with an event loop in a thread, else at once."""
        if run is self._tested or run.newest is None:
            return
        self._tested, network = run, run.new_network()
        network.set_weights(run.newest.weights)

        def look() -> None:
            try:
                self._on_test(run, open_test_set(network, run.dataset))
            except Exception as error:  # noqa: BLE001  # whatever it is, it is reported to the user
                self._tested = None
                self._loop.call(self._loop.on_fault, error)

        if self._loop.loop is None:
            look()
        else:
            Thread(target=look, daemon=True).start()

    def _deliver(self, delivery: Delivery) -> None:
        if delivery.token == self._token:  # deliveries of a previous run arrive too late
            self._on_delivery(delivery)

    def _deliver_reference(self, delivery: Delivery) -> None:
        if self._reference is not None:
            self._reference = run = self._reference.taking(delivery.status, delivery.records)
            if run.history.end is not None:
                self._reference = None
                self._on_reference(run)
