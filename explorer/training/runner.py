"""Training in a background thread, with delivery of its records to the page's event loop.

The thread iterates a `TrainingRun` and posts its records; a few times a second the posted records are delivered
together on the event loop that the runner was created on. Only frozen records cross, never the network.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import wraps
from time import perf_counter, thread_time
from typing import Any, Literal
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from explorer.training.fields import Change
from explorer.training.own_network import OwnNetworkError
from explorer.training.process_settings import one_blas_thread, short_switches
from explorer.training.records import (
    BatchRecord,
    BatchStep,
    EpochRecord,
    Evaluation,
    RivalRecord,
    RunEnd,
    Snapshot,
    bytes_kept,
)
from explorer.training.run import DivergedError, Event, TrainingRun
from explorer.training.share import Share, patience

Record = BatchRecord | BatchStep | Change | EpochRecord | Snapshot | Evaluation | RivalRecord | RunEnd
RunnerStatus = Literal["idle", "running", "paused", "finished", "stopped", "failed"]
Unit = Literal["epoch", "batch"]

STOPPED_BY_USER = "Stopped by the user."
"""The reason for a run's end that needs no message."""

_LOOK_SECONDS = 0.1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The records since the last delivery."""

    token: int
    """Token of the run, as `Runner.start` returned it."""
    status: RunnerStatus
    """The run's status after these records."""
    records: tuple[Record, ...]
    """In chronological order."""
    in_line: int = 0
    """The run's position in the queue for a core: 1 is next; 0 while it has one."""


class Runner:
    """Runs one training at a time, in a thread.

    Starting a run while another is in progress cancels the other, and nothing more of it is delivered. For every
    other run, the last record delivered is its `RunEnd`.

    `deliver` is called with each `Delivery`: on the event loop that was running when the runner was created, or
    inside `wait`; without an event loop, only there. Two deliveries of a run are at least `interval_seconds`
    apart, except the first and the last. `share` is the visitor's share of a server; None means no limits.
    """

    def __init__(
        self,
        deliver: Callable[[Delivery], None],
        *,
        interval_seconds: float = 0.2,
        share: Share | None = None,
    ) -> None:
        self._deliver = deliver
        self.interval_seconds, self.share = interval_seconds, share
        self._loop = running_loop()
        self._turn: _Turn | None = None
        self.token = 0
        """Token of the newest run."""
        self._posted: list[Delivery] = []
        self._posting = threading.Lock()
        self._delivering = threading.RLock()

    @property
    def status(self) -> RunnerStatus:
        """Status of the newest run; "idle" before the first."""
        return "idle" if self._turn is None else self._turn.status

    def start(self, run: TrainingRun, *, paused: bool = False) -> int:
        """Start `run` instead of any other and return its token; with `paused` it waits for `step` or `resume`.

        A run started as paused delivers the exact figures of its initial weights.
        """
        self.cancel()
        self._turn = _Turn(self, run, self._turn, paused=paused)
        self._turn.thread.start()
        return self.token

    def extend(self, run: TrainingRun, epochs: int, *, paused: bool = False) -> int:
        """Let `run` continue to more epochs, whether it is running, paused or over; otherwise like `start`.

        A run that failed or was stopped early is left unchanged.
        """
        turn = self._turn
        if turn is not None and turn.extend(run, epochs):
            if turn.status == "paused":
                turn.resume()
            return self.token
        if turn is None or not turn.is_of(run):
            run.extend(epochs)
            return self.start(run, paused=paused)
        was_over = turn.end("cancel")  # its records count, but it may get no `RunEnd`
        self._drain()
        if was_over and (turn.status == "failed" or run.is_stopped_early):
            return self.token
        run.extend(epochs)
        if was_over and run.is_over:  # it has that many epochs already
            return self.token
        self._turn = _Turn(self, run, turn, paused=paused, goes_on=True)
        self._turn.thread.start()
        return self.token

    def change(self, learning_rate: float, batch_size: int) -> None:
        """Use another learning rate and batch size from the next mini-batch on; the run reports a `Change`."""
        if self._turn is not None:
            self._turn.change(learning_rate, batch_size)

    def pause(self) -> None:
        """Pause the run within a mini-batch; exact figures follow during the pause."""
        if self._turn is not None:
            self._turn.pause()

    def resume(self) -> None:
        """Continue after a pause."""
        if self._turn is not None:
            self._turn.resume()

    def step(self, unit: Unit, n_batches: int = 1) -> None:
        """Train to the end of an epoch or for `n_batches`, then pause; after its last epoch the run is over.

        If a paused run trains a single mini-batch, a `BatchStep` reports its effect.
        """
        if self._turn is not None:
            self._turn.resume(unit, n_batches)

    def stop(self) -> None:
        """Stop the run within a mini-batch."""
        if self._turn is not None:
            self._turn.end("stop")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over, or paused with its exact figures, and deliver the remaining records.

        Returns False if `timeout` seconds passed first; None means no timeout.
        """
        done = self._turn is None or self._turn.wait(timeout)
        self._drain()
        return done

    def cancel(self) -> None:
        """End the run without a `RunEnd`; nothing more of it is delivered."""
        with self._posting:
            self.token += 1
            self._posted.clear()
        if self._turn is not None:
            self._turn.end("cancel")

    def close(self) -> None:
        """Cancel the run and wait for its thread to end."""
        self.cancel()
        if self._turn is not None and self._turn.thread is not threading.current_thread():
            self._turn.thread.join()

    def post(self, delivery: Delivery) -> None:
        """Queue a delivery from the run's thread and schedule it on the event loop."""
        with self._posting:
            if delivery.token != self.token:
                return
            self._posted.append(delivery)
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: only `wait` delivers
                self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        with self._delivering:
            with self._posting:
                posted, self._posted = self._posted, []
            if posted:
                records = tuple(record for delivery in posted for record in delivery.records)
                self._deliver(replace(posted[-1], records=records))


