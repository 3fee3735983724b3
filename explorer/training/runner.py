"""Training in a background thread, with delivery of its records to the page's event loop.

The thread iterates a run and posts its records, which are delivered together a few times a second. Only frozen
records cross; weights are copies. Commands come from other threads and take effect at once in a table of states;
the thread notices them after its current event, or while it scores images.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from time import perf_counter, thread_time
from types import MappingProxyType
from typing import Literal
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from explorer.training.event_loop import running_loop
from explorer.training.networks import OwnNetworkError
from explorer.training.process_settings import one_blas_thread, short_switches
from explorer.training.races import Race
from explorer.training.records import BatchRecord, BatchStep, EpochRecord, Evaluation, RivalRecord, RunEnd
from explorer.training.run import DivergedError, Event, RunRecord, TrainingRun
from explorer.training.turns import Turns, patience

Run = TrainingRun | Race
Record = RunRecord | BatchStep | Evaluation | RunEnd
RunnerStatus = Literal["idle", "running", "paused", "finished", "stopped", "failed"]
Unit = Literal["epoch", "batch"]

_State = Literal["running", "pausing", "scoring", "paused", "stopping", "stopped", "cancelled", "over"]
_Signal = Literal["pause", "resume", "stop", "cancel", "noticed", "scored", "end"]

_ENDING: Mapping[_Signal, _State] = MappingProxyType(
    {"stop": "stopping", "cancel": "cancelled", "end": "over"}
)

_TRANSITIONS: Mapping[_State, Mapping[_Signal, _State]] = MappingProxyType(
    {
        "running": {**_ENDING, "pause": "pausing"},  # trains, or computes the exact scores at its end
        "pausing": {**_ENDING, "noticed": "scoring", "resume": "running"},  # completes the mini-batch
        "scoring": {**_ENDING, "scored": "paused", "resume": "running"},  # computes the scores of a pause
        "paused": {**_ENDING, "resume": "running"},  # waits
        "stopping": {"noticed": "stopped", "cancel": "cancelled", "end": "over"},  # until the next event
        "stopped": {"cancel": "cancelled", "end": "over"},  # computes the exact scores
        "cancelled": {"end": "over"},  # delivers nothing more
        "over": {},
    }
)
"""The next state by state and signal; any other signal changes nothing. `pause`, `resume`, `stop` and `cancel` are
commands; the thread itself signals `noticed` when it sees one, `scored` with the exact scores, and `end`."""

_RUNNING: tuple[_State, ...] = ("running",)
_AT_PAUSE: tuple[_State, ...] = ("scoring", "paused")
_TRAINS: tuple[_State, ...] = (*_RUNNING, "pausing", *_AT_PAUSE)

STOPPED_BY_USER = "Stopped by the user."
"""The reason for a run's end that needs no message."""

_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 5.0
_HEAD_START_SECONDS = 0.05  # of a curve's first point before the figures of a sample are delivered alone


@dataclass(frozen=True, slots=True)
class Delivery:
    """The records since the last delivery, in chronological order."""

    token: int
    """Token of the run, as `Runner.start` returned it."""
    status: RunnerStatus
    """The run's status after these records."""
    records: tuple[Record, ...]
    queue_position: int = 0
    """The run's position in the queue for a core: 1 is next; 0 while it has one."""


