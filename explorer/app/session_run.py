"""One run as the app holds it: its settings, its records, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from explorer.exports.exported_run import OpenedWeights
from explorer.training import (
    EpochRecord,
    Evaluation,
    History,
    Moment,
    RunEnd,
    RunnerStatus,
    Snapshot,
    Timeline,
    TrainingConfig,
    TrainingRun,
)
from explorer.training.runner import Record

__all__ = ["SessionRun"]


@dataclass(slots=True, eq=False)
class SessionRun:
    """A run of this session.

    Parameters
    ----------
    training : TrainingRun
        The run itself; the training thread works on it while the status is "running". An earlier run has it no
        more.
    number : int
        1 for the session's first.
    history : History
        Its records so far.
    timeline : Timeline
        The ends of its epochs, to go back to.
    status : str
        What it is doing, or how it ended.
    evaluation : Evaluation or None
        The newest exact figures, made whenever the run is held or over; None while newer records are there.
    name, note : str
        The person's words for it; empty without any.
    pinned : bool
        Whether it stands first in the table and always among the curves.
    hidden : bool
        Whether its curves are left out.
    """

    training: TrainingRun
    number: int = 1
    parent: SessionRun | None = field(init=False, default=None)
    """The run that it was forked from."""
    origin: Moment | None = field(init=False, default=None)
    """The moment of that run that it began with."""
    history: History = field(init=False)
    timeline: Timeline = field(default_factory=Timeline)
    status: RunnerStatus = "idle"
    evaluation: Evaluation | None = None
    name: str = ""
    note: str = ""
    pinned: bool = False
    hidden: bool = False
    is_recorded: bool = False
    """Whether it was trained in another session: it can't go on from its end, only be trained anew or forked."""
    first_epoch: int = field(init=False)
    """Epochs that lie behind the run when it starts: those of its parent."""
    steps_per_epoch: int = field(init=False)
    """Mini-batches in an epoch."""
    first_step: int = field(init=False, default=0)
    """Updates of the weights that lie behind the run when it starts: those of its parent."""
    first_seconds: float = field(init=False, default=0.0)
    """Seconds of training that lie behind the run when it starts: those of its parent up to there."""
    opened: OpenedWeights | None = field(init=False, default=None)
    """The file that it began with, in place of weights drawn anew."""
    first_weights: tuple[NDArray[np.floating], ...] | None = field(init=False, default=None)
    """The weights of that file."""
    _fork_record: EpochRecord | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.history = History(self.training.config)
        self.first_epoch = self.training.first_epoch
        self.steps_per_epoch = self.training.steps_per_epoch

    def begin_with(self, opened: OpenedWeights, start: Snapshot) -> None:
        """Say that the run begins with a file's weights, and call it after the file."""
        self.opened, self.first_weights = opened, start.weights
        self.name = opened.file[:60]

    def branch_off(self, parent: SessionRun, moment: Moment) -> None:
        """Begin at a moment of another run: until its own first epoch has ended, that is all there is to see."""
        self.parent, self.origin = parent, moment
        self.first_step = parent.first_step + round(
            (moment.epoch - parent.first_epoch) * parent.steps_per_epoch
        )
        behind = (record.seconds for record in parent.history if record.epoch <= moment.epoch)
        self.first_seconds = parent.first_seconds + sum(behind)
        self.timeline.append(moment)
        if parent.config.loss == self.config.loss:
            known = (record for record in parent.curve if record.epoch == moment.epoch)
            self._fork_record = next(known, None)

    @property
    def curve(self) -> History:
        """Its records, those of a fork behind its parent's at that moment: there the two curves part.

        Those of a run that began with a file's weights stand behind what these come to.
        """
        return self.history if self._fork_record is None else self.history.starting_with(self._fork_record)

    @property
    def start_accuracy(self) -> float | None:
        """Test accuracy, 0 to 1, of the weights that it went on from; None if they were drawn anew."""
        if self.origin is not None:
            return self.origin.record.test_accuracy
        return None if self._fork_record is None else self._fork_record.test_accuracy

    @property
    def has_curve(self) -> bool:
        """Whether its curve has a point."""
        return bool(len(self.history)) or self._fork_record is not None

    @property
    def best(self) -> EpochRecord | None:
        """The epoch of its highest test accuracy; None without any. What its parent reached doesn't count."""
        return (self.curve if self.parent is None else self.history).best

    @property
    def config(self) -> TrainingConfig:
        """The settings."""
        return self.history.config

    @property
    def newest(self) -> Moment | None:
        """The newest moment that is known in full; None before the first epoch has ended."""
        if self.evaluation is not None:
            return Moment(self.evaluation, self.evaluation.snapshot)
        return self.timeline.newest

    @property
    def epoch(self) -> float:
        """Epochs so far, the begun one by its share."""
        if self.evaluation is not None:
            return self.evaluation.epoch
        return self.history.batches[-1].epoch if self.history.batches else float(self.first_epoch)

    @property
    def is_complete(self) -> bool:
        """Whether all epochs that the settings ask for have ended."""
        return self.epochs_done >= self.config.epochs

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
        """What it is called: by the person, or by its number."""
        return self.name or f"run {self.number}"

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing of it to keep: no record, no figures, no file and no word of the person."""
        history = self.history
        records = history.batches or history.last or history.end or self.evaluation
        return not (records or self.opened or self.is_marked)

    @property
    def is_overtaken(self) -> bool:
        """Whether it would end now, before its first epoch has, and nobody has said anything about it."""
        return self.status == "running" and self.history.last is None and not self.is_marked

    @property
    def is_marked(self) -> bool:
        """Whether the person has said anything about it, so that it must not go unasked."""
        return bool(self.name or self.note or self.pinned)

    @property
    def n_bytes(self) -> int:
        """Memory that its moments keep."""
        moments = {id(m.snapshot): m for m in (*self.timeline, self.newest) if m is not None}
        return sum(moment.n_bytes for moment in moments.values())

    def can_continue_to(self, config: TrainingConfig) -> bool:
        """Return whether `config` is this run with more epochs, so that it can go on instead of anew.

        While it runs, the training thread is ahead of what is known here: fewer than it was told may be too few.
        """
        running = self.status == "running"
        more = config.epochs >= self.config.epochs if running else config.epochs > self.epochs_done
        may = self.status != "failed" and not self.is_recorded
        return may and more and config.differences(self.config) in ((), ("epochs",))

    def can_branch_again(self, config: TrainingConfig) -> bool:
        """Return whether a fork can begin again where it began, with `config`.

        What decides about first weights, which a fork has none of, can't change.
        """
        if self.parent is None or self.origin is None or config.epochs <= self.origin.epoch:
            return False
        return not {"hidden_sizes", "initializer"} & set(config.differences(self.config))

    def is_repeated_by(self, training: TrainingRun) -> bool:
        """Return whether `training` will give this run's records again."""
        own = self.parent is None and self.opened is None
        return own and self.config == training.config and not self.is_marked

    def extend(self, config: TrainingConfig) -> None:
        """Let the run go on to the epochs of `config`."""
        self.training.extend(config.epochs)
        self.history.continue_with(self.training.config)

    def take(self, status: RunnerStatus, records: Iterable[Record]) -> None:
        """Take in what the runner delivered."""
        self.status = status
        for record in records:
            self.evaluation = None
            if isinstance(record, Snapshot):
                self._keep(record)
            elif isinstance(record, Evaluation):
                self.evaluation = record
            else:
                self.history.append(record)
                self.evaluation = record.final if isinstance(record, RunEnd) else None
        if self.opened is not None and self.evaluation is not None and not self.history.batches:
            self._fork_record = _as_epoch(self.evaluation)

    def set_aside(self) -> None:
        """Keep of the run its history and its newest moment only: it is over, and another takes its place."""
        newest = self.newest
        self.timeline = Timeline()
        if newest is not None and self.evaluation is None:
            self.timeline.append(newest)
        self.origin = None
        del self.training

    def let_go(self) -> None:
        """Keep of the newest moment its figures only, neither weights nor outputs."""
        newest = self.newest
        if newest is None:
            return
        outputs = np.empty((len(newest.confusion), 0), newest.test_outputs.dtype)
        bare = Snapshot(newest.epoch, (), outputs)
        self.timeline = Timeline()
        if self.evaluation is None:
            self.timeline.append(Moment(newest.record, bare))
        else:
            self.evaluation = replace(self.evaluation, snapshot=bare)
        end = self.history.end
        if end is not None:
            self.history.continue_with(self.config)
            self.history.append(replace(end, final=self.evaluation))

    def _keep(self, snapshot: Snapshot) -> None:
        last: EpochRecord | None = self.history.last
        if last is None or last.epoch != snapshot.epoch:
            raise AssertionError("a snapshot follows the record of its epoch")
        self.timeline.append(Moment(last, snapshot))


def _as_epoch(found: Evaluation) -> EpochRecord:
    """Return exact figures as the record of an epoch that another session trained."""
    return EpochRecord(
        epoch=int(found.epoch),
        train_loss=found.train_loss,
        test_loss=found.test_loss,
        train_accuracy=found.train_accuracy,
        test_accuracy=found.test_accuracy,
        seconds=0.0,
        confusion=found.confusion,
    )
