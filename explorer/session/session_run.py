"""One run of a session at one moment: its settings, records and status."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.network import NeuralNetwork
from explorer.training import (
    BatchStep,
    EpochRecord,
    Evaluation,
    FinalTest,
    History,
    Moment,
    SampleRecord,
    Snapshot,
    Timeline,
    TrainingConfig,
    TrainingRun,
    new_network,
)
from explorer.training.own_network import OwnClass
from explorer.training.runner import RunnerStatus

MOST_BYTES = 1 << 26  # of an uploaded file: above the largest network that the controls allow, in float64


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """What a run began with: freshly initialized weights, unless it is a fork."""

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    """Epochs, updates of the weights and seconds of training before it, by its parent."""
    parent: SessionRun | None = None
    """The run that it was forked from, without its moments."""
    moment: Moment | None = None
    """The moment of the parent that it began with; None once another run replaces it."""
    file: str = ""
    """The weights file that it began with, if an earlier version opened one."""
    weights: tuple[NDArray[np.floating], ...] | None = None
    """The weights from that file, or the initial weights of a user's network."""

    @property
    def words(self) -> str:
        """The weights that it began with, in words; empty for freshly initialized ones."""
        if self.file:
            return f"weights of {self.file}"
        return f"branch of {self.parent.short_title} at epoch {self.epoch}" if self.parent else ""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SessionRun:
    """An immutable snapshot of one run; snapshots with the same number are the same run at different times."""

    number: int = 0
    """1 for the session's first run; 0 for one that no session has numbered."""
    series: int = 0
    """Generation counter: numbers restart at 1 whenever the session is cleared."""
    label: str = ""
    """The settings that set it apart: ``"128 units"``; empty if not computed."""
    name: str = ""
    """The user's name for it."""
    note: str = ""
    pinned: bool = False
    """Whether it is listed first in the table and always among the curves."""
    hidden: bool = False
    origin: Origin = Origin()
    own: OwnClass | None = None
    """The user's class that was trained; None for the textbook network."""
    start: EpochRecord | None = None
    """The first point of its curve: figures of its parent at the fork, or of weights evaluated before training."""
    is_recorded: bool = False
    """Whether another session trained it, so that it can't continue, only be trained again or forked."""
    dataset: Dataset
    """The images, without unused training images."""
    history: History
    timeline: Timeline = field(default_factory=lambda: Timeline())
    """The ends of its epochs, which can be revisited."""
    early: tuple[SampleRecord, ...] = ()
    """Networks within its first epoch, which can be revisited too, with figures on a sample of the images."""
    status: RunnerStatus = "idle"
    queue_position: int = 0
    """The run's position in the queue for a core of the server: 1 is next; 0 while it has one."""
    evaluation: Evaluation | None = None
    """The newest exact figures, computed when the run pauses or ends; None once there are newer records."""
    step: BatchStep | None = None
    """The effect of the newest mini-batch that was trained as a single step."""
    wanted: tuple[float, int] | None = None
    """The learning rate and batch size that the user has requested for the next mini-batch; None once applied."""
    changed_at: int = 0
    """The mini-batch before the newest mid-run change; its record may not have arrived yet."""
    test: FinalTest | None = None
    """The results of its final weights on the test set, once opened for it."""

    @classmethod
    def beginning(cls, training: TrainingRun) -> SessionRun:
        """Return a run without records, nor a number, for a new training."""
        origin = Origin(epoch=training.first_epoch, weights=training.first_weights)
        history, own = History(training.config), training.own
        return cls(dataset=training.dataset, history=history, status="running", own=own, origin=origin)

    @property
    def title(self) -> str:
        """Its name in a list: the user's, or ``"128 units (run 3)"``."""
        return self.name or (f"{self.label} (run {self.number})" if self.label else f"run {self.number}")

    @property
    def short_title(self) -> str:
        """Its short name: the user's, or ``"run 3"``."""
        return self.name or f"run {self.number}"

    @property
    def mention(self) -> str:
        """Its name in a sentence: the user's, or ``"run 3 (128 units)"``."""
        return self.short_title + (f" ({self.label})" if self.label and not self.name else "")

    @property
    def key(self) -> tuple[int, int]:
        """An identifier that is unique among all runs, including those of cleared sessions."""
        return self.series, self.number

    @property
    def is_marked(self) -> bool:
        """Whether the user has named, annotated or pinned it."""
        return bool(self.name or self.note or self.pinned)

    @property
    def config(self) -> TrainingConfig:
        """The settings."""
        return self.history.config

    @property
    def steps_at_ends(self) -> tuple[int, ...]:
        """Mini-batches by the end of each epoch, including epochs before a fork."""
        return self.config.steps_at_ends(self.dataset.n_train)

    @property
    def now(self) -> tuple[float, int]:
        """The learning rate, before any schedule, and the batch size of the next mini-batch."""
        config = self.config
        newest = config.at_step(max(self._step, self.changed_at)) if config.changes else config
        return self.wanted or (newest.learning_rate, newest.batch_size)

    @property
    def curve(self) -> History:
        """The records, preceded by `start`, where a fork's curve branches off its parent's."""
        history = self.history
        return history if self.start is None else replace(history, epochs=(self.start, *history.epochs))

    @property
    def start_accuracy(self) -> float | None:
        """Train accuracy, 0 to 1, of the weights that it continued from; None for freshly initialized ones."""
        if self.origin.moment is not None:
            return self.origin.moment.record.train_accuracy
        return self.start.train_accuracy if self.start and self.origin.words else None

    @property
    def has_curve(self) -> bool:
        """Whether its curve has any points."""
        return bool(self.history.epochs) or self.start is not None

    @property
    def best(self) -> EpochRecord | Evaluation | None:
        """The own record with the highest held-out accuracy: an epoch's or the current figures."""
        is_fork, here = self.origin.parent is not None, self.evaluation
        own = (self.history if is_fork else self.curve).best
        if here is None or (is_fork and here.epoch <= self.origin.epoch):
            return own
        return here if own is None or here.test_accuracy > own.test_accuracy else own

    @property
    def newest(self) -> Moment | None:
        """The newest moment with figures and weights; None before the first epoch has ended."""
        if self.evaluation is not None:
            return Moment(self.evaluation, self.evaluation.snapshot)
        return self.timeline.newest

    @property
    def latest(self) -> Moment | SampleRecord | None:
        """The newest moment; in the first epoch, the newest sampled one, unless the run failed there."""
        return self.newest or (self.early[-1] if self.early and self.status != "failed" else None)

    @property
    def moments(self) -> tuple[Moment | SampleRecord, ...]:
        """All moments that can be revisited, in order."""
        return (*self.early, *self.timeline.moments)

    @property
    def has_network(self) -> bool:
        """Whether the weights of the newest moment are available."""
        return self.newest is not None and bool(self.newest.weights)

    @property
    def epoch(self) -> float:
        """Epochs so far, the current one by its fraction."""
        if self.evaluation is not None:
            return self.evaluation.epoch
        return self.history.batches[-1].epoch if self.history.batches else float(self.origin.epoch)

    @property
    def can_be_changed(self) -> bool:
        """Whether its learning rate and batch size can change now; a user's class doesn't support it."""
        return self.own is None and self.status in ("running", "paused")

    @property
    def _step(self) -> int:
        """The newest known mini-batch, counted from 1."""
        known = [record.step for record in self.history.batches[-1:]]
        known += [] if self.step is None else [self.step.step]
        known += [] if self.evaluation is None else [self.evaluation.step]
        return max(known, default=self.steps_at_ends[self.origin.epoch])

    @property
    def position(self) -> tuple[int, int, int]:
        """Epoch of the newest known mini-batch, its number there, from 1, and the mini-batches of that epoch."""
        ends = self.steps_at_ends
        epoch = min(max(1, bisect_left(ends, self._step)), self.config.epochs)
        return epoch, self._step - ends[epoch - 1], ends[epoch] - ends[epoch - 1]

    @property
    def stepped(self) -> BatchStep | None:
        """The single step that led to the current pause, if one did."""
        led_here = self.status == "paused" and self.step is not None and self.step.step == self._step
        return self.step if led_here else None

    @property
    def can_be_tested(self) -> bool:
        """Whether the test set can be opened for it: it has ended, has validation images, and is untested."""
        ended = self.status in ("finished", "stopped") and self.has_network
        return ended and self.test is None and self.dataset.unsplit is not self.dataset

    @property
    def epochs_done(self) -> int:
        """Epochs that have ended, those before a fork included."""
        return self.history.last.epoch if self.history.last else self.origin.epoch

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until the last epoch ends; None before the first has ended."""
        recent = [record for record in self.history.epochs[-3:] if record.seconds]
        if not recent:
            return None
        seconds = sum(record.seconds for record in recent) / len(recent)
        return seconds * max(0.0, self.config.epochs - self.epoch)

    @property
    def revision(self) -> tuple[object, ...]:
        """A key that changes with anything that a session's file stores of the run."""
        marks = (self.name, self.note, self.pinned, self.hidden)
        return (*self.key, *marks, self.status, self.epochs_done, self.config.epochs, self.test)

    @property
    def lineage(self) -> tuple[SessionRun, ...]:
        """The run itself, its parent, and so on: the runs that its weights have been trained in."""
        return (self, *(self.origin.parent.lineage if self.origin.parent else ()))

    @property
    def is_kept(self) -> bool:
        """Whether it is kept when another replaces it; in its first epoch not: a dragged slider starts many."""
        history, figures = self.history, self.status != "idle" and self.evaluation is not None
        records = history.batches or history.last or history.end or figures
        overtaken = self.status == "running" and history.last is None
        return self.is_marked or bool(records and not overtaken)

    @property
    def n_bytes(self) -> int:
        """Memory used by its moments, in bytes."""
        moments = {id(m.snapshot): m for m in (*self.timeline.moments, self.newest) if m is not None}
        return sum(moment.n_bytes for moment in moments.values())

    def new_network(self) -> NeuralNetwork:
        """Return a network with its settings, freshly initialized."""
        if self.own is not None:
            return self.own.network(self.config, self.dataset)
        return new_network(self.config, self.dataset)

    def can_continue_to(self, config: TrainingConfig) -> bool:
        """Return whether `config` is this run with more epochs, so that it can continue instead of a new run."""
        # While it runs, the training thread is ahead of the delivered records.
        running = self.status == "running"
        more = config.epochs >= self.config.epochs if running else config.epochs > self.epochs_done
        may = self.status != "failed" and not self.is_recorded and not self.history.is_stopped_early
        differences = config.differences(self.config)
        return may and more and (not differences or (differences == ("epochs",) and config.can_be_extended))

    def continued(self, epochs: int) -> SessionRun:
        """Return the run continuing to more epochs; unchanged if it can't."""
        config = self.config.replace(epochs=epochs)
        if not self.can_continue_to(config):
            return self
        return replace(self, history=self.history.continued(config), status="running")

    def reduced(self) -> SessionRun:
        """Return the part of the run to keep when another one replaces it: its history and its newest moment."""
        newest = self.timeline.moments[-1:] if self.evaluation is None else ()
        status: RunnerStatus = "stopped" if self.status in ("running", "paused") else self.status
        origin = replace(self.origin, moment=None)
        return replace(self, timeline=Timeline(newest), early=(), origin=origin, step=None, status=status)

    def without_moments(self) -> SessionRun:
        """Return the run with only the figures of its newest moment, without weights and outputs."""
        run, newest, end = self.reduced(), self.newest, self.history.end
        if newest is None:
            return run
        outputs = np.empty((len(newest.confusion), 0), newest.test_outputs.dtype)
        bare = Snapshot(newest.epoch, (), outputs)
        evaluation = run.evaluation and replace(run.evaluation, snapshot=bare)
        timeline = Timeline(tuple(replace(moment, snapshot=bare) for moment in run.timeline.moments))
        history = replace(run.history, end=end and replace(end, final=evaluation))
        return replace(run, timeline=timeline, evaluation=evaluation, history=history)