class Runner:
    """Runs one training at a time, in a thread.

    Starting a run while another is in progress cancels the other, and nothing more of it is delivered. For every
    other run, the last record delivered is its `RunEnd`.

    `deliver` is called with each `Delivery`: on the event loop that was running when the runner was created, or
    inside `wait`; without an event loop, only there. Two deliveries of a run are at least `interval_seconds`
    apart, except the first, that of a curve's first point, and the last. `turns` are the visitor's at a
    server; None means no limits.
    """

    def __init__(
        self,
        deliver: Callable[[Delivery], None],
        *,
        interval_seconds: float = 0.2,
        turns: Turns | None = None,
    ) -> None:
        self._deliver = deliver
        self.interval_seconds, self.turns = interval_seconds, turns
        self._loop = running_loop()
        self._job: _Job | None = None
        self.token = 0  # of the newest run
        self._posted: list[Delivery] = []
        self._posting = threading.Lock()
        self._delivering = threading.RLock()

    @property
    def status(self) -> RunnerStatus:
        """Status of the newest run; "idle" before the first."""
        return "idle" if self._job is None else self._job.status

    def start(self, run: Run, *, paused: bool = False) -> int:
        """Start `run` instead of any other; return its token. If `paused`, deliver its first figures and wait."""
        self.cancel()
        self._job = _Job(self, run, self._job, paused=paused)
        self._job.thread.start()
        return self.token

    def extend(self, run: Run, epochs: int) -> int:
        """Let `run` continue to more epochs, whether it is running, paused or over; otherwise like `start`.

        A run that failed or was stopped early is left unchanged.
        """
        job = self._job
        if job is not None and job.extend(run, epochs):
            if job.status == "paused":
                job.resume()
            return self.token
        if job is None or not job.is_of(run):
            run.extend(epochs)
            return self.start(run)
        was_over = job.signal("cancel") == "over"  # its records count, but it may get no `RunEnd`
        self._drain()
        if was_over and (job.status == "failed" or run.entries[0].is_stopped_early):
            return self.token
        run.extend(epochs)
        if was_over and run.is_complete:  # it has that many epochs already
            return self.token
        self._job = _Job(self, run, job, goes_on=True)
        self._job.thread.start()
        return self.token

    def change(self, learning_rate: float, batch_size: int) -> None:
        """Use another learning rate and batch size from the next mini-batch on; the run reports a `Change`."""
        if self._job is not None:
            self._job.change(learning_rate, batch_size)

    def pause(self) -> None:
        """Pause the run within a mini-batch; exact figures follow during the pause."""
        if self._job is not None:
            self._job.signal("pause")

    def resume(self) -> None:
        """Continue after a pause."""
        if self._job is not None:
            self._job.resume()

    def step(self, unit: Unit, n_batches: int = 1) -> None:
        """Train to the end of an epoch or for `n_batches`, then pause; a single one gives a `BatchStep`, too."""
        if self._job is not None:
            self._job.resume(unit, n_batches)

    def stop(self) -> None:
        """Stop the run within a mini-batch."""
        if self._job is not None:
            self._job.signal("stop")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over, or paused with its figures, and deliver them; False after `timeout` s."""
        done = self._job is None or self._job.wait(timeout)
        if self._loop is None or not self._loop.is_running() or self._loop is running_loop():
            self._drain()  # else the loop will, and until then another run may start
        return done

    def cancel(self) -> None:
        """End the run without a `RunEnd`; nothing more of it is delivered."""
        with self._posting:
            self.token += 1
            self._posted.clear()
        if self._job is not None:
            self._job.signal("cancel")

    def close(self) -> None:
        """Cancel the run and wait for its thread to end, but not for a user's code that never returns."""
        self.cancel()
        if self._job is not None and self._job.thread is not threading.current_thread():
            self._job.thread.join(_PATIENCE_SECONDS)

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