class _Turn:
    """One run in one thread, from its start to its `RunEnd`."""

    def __init__(
        self,
        runner: Runner,
        run: TrainingRun,
        before: _Turn | None,
        *,
        paused: bool,
        goes_on: bool = False,
    ) -> None:
        self.status: RunnerStatus = "paused" if paused else "running"
        self.thread = threading.Thread(target=self._go, name=f"explorer-run-{runner.token}", daemon=True)
        self._run, self._token, self._known = run, runner.token, ref(run)
        self._before, self._goes_on_from_before = before, goes_on
        self._post_delivery, self._interval_seconds = runner.post, runner.interval_seconds
        self._share, self._in_line, self._next_look = runner.share, 0, 0.0
        self._changed = threading.Condition()
        self._attention = self._hold = paused
        self._at_rest = False
        self._ending: Literal["", "stop", "cancel"] = ""
        self._over = False
        self._allowance: Unit | None = None
        self._stepped_from: tuple[int, tuple[NDArray[np.floating], ...]] | None = None  # step and weights
        self._allowed_to = 0
        self._is_evaluated = False
        self._records: list[Record] = []
        self._posted_at = float("-inf")

    def is_of(self, run: TrainingRun) -> bool:
        """Return whether this turn is, or was, of `run`."""
        return self._known() is run

    def pause(self) -> None:
        with self._changed:
            self._hold = self._attention = True
            self._changed.notify_all()

    def resume(self, allowance: Unit | None = None, n_batches: int = 1) -> None:
        """Continue, until the allowance of one epoch or `n_batches` is used up, if there is one."""
        with self._changed:
            if self._over:
                return
            self._hold, self._allowance = False, allowance
            self._allowed_to = self._run.steps_of_all + n_batches
            self._attention = True
            self.status = "running"
            self._changed.notify_all()

    def extend(self, run: TrainingRun, epochs: int) -> bool:
        """Let the run continue to more epochs; return False if it is another run, over or ending."""
        with self._changed:
            if self._over or self._ending or run is not self._run:
                return False
            run.extend(epochs)
            return True

    def change(self, learning_rate: float, batch_size: int) -> None:
        with self._changed:
            if not self._over:
                self._run.change(learning_rate, batch_size)

    def end(self, ending: Literal["stop", "cancel"]) -> bool:
        """End the run; return whether it was over already."""
        with self._changed:
            if self._ending != "cancel":
                self._ending = ending
            self._attention = True
            self._changed.notify_all()
            return self._over

    def wait(self, timeout: float | None) -> bool:
        with self._changed:
            return self._changed.wait_for(
                lambda: self._over or (self._at_rest and self._stays_paused()), timeout
            )

    def _stays_paused(self) -> bool:
        return self.status == "paused" and self._hold and not self._ending

    def _unhindered(self) -> bool:
        return not (self._hold or self._ending)

    def _wanted(self) -> bool:
        return self._ending != "cancel"

    def _go(self) -> None:
        """Thread target: wait for the previous run to be over, then train to the end."""
        if self._before is not None:
            self._before.thread.join()
            if self._goes_on_from_before:
                self._records = self._before._records  # not yet delivered
            elif (left := self._before._known()) is not None and left is not self._run:
                left.close()
            self._before = None
        while not self._finish(self._outcome()):
            continue  # it was extended as it ended

    def _outcome(self) -> RunEnd | None:
        try:
            with one_blas_thread(), short_switches():
                return self._train()
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is reported to the user
            reason = f"{error}."
            if not isinstance(error, DivergedError | OwnNetworkError):
                _log.exception("A run failed")
                reason = f"{type(error).__name__}: {error}"
            # The frames of the exception and its cause would keep the run, its network and its images alive.
            error.__cause__ = error.__context__ = None
            return RunEnd("failed", reason, error=error.with_traceback(None))
        finally:
            self._give_turn_back()

    def _finish(self, end: RunEnd | None) -> bool:
        """Post the `RunEnd` and return True; return False if the run has been extended meanwhile."""
        with self._changed:
            if end is not None and end.status == "finished" and not self._run.is_over:
                return False
            self._over, self.status = True, "stopped" if end is None else end.status
            if end is not None and self._wanted():
                self._records.append(end)
                self._flush()
            del self._run  # the runner keeps the turn; the run may be freed
            self._changed.notify_all()
            return True

    def _train(self) -> RunEnd | None:
        """Iterate the run; return its end, or None if it was cancelled."""
        if self._share is not None:
            n_bytes = bytes_kept(self._run.snapshot_bytes, self._run.config.epochs)
            if reason := self._share.limit(n_bytes=n_bytes):
                return RunEnd("failed", reason)
        self._goes_on(self._unhindered)
        if self._attention and not self._obey(None):
            return self._ended()
        for event in self._run:
            self._is_evaluated = False
            if event is not None:
                self._records.append(event)
            is_due = perf_counter() - self._posted_at >= self._interval_seconds
            if is_due:
                if self._records and self._allowance != "batch":  # that is paused at once
                    self._flush()
                if self._share is not None:
                    if reason := self._share.limit(thread_time(), self._run.snapshot_bytes):
                        return self._ended(reason)
                    self._goes_on(self._unhindered)
                    self._run.wake()
            if self._attention and not self._obey(event):
                return self._ended()
        self._is_evaluated = False  # early stopping may have restored other weights
        if self._records:
            self._flush()  # the last epoch does not wait for the exact figures
        while (final := self._evaluate(self._unhindered)) is None:
            if not self._obey(None):
                return self._ended()
        return RunEnd("finished", self._run.end_reason, final)

    def _ended(self, reason: str = STOPPED_BY_USER) -> RunEnd | None:
        self._run.leave()
        if not self._wanted():
            return None
        self._run.rest()
        with self._changed:  # reported at once; the exact figures of a large network take seconds
            if not self._wanted():
                return None
            self.status = "stopped"
            self._flush()
        final = self._evaluate(self._wanted)
        return None if final is None else RunEnd("stopped", reason, final=final)

    def _evaluate(self, wanted: Callable[[], bool]) -> Evaluation | None:
        """Return the run's exact figures, with those of its rivals as records; None if it was interrupted."""
        for entry, rival in enumerate(self._run.rivals, 1):
            found = rival.evaluate(lambda: self._goes_on(wanted))
            if found is None:
                return None
            self._records.append(RivalRecord(entry, found))
        return self._run.evaluate(lambda: self._goes_on(wanted))

    def _goes_on(self, wanted: Callable[[], bool]) -> bool:
        """Wait for this run's turn; return whether the work is still wanted."""
        if self._share is None or perf_counter() < self._next_look:
            return wanted()
        while wanted() and (place := self._share.place()):
            self._run.rest()
            with self._changed:
                self._say_place(place)
                if wanted():
                    self._changed.wait(patience(place))
        self._say_place(0)
        self._next_look = perf_counter() + _LOOK_SECONDS
        return wanted()

    def _say_place(self, place: int) -> None:
        if max(0, place) != self._in_line:
            self._in_line = max(0, place)
            self._flush()

    def _give_turn_back(self) -> None:
        if self._share is not None:
            self._share.leave()
            self._next_look = 0.0

    def _obey(self, event: Event) -> bool:
        """Carry out pending commands; return False to end."""
        with self._changed:
            if self._used_up(event):
                self._hold, self._allowance = not self._run.is_over, None
        self._run.rest()
        record = event.record if isinstance(event, RivalRecord) else event
        if not isinstance(record, EpochRecord):  # the snapshot belongs to the epoch
            self._pause_here()
        self._goes_on(self._unhindered)
        self._run.wake()
        if self._allowance == "batch" and self._stepped_from is None:
            self._stepped_from = self._run.step, self._run.weights()
        with self._changed:
            self._attention = bool(self._ending or self._allowance or self._hold)
            return not self._ending

    def _pause_here(self) -> None:
        """If a pause is pending, report it, compute exact figures, and wait until the run may continue."""
        with self._changed:
            if not self._hold or self._ending or self._run.is_within:
                return
            self.status, self._at_rest = "paused", False
            self._flush()
        if not self._say_what_the_batch_did():
            return
        if not self._is_evaluated:
            with suppress(DivergedError):  # entry 0 of a race, which has no figures; the others continue
                evaluation = self._evaluate(self._stays_paused)
                if evaluation is None:
                    return
                self._records.append(evaluation)
                self._is_evaluated = True
        with self._changed:
            if self._stays_paused() and self._records:
                self._flush()
            self._give_turn_back()
            self._at_rest = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._stays_paused())

    def _say_what_the_batch_did(self) -> bool:
        """If a single mini-batch was trained, report its effect; return False if that was interrupted."""
        start, self._stepped_from = self._stepped_from, None
        if start is None or self._run.step != start[0] + 1:
            return True
        step = self._run.batch_step(start[1], self._stays_paused)
        if step is not None:
            with self._changed:
                self._records.append(step)
                self._flush()
        return step is not None

    def _used_up(self, event: Event) -> bool:
        if self._allowance == "batch":
            return self._run.steps_of_all >= self._allowed_to
        return self._allowance == "epoch" and self._run.ends_epoch(event)

    def _flush(self) -> None:
        records, self._records = tuple(self._records), []
        self._posted_at = perf_counter()
        self._post_delivery(Delivery(self._token, self.status, records, self._in_line))


