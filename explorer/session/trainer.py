"""What a session computes in threads: its current run, the reference next to it, and looks at the test set."""

import os
from collections.abc import Callable
from dataclasses import replace
from threading import Thread
from time import monotonic

from explorer.session import new_runs
from explorer.session.run_names import run_label
from explorer.session.session_run import SessionRun
from explorer.session.state import SessionState
from explorer.training import open_test_set
from explorer.training.event_loop import EventLoop
from explorer.training.races import Race
from explorer.training.runner import Delivery, Run, Runner
from explorer.training.turns import turns_of


class Trainer:
    """Trains a session's current run and, next to a run of a user's class, the textbook network: the reference.

    On the event loop, it calls ``update(transition, …)`` with a method of `SessionState`, and its arguments, that
    returns the next state.
    """

    def __init__(self, loop: EventLoop, update: Callable[..., object]) -> None:
        self._loop, self._update = loop, update
        self.runner = Runner(loop.bind(self._deliver), turns=turns_of(os.environ))
        """Trains the current run."""
        self.training: Run | None = None
        """What the runner trains, or would continue."""
        self._reference_runner = Runner(loop.bind(self._deliver_reference), turns=turns_of(os.environ))
        self._reference: SessionRun | None = None  # until it is over
        self._tested: SessionRun | None = None  # the run that the test set was last opened for

    def start(self, training: Run, *, paused: bool) -> None:
        """Train instead of any other current run."""
        self.training = training
        self.runner.start(training, paused=paused)

    def drop(self, entry: int) -> None:
        """Exclude a rival in a race from further training."""
        if isinstance(self.training, Race):
            self.training.drop(entry)

    def train_reference(self, state: SessionState) -> SessionState:
        """Train with a state's settings, unless that has been done; return the state without older attempts."""
        config, earlier = state.config, state.earlier
        alike = [
            run
            for run in earlier.of(state.dataset)
            if run.own is None and {*run.config.differences(config)} <= {"epochs"} and not run.is_marked
        ]
        if any(run.config == config and run.status == "finished" for run in alike):
            return state
        training, run = new_runs.fresh(config, state.dataset)
        label = f"textbook, {run_label(config, state.first)}"
        state, (self._reference,) = state.numbering(replace(run, label=label))
        self._reference_runner.start(training)
        return replace(state, earlier=earlier.without(alike))

    def open_test_set(self, run: SessionRun | None) -> None:
        """Evaluate a run's network on the test set, once; with an event loop the figures follow soon."""
        if run is None or run.newest is None or not run.can_be_tested or run is self._tested:
            return
        self._tested, network = run, run.new_network()
        network.set_weights(run.newest.weights)
        report = self._loop.bind(self._update)

        def look() -> None:
            try:
                report(SessionState.tested, run, open_test_set(network, run.dataset))
            except Exception as error:  # noqa: BLE001  # whatever it is, it is reported to the user
                self._tested = None
                self._loop.call(self._loop.on_fault, error)

        if self._loop.loop is None:
            look()
        else:
            Thread(target=look, daemon=True).start()

    def leave(self) -> None:
        """End all training; nothing more of it is delivered."""
        self.runner.cancel()
        self._reference_runner.cancel()
        self.training = self._reference = None

    def wait(self, timeout: float | None) -> bool:
        """Wait until all training is over or paused; return False if `timeout` seconds passed first."""
        end = None if timeout is None else monotonic() + timeout
        is_over = self.runner.wait(timeout)
        return is_over and self._reference_runner.wait(None if end is None else max(0.0, end - monotonic()))

    def close(self) -> None:
        """End all training and its threads."""
        self._reference_runner.close()
        self.runner.close()

    def _deliver(self, delivery: Delivery) -> None:
        if delivery.token == self.runner.token:  # others are of a previous run
            self._update(SessionState.with_delivery, delivery)

    def _deliver_reference(self, delivery: Delivery) -> None:
        if self._reference is None or delivery.token != self._reference_runner.token:
            return
        self._reference = run = self._reference.with_records(delivery.status, delivery.records)
        if run.history.end is not None:
            self._reference = None
            self._update(SessionState.with_reference, run)