class _Job:
    """One run in one thread, from its start to its `RunEnd`."""

    def __init__(
        self, runner: Runner, run: Run, before: _Job | None, *, paused: bool = False, goes_on: bool = False
    ) -> None:
        self.status: RunnerStatus = "paused" if paused else "running"
        self.thread = threading.Thread(target=self._go, name=f"explorer-run-{runner.token}", daemon=True)
        self._run, self._token = run, runner.token
        self._known = tuple(map(ref, run.entries))
        self._before, self._goes_on_from_before = before, goes_on
        self._post_delivery, self._interval_seconds = runner.post, runner.interval_seconds
        self._turns, self._queue_position, self._next_look = runner.turns, 0, 0.0
        self._state: _State = "scoring" if paused else "running"
        self._changed = threading.Condition()  # guards the state, and wakes the thread
        self._unit: Unit | None = None  # to train before the next pause
        self._allowed_to = 0  # the step at which a unit of mini-batches ends
        self._stepped_from: tuple[int, tuple[NDArray[np.floating], ...]] | None = None  # step and weights
        self._has_points = False
        self._records: list[Record] = []
        self._posted_at = float("-inf")

    def signal(self, signal: _Signal) -> _State:
        """Make a transition, wake the thread, and return the state before."""
        with self._changed:
            before = self._state
            self._state = _TRANSITIONS[before].get(signal, before)
            self._changed.notify_all()
            return before

    def is_of(self, run: Run) -> bool:
        """Return whether this job is, or was, of `run`."""
        return self._known[0]() is run.entries[0]

    def close_run(self) -> None:
        """Free the memory of the run, which is over, without waiting for the garbage collector."""
        for known in self._known:
            if (run := known()) is not None:
                run.close()

    def resume(self, unit: Unit | None = None, n_batches: int = 1) -> None:
        """Continue, until a unit of one epoch or `n_batches` is trained, if there is one."""
        with self._changed:
            if self._state not in _TRAINS:
                return
            self._unit, self._allowed_to = unit, self._run.step + n_batches
            self.status = "running"
            self.signal("resume")

    def extend(self, run: Run, epochs: int) -> bool:
        """Let the run continue to more epochs; return False if it is another run, over or ending."""
        with self._changed:
            if self._state not in _TRAINS or run is not self._run:
                return False
            run.extend(epochs)
            return True

    def change(self, learning_rate: float, batch_size: int) -> None:
        with self._changed:
            if self._state != "over":
                self._run.entries[0].change(learning_rate, batch_size)

    def wait(self, timeout: float | None) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._state in ("paused", "over"), timeout)

    def _go(self) -> None:
        """Thread target: wait for the previous run to be over, then train to the end."""
        if self._before is not None:
            self._before.thread.join()
            if self._goes_on_from_before:
                self._records = self._before._records  # not yet delivered
            elif not self._before.is_of(self._run):
                self._before.close_run()
            self._before = None
        is_over = False
        while not is_over:  # it may be extended as it ends
            try:
                with one_blas_thread(), short_switches():
                    end = self._train()
            except BaseException as error:  # whatever it is, it is reported to the user
                reason = f"{error}."
                if not isinstance(error, DivergedError | OwnNetworkError):
                    logging.getLogger(__name__).exception("A run failed")
                    reason = f"{type(error).__name__}: {error}"
                # The frames of the exception and its cause would keep the run, its network and its images alive.
                error.__cause__ = error.__context__ = None
                end = RunEnd("failed", reason, error=error.with_traceback(None))
            finally:
                self._give_turn_back()
            is_over = self._finish(end)

    def _finish(self, end: RunEnd | None) -> bool:
        """Post the `RunEnd` and return True; return False if the run has been extended meanwhile."""
        with self._changed:
            if end is not None and end.status == "finished" and not self._run.is_complete:
                return False
            self.status = "stopped" if end is None else end.status
            if self.signal("end") != "cancelled" and end is not None:
                self._records.append(end)
                self._flush()
            del self._run  # the runner keeps the job; the run may be freed
            return True

    def _train(self) -> RunEnd | None:
        """Iterate the run; return its end, or None if it was cancelled."""
        self._goes_on(_RUNNING)
        if (self._state != "running" or self._unit) and not self._apply_commands(None):
            return self._ended()
        self._posted_at = perf_counter() - self._interval_seconds + _HEAD_START_SECONDS
        for event in self._run:
            if event is not None:
                self._records.append(event)
            is_first = isinstance(event, BatchRecord) and not self._has_points
            self._has_points |= is_first  # a curve begins at once, whenever samples were delivered
            if is_first or perf_counter() - self._posted_at >= self._interval_seconds:
                if self._records and self._unit != "batch":  # that is paused at once
                    self._flush()
                if self._turns is not None:
                    if reason := self._turns.limit(thread_time()):
                        return self._ended(reason)
                    self._goes_on(_RUNNING)
            if (self._state != "running" or self._unit) and not self._apply_commands(event):
                return self._ended()
        if self._records:
            self._flush()  # the last epoch does not wait for the exact figures
        while (final := self._evaluate(_RUNNING)) is None:
            if not self._apply_commands(None):
                return self._ended()
        return RunEnd("finished", self._run.entries[0].end_reason, final)

    def _ended(self, reason: str = STOPPED_BY_USER) -> RunEnd | None:
        with self._changed:  # reported at once; the exact figures of a large network take seconds
            self.signal("stop")
            self.signal("noticed")
            if self._state == "cancelled":
                return None
            self.status = "stopped"
            self._flush()
        final = self._evaluate(("stopped",))
        return None if final is None else RunEnd("stopped", reason, final=final)

    def _evaluate(self, states: tuple[_State, ...]) -> Evaluation | None:
        """Return the run's exact figures, its rivals' as records; None once the state is none of these."""
        first, *rivals = self._run.entries
        for entry, rival in enumerate(rivals, 1):
            if rival.error is None:
                found = rival.evaluate(lambda: self._goes_on(states))
                if found is None:
                    return None
                self._records.append(RivalRecord(entry, found))
        return first.evaluate(lambda: self._goes_on(states))

    def _goes_on(self, states: tuple[_State, ...]) -> bool:
        """Wait for this run's turn; return whether the state is still one of these."""
        if self._turns is None or perf_counter() < self._next_look:
            return self._state in states
        while self._state in states and (place := self._turns.place()):
            with self._changed:
                self._set_place(place)
                if self._state in states:
                    self._changed.wait(patience(place))
        self._set_place(0)
        self._next_look = perf_counter() + _LOOK_SECONDS
        return self._state in states

    def _set_place(self, place: int) -> None:
        if max(0, place) != self._queue_position:
            self._queue_position = max(0, place)
            self._flush()

    def _give_turn_back(self) -> None:
        if self._turns is not None:
            self._turns.leave()
            self._next_look = 0.0

    def _apply_commands(self, event: Event) -> bool:
        """Apply pending commands after an event; return False to end the run."""
        with self._changed:
            is_stepped = self._unit == "batch" and self._run.step >= self._allowed_to
            if is_stepped or (self._unit == "epoch" and self._run.ends_epoch(event)):
                self._unit = None
                self.signal("resume" if self._run.is_complete else "pause")
        record = event.record if isinstance(event, RivalRecord) else event
        if not isinstance(record, EpochRecord):  # the snapshot belongs to the epoch
            self._pause_here()
        self._goes_on(_RUNNING)
        if self._unit == "batch" and self._stepped_from is None:
            first = self._run.entries[0]
            self._stepped_from = first.step, first.weights()
        return self._state in _TRAINS

    def _pause_here(self) -> None:
        """If a pause is requested, report it, and the effect of a single step; compute exact figures; and wait."""
        first = self._run.entries[0]
        with self._changed:
            if self._state not in ("pausing", "scoring", "paused"):
                return
            self.signal("noticed")
            self.status = "paused"
            self._flush()
        start, self._stepped_from = self._stepped_from, None
        if start is not None and first.step == start[0] + 1:
            step = first.batch_step(start[1], lambda: self._state in _AT_PAUSE)
            if step is None:  # interrupted
                return
            with self._changed:
                self._records.append(step)
                self._flush()
        with suppress(DivergedError):  # entry 0 of a race, which has no figures; the others continue
            evaluation = self._evaluate(_AT_PAUSE)
            if evaluation is None:
                return
            self._records.append(evaluation)
        with self._changed:
            if self._state in _AT_PAUSE and self._records:
                self._flush()
            self._give_turn_back()
            self.signal("scored")
            self._changed.wait_for(lambda: self._state not in _AT_PAUSE)

    def _flush(self) -> None:
        records, self._records = tuple(self._records), []
        self._posted_at = perf_counter()
        self._post_delivery(Delivery(self._token, self.status, records, self._queue_position))