def log_fault(error: Exception) -> None:
    """Log an exception raised by a handler."""
    _log.error("A handler failed", exc_info=error)


class EventLoop:
    """The event loop running when this object was created; None in a plain script.

    Exceptions that handlers raise go to `on_fault`, which reports them to the user; by default they are logged.
    """

    def __init__(self, on_fault: Callable[[Exception], object] = log_fault) -> None:
        self.loop = running_loop()
        self.on_fault = on_fault

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function on the loop: at once if the caller runs on it, else soon, reporting its exceptions."""
        if self.loop is None or self.loop is running_loop():
            function(*arguments)
        elif not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.guarded, function, *arguments)

    def call_later(self, seconds: float, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function on the loop after `seconds`; without a loop, at once."""
        if self.loop is None:
            function(*arguments)
        else:
            self.loop.call_later(seconds, function, *arguments)

    def bind(self, handler: Callable[..., object]) -> Callable[..., None]:
        """Return a function that calls `handler` on the loop and reports its exceptions to the user."""

        @wraps(handler)
        def on_loop(*arguments: Any) -> None:
            self.call(self.guarded, handler, *arguments)

        return on_loop

    def guarded(self, handler: Callable[..., object], *arguments: Any) -> bool:
        """Call `handler` directly; if it raises, report the exception to the user and return False."""
        try:
            handler(*arguments)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is reported to the user
            self.on_fault(error)
            return False
        return True


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that the caller runs on, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
