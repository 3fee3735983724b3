"""One run of a session, as it is at one moment: its settings, its records, and where it stands."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.network import NeuralNetwork
from explorer.session.opening import OpenedWeights
from explorer.training import (
    BatchRecord,
    BatchStep,
    DivergedError,
    EpochRecord,
    Evaluation,
    FinalTest,
    History,
    Moment,
    OwnClass,
    RunEnd,
    RunnerStatus,
    Snapshot,
    Timeline,
    TrainingConfig,
    TrainingRun,
    new_network,
)
from explorer.training.changes import Change
from explorer.training.records import RivalRecord
from explorer.training.run import restored_words
from explorer.training.runner import STOPPED_BY_USER, Record


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SessionRun:
    """An immutable snapshot of one run; snapshots with the same number are the same run at different times."""

    number: int
    """1 for the session's first."""
    series: int = 0
    """Generation counter: numbers restart at 1 whenever the session is cleared."""
    dataset: Dataset
    """The images, those training images left out that it does not use."""
    history: History
    """Its records so far."""
    timeline: Timeline = field(default_factory=lambda: Timeline())
    """The ends of its epochs, to go back to."""
    status: RunnerStatus = "idle"
    """What it is doing, or how it ended."""
    in_line: int = 0
    """Its place in line for one of the server's cores, 1 for the next; 0 while it has one."""
    evaluation: Evaluation | None = None
    """The newest exact figures, made whenever the run is paused or over; None while newer records are there."""
    steps: tuple[BatchStep, ...] = ()
    """What each mini-batch did that was trained by itself."""
    wanted: tuple[float, int] | None = None
    """The learning rate and the batch size that the user wants from the next mini-batch on; None once they are
    in use."""
    changed_at: int = 0
    """The mini-batch that the newest change in mid-run came after: its records may be yet to come."""
    label: str = ""
    """What sets it apart: ``"128 units"``; empty where nobody has said."""
    name: str = ""
    """What the user calls it; empty without a name."""
    note: str = ""
    """The user's words about it; empty without any."""
    pinned: bool = False
    """Whether it stands first in the table and always among the curves."""
    hidden: bool = False
    """Whether its curves are left out."""
    is_recorded: bool = False
    """Whether it was trained in another session: it can't go on from its end, only be trained again or forked."""
    parent: SessionRun | None = None
    """The run that it was forked from, without its moments."""
    origin: Moment | None = None
    """The moment of that run that it began with."""
    first_epoch: int = 0
    """Epochs before it: those of its parent, or of a file."""
    first_step: int = 0
    """Updates of the weights before it, its parent's."""
    first_seconds: float = 0.0
    """Seconds of training before it, its parent's."""
    opened: OpenedWeights | None = None
    """The file that it began with, in place of freshly initialised weights."""
    first_weights: tuple[NDArray[np.floating], ...] | None = None
    """The weights of that file, or those that a network of one's own began with."""
    own: OwnClass | None = None
    """The class that was trained in place of the textbook's; None for that."""
    test: FinalTest | None = None
    """What its final weights come to on the test set, once that was opened for it."""
    start: EpochRecord | None = None
    """The figures that its curve begins with: its parent's at the fork, those of the file's weights, or those of
    initial weights that were looked at before they were trained."""

    @classmethod
    def beginning(cls, training: TrainingRun, number: int, status: RunnerStatus = "running") -> SessionRun:
        """Return a run of which nothing is known yet but its settings."""
        return cls(
            number=number,
            dataset=training.dataset,
            history=History(training.config),
            status=status,
            first_epoch=training.first_epoch,
            own=training.own,
            first_weights=training.first_weights,
        )

    def forked_from(self, parent: SessionRun, moment: Moment) -> SessionRun:
        """Return the run as one that begins at a moment of another: all there is to see until its first epoch."""
        seconds = (record.seconds for record in parent.history if record.epoch <= moment.epoch)
        figures = (record for record in parent.curve if record.epoch == moment.epoch)
        ends = parent.steps_at_ends
        is_judged_alike = self.dataset.compares_with(parent.dataset)
        has_same_loss = is_judged_alike and parent.config.loss_terms == self.config.loss_terms
        return replace(
            self,
            parent=parent.without_moments(),
            origin=moment,
            first_step=parent.first_step + ends[int(moment.epoch)] - ends[parent.first_epoch],
            first_seconds=parent.first_seconds + sum(seconds),
            timeline=self.timeline.followed_by(moment) if is_judged_alike else self.timeline,
            start=next(figures, None) if has_same_loss else None,
        )

    @property
    def config(self) -> TrainingConfig:
        """The settings."""
        return self.history.config

    @property
    def n_samples(self) -> int:
        """Training images in use."""
        return self.dataset.n_train

    @property
    def steps_at_ends(self) -> tuple[int, ...]:
        """Mini-batches by the end of each epoch, those before it counted as if they had been its own."""
        return self.config.steps_at_ends(self.n_samples)

    @property
    def now(self) -> tuple[float, int]:
        """The learning rate, before any schedule, and the batch size of its next mini-batch."""
        newest = self.config.at_step(max(self._step, self.changed_at))
        return self.wanted or (newest.learning_rate, newest.batch_size)

    @property
    def curve(self) -> History:
        """Its records, after what it began with: there a fork's curve parts from its parent's."""
        history = self.history
        return history if self.start is None else replace(history, epochs=(self.start, *history.epochs))

    @property
    def start_accuracy(self) -> float | None:
        """Train accuracy, 0 to 1, of the weights that it went on from; None for freshly initialised ones."""
        if self.origin is not None:
            return self.origin.record.train_accuracy
        fresh = self.parent is None and self.opened is None
        return None if self.start is None or fresh else self.start.train_accuracy

    @property
    def has_curve(self) -> bool:
        """Whether its curve has a point."""
        return bool(self.history.epochs) or self.start is not None

    @property
    def best(self) -> EpochRecord | Evaluation | None:
        """Where its held-out accuracy was highest: at an epoch's end, or where it stands; None without any.

        What its parent reached doesn't count.
        """
        own, here = (self.curve if self.parent is None else self.history).best, self.evaluation
        if here is None or (self.parent is not None and here.epoch <= self.first_epoch):
            return own
        return here if own is None or here.test_accuracy > own.test_accuracy else own

    @property
    def newest(self) -> Moment | None:
        """The newest moment that is known in full; None before the first epoch has ended."""
        if self.evaluation is not None:
            return Moment(self.evaluation, self.evaluation.snapshot)
        return self.timeline.newest

    @property
    def has_network(self) -> bool:
        """Whether the weights of its newest moment are there."""
        return self.newest is not None and bool(self.newest.weights)

    @property
    def epoch(self) -> float:
        """Epochs so far, the begun one by its share."""
        if self.evaluation is not None:
            return self.evaluation.epoch
        return self.history.batches[-1].epoch if self.history.batches else float(self.first_epoch)

    @property
    def can_be_changed(self) -> bool:
        """Whether its learning rate and batch size can be changed now; a class of one's own keeps its."""
        return self.own is None and self.status in ("running", "paused")

    @property
    def _step(self) -> int:
        """The newest mini-batch that is known, counted from 1."""
        known = [record.step for record in self.history.batches[-1:]]
        known += [record.step for record in self.steps[-1:]]
        known += [] if self.evaluation is None else [self.evaluation.step]
        return max(known, default=self.steps_at_ends[self.first_epoch])

    @property
    def place(self) -> tuple[int, int, int]:
        """The epoch of the newest mini-batch that is known, its number there, from 1, and how many that has."""
        ends = self.steps_at_ends
        epoch = min(max(1, bisect_left(ends, self._step)), self.config.epochs)
        return epoch, self._step - ends[epoch - 1], ends[epoch] - ends[epoch - 1]

    @property
    def stepped(self) -> tuple[BatchStep, ...]:
        """The steps, one after the other within an epoch, that have led to where it is paused; else none."""
        if self.status != "paused":
            return ()
        last, within = self._step, self.place[1]
        backwards = zip(reversed(self.steps), range(last, last - within, -1), strict=False)
        led_here = takewhile(lambda pair: pair[0].step == pair[1], backwards)
        return tuple(step for step, _ in led_here)[::-1]

    @property
    def began_with(self) -> str:
        """The weights that it began with, in words; empty for freshly initialised ones."""
        if self.opened is not None:
            return f"weights of {self.opened.file}"
        if self.parent is not None:
            return f"fork of {self.parent.short_title} at epoch {self.first_epoch}"
        return ""

    @property
    def held_out(self) -> str:
        """What the images are that its figures are of: ``"validation"`` or ``"test"``."""
        return self.dataset.held_out

    @property
    def can_be_tested(self) -> bool:
        """Whether the test set can be opened for it: it has ended, on a split, and nobody has looked yet."""
        ended = self.status in ("finished", "stopped") and self.has_network
        return ended and self.test is None and self.dataset.unsplit is not self.dataset

    @property
    def epochs_done(self) -> int:
        """Epochs that have ended, those before a fork included."""
        return self.history.last.epoch if self.history.last else self.first_epoch

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the seconds until the last epoch ends; None while there is nothing to go by."""
        recent = self.history.epochs[-3:]
        if not recent:
            return None
        seconds = sum(record.seconds for record in recent) / len(recent)
        return seconds * max(0.0, self.config.epochs - self.epoch)

    @property
    def title(self) -> str:
        """What it is called in a list: by the user, or as ``"128 units (run 3)"``."""
        run = f"run {self.number}"
        return self.name or (f"{self.label} ({run})" if self.label else run)

    @property
    def short_title(self) -> str:
        """What it is called where there is little room: by the user, or as ``"run 3"``."""
        return self.name or f"run {self.number}"

    @property
    def mention(self) -> str:
        """What it is called in a sentence: by the user, or as ``"run 3 (128 units)"``."""
        return self.name or f"run {self.number}" + (f" ({self.label})" if self.label else "")

    @property
    def key(self) -> tuple[int, int]:
        """What names it among all runs that there were, in this session and those before."""
        return self.series, self.number

    @property
    def revision(self) -> tuple[object, ...]:
        """What changes with anything of it that a file of the session keeps."""
        marks = (self.name, self.note, self.pinned, self.hidden)
        return (*self.key, *marks, self.status, self.epochs_done, self.config.epochs, self.test)

    @property
    def root(self) -> SessionRun:
        """The run that all its training began with: itself, or the first that it was forked from."""
        return self if self.parent is None else self.parent.root

    @property
    def is_kept(self) -> bool:
        """Whether it stays when another run takes its place.

        It has a record, exact figures, a file or a word of the user; and other settings don't overtake it in its
        first epoch: while a slider moves there are many.
        """
        history, figures = self.history, self.status != "idle" and self.evaluation is not None
        records = history.batches or history.last or history.end or figures
        overtaken = self.status == "running" and history.last is None
        return self.is_marked or bool(not overtaken and (records or self.opened))

    @property
    def is_marked(self) -> bool:
        """Whether the user has said anything about it, so that it must not go unasked."""
        return bool(self.name or self.note or self.pinned)

    @property
    def n_bytes(self) -> int:
        """Memory that its moments keep."""
        moments = {id(m.snapshot): m for m in (*self.timeline.moments, self.newest) if m is not None}
        return sum(moment.n_bytes for moment in moments.values())

    def new_network(self) -> NeuralNetwork:
        """Return a network of its settings, with their initial weights."""
        if self.own is not None:
            return self.own.network(self.config, self.dataset)
        return new_network(self.config, self.dataset)

    def can_continue_to(self, config: TrainingConfig) -> bool:
        """Return whether `config` is this run with more epochs, so that it can go on in place of a new one.

        While it runs, the training thread is ahead of what is known here: fewer than it was told may be too few.
        """
        running = self.status == "running"
        more = config.epochs >= self.config.epochs if running else config.epochs > self.epochs_done
        may = self.status != "failed" and not self.is_recorded and not self.history.is_stopped_early
        differences = config.differences(self.config)
        return may and more and (not differences or (differences == ("epochs",) and config.can_be_extended))

    def can_branch_again(self, config: TrainingConfig) -> bool:
        """Return whether a fork can begin again where it began, with `config`.

        What decides about initial weights, which a fork has none of, can't change.
        """
        if self.parent is None or self.origin is None or config.epochs <= self.origin.epoch:
            return False
        if not config.may_validate(self.parent.config):
            return False
        return not {"hidden_sizes", "initializer"} & set(config.differences(self.config))

    def taking(self, status: RunnerStatus, records: Iterable[Record], in_line: int = 0) -> SessionRun:
        """Return the run with what the runner has delivered since, but for what its rivals in a race say."""
        timeline, evaluation, last = self.timeline, self.evaluation, self.history.last
        steps = self.steps
        ours: list[EpochRecord | BatchRecord | Change | RunEnd] = []
        for record in records:
            if isinstance(record, BatchStep):
                steps = (*steps, record)
                continue
            if isinstance(record, RivalRecord):
                continue
            evaluation = None
            if isinstance(record, Snapshot):
                assert last is not None  # a snapshot follows the record of its epoch
                timeline = timeline.followed_by(Moment(last, record))
            elif isinstance(record, Evaluation):
                evaluation = record
                steps = _tested(steps, record)
            else:
                ours.append(record)
                last = record if isinstance(record, EpochRecord) else last
                evaluation = record.final if isinstance(record, RunEnd) else None
        history = self.history.followed_by(*ours)
        if history.restored is not None:
            timeline = timeline.until(history.restored)
        taken = [(one.learning_rate, one.batch_size) for one in ours if isinstance(one, Change)]
        start = self.start
        if start is None and evaluation is not None and not history.batches:
            start = _as_epoch(evaluation) if self.opened or evaluation.step == 0 else None
        if (self.status, status) == ("idle", "paused"):
            status = "idle"
        if self.status == status == "paused" and last is self.history.last:
            # Those of the step before, until those of this one are there.
            evaluation = evaluation or self.evaluation
        return replace(
            self,
            status=status,
            in_line=in_line,
            history=history,
            timeline=timeline,
            evaluation=evaluation,
            steps=steps,
            wanted=None if self.wanted in taken else self.wanted,
            changed_at=max((one.step for one in ours if isinstance(one, Change)), default=self.changed_at),
            start=start,
            test=None if ours else self.test,
        )

    def continued(self, epochs: int, status: RunnerStatus) -> SessionRun:
        """Return the run as one that goes on to more epochs; one that can't stays as it is."""
        config = self.config.replace(epochs=epochs)
        if not self.can_continue_to(config):
            return self
        return replace(self, history=self.history.continued(config), status=status)

    def racing(self, first: SessionRun, records: Iterable[Record]) -> SessionRun:
        """Return the run with what it has said in a race; it ends with the race's first entry, or fails before."""
        if self.history.end is not None:
            return self
        run, end = self.taking(first.status, records), first.history.end
        if run.history.end is not None:
            return replace(run, status="failed")
        if end is None:
            return run
        final, last, reason = run.evaluation, run.epochs_done, ""
        is_restored = final is not None and final.epoch < last
        if last >= run.config.epochs or is_restored:
            if final is not None and is_restored:
                is_early = last - final.epoch >= run.config.patience
                reason = restored_words(int(final.epoch), is_early=is_early)
            return run.taking("finished", [RunEnd("finished", reason, final)])
        reason = STOPPED_BY_USER if isinstance(end.error, DivergedError) else end.reason
        return run.taking("stopped", [RunEnd("stopped", reason, final=run.evaluation)])

    def with_last_moment(self) -> SessionRun:
        """Return the run with its exact figures as a moment, too: they go as soon as it trains on."""
        last, found = self.history.last, self.evaluation
        if last is None or found is None or last.epoch != found.epoch or self.timeline.moments:
            return self
        return replace(self, timeline=self.timeline.followed_by(Moment(last, found.snapshot)))

    def set_aside(self) -> SessionRun:
        """Return what is kept of it when another run takes its place: its history and its newest moment."""
        newest, kept = self.newest, Timeline()
        if newest is not None and self.evaluation is None:
            kept = kept.followed_by(newest)
        status: RunnerStatus = "stopped" if self.status in ("running", "paused") else self.status
        return replace(self, timeline=kept, origin=None, steps=(), status=status)

    def without_moments(self) -> SessionRun:
        """Return it with the figures of its newest moment alone, neither weights nor outputs."""
        newest, evaluation, kept = self.newest, self.evaluation, Timeline()
        if newest is None:
            return replace(self, timeline=kept, origin=None)
        outputs = np.empty((len(newest.confusion), 0), newest.test_outputs.dtype)
        bare = Snapshot(newest.epoch, (), outputs)
        if evaluation is None:
            kept = kept.followed_by(Moment(newest.record, bare))
        else:
            evaluation = replace(evaluation, snapshot=bare)
        end = self.history.end and replace(self.history.end, final=evaluation)
        history = replace(self.history, end=end)
        return replace(self, timeline=kept, origin=None, evaluation=evaluation, history=history)


def _tested(steps: tuple[BatchStep, ...], found: Evaluation) -> tuple[BatchStep, ...]:
    """Return steps, the newest with what was found of the test set if it is where it was found."""
    if not steps or steps[-1].step != found.step:
        return steps
    newest = replace(steps[-1], test_loss=found.test_loss, test_accuracy=found.test_accuracy)
    return (*steps[:-1], newest)


def _as_epoch(found: Evaluation) -> EpochRecord:
    """Return exact figures as the record of an epoch that another session trained."""
    names = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "confusion")
    return EpochRecord(int(found.epoch), seconds=0.0, **{name: getattr(found, name) for name in names})
