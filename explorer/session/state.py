"""A frozen snapshot of a session, the same for all listeners, and its transitions: each returns the next state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from explorer.datasets import Dataset
from explorer.session.run_names import run_label
from explorer.session.session_run import SessionRun
from explorer.training import FinalTest, History, Moment, SampleRecord, Snapshot, TrainingConfig
from explorer.training.config import MOST_EPOCHS
from explorer.training.fields import Change
from explorer.training.own_network import OwnClass
from explorer.training.records import BatchRecord, BatchStep, EpochRecord, Evaluation, RivalRecord, RunEnd
from explorer.training.run import DivergedError, restored_words
from explorer.training.runner import STOPPED_BY_USER, Delivery, Record, RunnerStatus
from explorer.wording import with_noun

MORE_EPOCHS = 10  # to add to a run that has reached its last one
_EARLY_BYTES = 1 << 23  # of the networks within the first epoch; the oldest are dropped
MOST_BYTES = 64 * 2**20  # of the moments of earlier runs, deleted ones included: 120 of the exercise's

Runs = tuple[SessionRun, ...]


@dataclass(frozen=True, slots=True, eq=False)
class EarlierRuns(Sequence[SessionRun]):
    """Runs that another run has replaced, the newest last, with their histories and their newest moments."""

    runs: Runs = ()
    deleted: Runs = ()
    """The runs that `restored` would restore."""
    replaced: Runs = ()
    """The runs that were removed last because others repeat them, without their moments."""

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, index: Any) -> Any:
        return self.runs[index]

    @property
    def shown(self) -> Runs:
        """Visible runs that have figures, in order of increasing priority: the pinned last, then the newest."""
        shown = [run for run in self.runs if not run.hidden and run.newest is not None]
        return tuple(sorted(shown, key=lambda run: (run.has_curve, run.pinned)))

    def numbered(self, number: int) -> SessionRun | None:
        """Return the run with a number, or None."""
        return next((run for run in self.runs if run.number == number), None)

    def followed_by(self, run: SessionRun) -> EarlierRuns:
        """Add the run that ended last; beyond `MOST_BYTES`, the oldest keep only figures, deleted ones first."""
        newest = run.reduced()
        kept = replace(self, runs=(*self.runs, newest))
        n_bytes = sum(run.n_bytes for run in (*kept.deleted, *kept.runs))
        for oldest in (*kept.deleted, *sorted(kept.runs, key=lambda run: run.pinned)):
            if n_bytes <= MOST_BYTES:
                break
            if oldest is not newest:
                n_bytes -= oldest.n_bytes
                kept = kept.changed(oldest.without_moments())
        return kept

    def changed(self, run: SessionRun) -> EarlierRuns:
        """Replace the run that has the same number."""
        runs, deleted = (
            tuple(run if one.number == run.number else one for one in known)
            for known in (self.runs, self.deleted)
        )
        return replace(self, runs=runs, deleted=deleted)

    def of(self, dataset: Dataset) -> EarlierRuns:
        """Select the runs on a data set, whatever images they hold out."""
        runs = tuple(run for run in self.runs if run.dataset.unsplit.compares_with(dataset))
        return replace(self, runs=runs)

    def alike(self, configs: Collection[TrainingConfig], dataset: Dataset, own: OwnClass | None) -> Runs:
        """Return the runs of such settings on a data set, without those on other points."""
        on_it = [run for run in self.of(dataset) if run.dataset.whole is dataset.whole and run.own == own]
        return tuple(run for run in on_it if run.config in configs)

    def without(self, gone: Collection[SessionRun]) -> EarlierRuns:
        """Remove some of the runs."""
        return replace(self, runs=tuple(run for run in self.runs if run not in gone))

    def restored(self) -> EarlierRuns:
        """Restore the deleted runs that are not forgotten, in order of their numbers."""
        runs = sorted([*self.runs, *self.deleted], key=lambda run: run.number)
        return replace(self, runs=tuple(runs), deleted=())


@dataclass(frozen=True, slots=True)
class Finding:
    """What a demonstration has found: its figures by name, and what its user had guessed."""

    numbers: Mapping[str, float]
    guess: float | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SessionState:
    """A frozen snapshot of a session."""

    dataset: Dataset
    config: TrainingConfig
    run: SessionRun | None = None
    """The current run; None before the first. If it is "idle", its network is untrained."""
    pictured: Moment | SampleRecord | None = None
    """The network shown: the run's newest, or the selected epoch's; None before there is any."""
    selected_epoch: float | None = None
    """The epoch selected by the user; None to follow the newest."""
    earlier: EarlierRuns = field(default_factory=EarlierRuns)
    """The session's other runs, including the current one's rivals in a race."""
    rivals: tuple[int, ...] = ()
    """Numbers of the rivals, by their entries in the race, the second first; 0 for one that has dropped out."""
    starts_clean: bool = False
    """Whether the next run will have freshly initialized weights although the current one began with others."""
    n_tested: int = 0
    saved: frozenset[tuple[object, ...]] = frozenset()
    """The runs in the session's last saved file, by their `SessionRun.revision`."""
    saved_at: str = ""
    """When the file was saved that it comes from: ``"2026-11-26 14:05"``."""
    findings: Mapping[str, Finding] = field(default_factory=dict)
    """What demonstrations have found, by their keys, the newest last."""
    saved_findings: Mapping[str, Finding] = field(default_factory=dict)
    n_runs: int = 0
    series: int = 0
    """How many times all runs were forgotten or replaced."""
    first: TrainingConfig | None = None
    """Settings of the first run, which labels are relative to."""

    @property
    def status(self) -> RunnerStatus:
        """Status of the current run."""
        return "idle" if self.run is None else self.run.status

    @property
    def runs(self) -> tuple[SessionRun, ...]:
        """All runs that have begun, the current one last."""
        return (*self.earlier.runs, *filter(None, [self.begun_run]))

    @property
    def begun_run(self) -> SessionRun | None:
        """The current run, if it has begun."""
        return None if self.run is None or self.run.status == "idle" else self.run

    @property
    def scored_on(self) -> Dataset:
        """The data that all figures are for: the current run's, whose test images may be validation images."""
        return self.dataset if self.run is None else self.run.dataset

    @property
    def racing(self) -> tuple[SessionRun, ...]:
        """The runs that are training or paused together with the current one."""
        return tuple(run for run in self.earlier.runs if run.status in ("running", "paused"))

    @property
    def waits(self) -> bool:
        """Whether the settings differ from the current run's, so that nothing has been trained with them yet."""
        return self.run is not None and (self.starts_clean or self.config != self.run.config)

    @property
    def continues(self) -> bool:
        """Whether the settings are the current run's with more epochs, so that it can continue to them."""
        return self.run is not None and not self.starts_clean and self.run.can_continue_to(self.config)

    @property
    def start(self) -> str:
        """The weights that the next run will begin with, in words; empty for freshly initialized ones."""
        run = self.run
        return "" if run is None or self.starts_clean or run.origin.moment is None else run.origin.words

    @property
    def is_from_others(self) -> bool:
        """Whether the current run began with weights other than freshly initialized ones."""
        return self.run is not None and bool(self.run.origin.words)

    def reach(self) -> int:
        """Return the epochs that an ended run can continue to: those in the settings, or more; 0 for none."""
        state, run = self, self.run
        if run is not None and self.config == run.config and run.epochs_done >= run.config.epochs:
            epochs = min(MOST_EPOCHS, run.epochs_done + MORE_EPOCHS)
            state = replace(self, config=run.config.replace(epochs=epochs))
        return state.config.epochs if state.continues else 0

    @property
    def comparable(self) -> EarlierRuns:
        """The earlier runs scored on the same images as the current one."""
        runs = (run for run in self.earlier if run.dataset.compares_with(self.scored_on))
        return replace(self.earlier, runs=tuple(runs))

    @property
    def not_comparable(self) -> EarlierRuns:
        """The earlier runs scored on other images, whose figures don't compare."""
        return self.earlier.without(self.comparable)

    @property
    def unsaved(self) -> tuple[SessionRun, ...]:
        """The runs that have changed since the session was last saved."""
        return tuple(run for run in self.runs if run.revision not in self.saved)

    @property
    def history(self) -> History:
        """The curve of the current run; empty without a run."""
        return History(self.config) if self.run is None else self.run.curve

    @property
    def is_training(self) -> bool:
        """Whether updates will follow soon, so that expensive drawing can be postponed."""
        return self.status == "running"

    @property
    def moment(self) -> Moment | None:
        """The network shown, at the end of an epoch or with exact figures; None within the first epoch."""
        return self.pictured if isinstance(self.pictured, Moment) else None

    @property
    def early(self) -> SampleRecord | None:
        """The network shown, within the first epoch; None if it is a moment."""
        return self.pictured if isinstance(self.pictured, SampleRecord) else None

    @property
    def scored_kind(self) -> str:
        """The images that the shown figures are for: ``"test"``, ``"validation"`` or ``"sampled"``."""
        data, early = self.scored_on, self.early
        return data.held_out if early is None or len(early.sample) == data.n_test else "sampled"

    @property
    def is_blank(self) -> bool:
        """Whether the current run has nothing to show yet, but records or figures are about to arrive."""
        run, ended = self.run, ("finished", "stopped", "failed")
        return run is not None and run.status not in ended and not (run.history.batches or run.latest)

    @property
    def looks_back_to(self) -> float | None:
        """The selected epoch if it is not the newest; else None."""
        shown, latest = self.pictured, None if self.run is None else self.run.latest
        if shown is None or latest is None or shown.epoch == latest.epoch:
            return None
        return shown.epoch

    @property
    def marked_epoch(self) -> float | None:
        """The epoch to mark on a curve that continues after it: the selected one, or the restored one."""
        return self.history.restored if self.looks_back_to is None else self.looks_back_to

    @property
    def nothing(self) -> str:
        """The reason why there is nothing to show; empty if there is a moment."""
        if self.moment is not None:
            return ""
        if self.run is None or self.run.status == "idle":
            return "not trained yet"
        end = self.run.history.end
        if end is not None and end.status == "failed":
            return f"The run failed in its first epoch: {end.reason}"
        if self.run.newest is not None:
            images = f"{self.run.dataset.held_out_noun}s"
            return f"Within the first epoch, only a sample of the {images} is scored."
        return "The first epoch is under way."

    @property
    def withholds_settings(self) -> bool:
        """Whether new settings stay pending because a new run would discard the epoch that was gone back to."""
        return self.run is not None and self.selected_epoch is not None and not self.continues

    # ---------------------------------------------------------------- transitions

    def shown(self) -> Self:
        """Return the state with the moment that it shows."""
        shown, at = None if self.run is None else self.run.latest, self.selected_epoch
        if self.run is not None and at is not None:
            shown = min(self.run.moments, key=lambda one: abs(one.epoch - at), default=shown)
        return replace(self, pictured=shown)

    def edited(self, number: int, **changes: Any) -> Self:
        """Change a run's name, note, or pinned or hidden state; unknown numbers are ignored."""
        if self.run is not None and self.run.number == number:
            return replace(self, run=replace(self.run, **changes))
        run = self.earlier.numbered(number)
        return self if run is None else replace(self, earlier=self.earlier.changed(replace(run, **changes)))

    def numbering(self, *runs: SessionRun) -> tuple[Self, Runs]:
        """Give new runs their numbers, and labels to those without one; return them next to the state."""
        numbered = list[SessionRun]()
        for number, run in enumerate(runs, self.n_runs + 1):
            own = "" if run.own is None else f"own network {run.own.name}, "
            label = with_noun(run.label or own + run_label(run.config, self.first), run.dataset.noun)
            numbered.append(replace(run, number=number, series=self.series, label=label))
        return replace(self, n_runs=self.n_runs + len(runs)), tuple(numbered)

    def beginning(self, *runs: SessionRun) -> Self:
        """Make a new run the current one, after which the settings are set; others race it."""
        state, (run, *rivals) = self.archived(runs[0].config).numbering(*runs)
        return replace(
            state,
            run=run,
            earlier=replace(state.earlier, runs=(*state.earlier, *rivals)),
            rivals=tuple(rival.number for rival in rivals),
            # An untrained network may have any settings.
            first=self.first if run.status == "idle" else self.first or run.config,
        )

    def archived(self, config: TrainingConfig) -> Self:
        """Make the current run and its rivals earlier ones, if they have something to keep, and set `config`."""
        racing = [run for run in map(self.earlier.numbered, self.rivals) if run is not None]
        earlier = self.earlier.without(racing)
        for run in (self.run, *racing):
            if run is not None and run.is_kept:
                earlier = earlier.followed_by(run)
        return replace(
            self, config=config, run=None, earlier=earlier, rivals=(), selected_epoch=None, starts_clean=False
        )

    def superseded_by(self, configs: Sequence[TrainingConfig], own: OwnClass | None = None) -> Self:
        """Archive the current run, set the first of `configs`, and remove the runs that they would repeat."""
        state = self.archived(configs[0])
        earlier = state.earlier  # of which forks, parents, marked and tested runs stay
        parents = {run.origin.parent.number for run in earlier if run.origin.parent is not None}
        alike = [run for run in earlier.alike(configs, self.dataset, own) if run.number not in parents]
        gone = [run for run in alike if not (run.origin.words or run.is_marked or run.test)]
        replaced = tuple(run.without_moments() for run in gone)
        return replace(state, earlier=replace(earlier.without(gone), replaced=replaced))

    def cleared(self) -> Self:
        """Discard all runs, as if none had been trained; the numbers of others begin at 1."""
        series = self.series + 1  # distinguishes them from the old ones
        return replace(self, run=None, rivals=(), earlier=EarlierRuns(), n_runs=0, series=series, first=None)

    def restored(self, series: int) -> Self:
        """Return the session of a file, which has nothing unsaved, with a generation counter for its runs."""
        earlier = EarlierRuns(tuple(replace(run, series=series) for run in self.earlier))
        run = self.run and replace(self.run, series=series)
        state = replace(self, series=series, run=run, earlier=earlier)
        saved = frozenset(run.revision for run in state.runs)
        return replace(state, saved=saved, saved_findings=self.findings)

    def continued(self, epochs: int) -> Self:
        """Let the current run and its rivals go on, as `SessionRun.continued`; return this state if it can't."""
        run, earlier = self.run and self.run.continued(epochs), self.earlier
        if run is None or run is self.run:
            return self
        for rival in map(earlier.numbered, self.rivals):
            earlier = earlier if rival is None else earlier.changed(rival.continued(epochs))
        return replace(self, run=run, config=run.config, starts_clean=False, earlier=earlier)

    def deleting(self, number: int) -> Self:
        """Move an earlier run to the deleted ones; if it is racing, it drops out."""
        rivals, earlier = tuple(0 if one == number else one for one in self.rivals), self.earlier
        if run := earlier.numbered(number):
            earlier = replace(earlier.without([run]), deleted=(*earlier.deleted, run.reduced()))
        return replace(self, rivals=rivals, earlier=earlier)

    def tested(self, run: SessionRun, found: FinalTest) -> Self:
        """Add a run's results on the test set, unless it is gone or has been trained further meanwhile."""
        state = replace(self, n_tested=self.n_tested + 1)
        now = next((one for one in self.runs if one.key == run.key), None)
        if now is None or not now.can_be_tested or now.epochs_done != run.epochs_done:
            return state
        return state.edited(run.number, test=replace(found, number=state.n_tested))

    def with_delivery(self, delivery: Delivery) -> Self:
        """Update the current run and its rivals with a delivery."""
        before, earlier = self.run, self.earlier
        if before is None:
            return self
        run = with_records(before, delivery.status, delivery.records, delivery.queue_position)
        news = [record for record in delivery.records if isinstance(record, RivalRecord)]
        for entry, rival in enumerate(map(earlier.numbered, self.rivals), 1):
            if rival is not None:
                records = [one.record for one in news if one.entry == entry]
                earlier = earlier.changed(_raced(rival, run, records))
        state = replace(self, run=run, earlier=earlier)
        if run.config is before.config:
            return state
        return replace(state, config=state.with_changes(self.config, before.config))

    def with_changes(self, config: TrainingConfig, before: TrainingConfig) -> TrainingConfig:
        """Copy the run's mid-run changes to `config`, if that differs from `before` in the epochs at most."""
        if self.run is None or not {*config.differences(before)} <= {"epochs"}:
            return config
        return config.replace(changes=self.run.config.changes)


def with_records(
    run: SessionRun, status: RunnerStatus, records: Sequence[Record], queue_position: int = 0
) -> SessionRun:
    """Return a run updated with the runner's records, except those of its rivals in a race."""
    timeline, evaluation, last = run.timeline, run.evaluation, run.history.last
    step, samples = run.step, [one for one in records if isinstance(one, SampleRecord)]
    ours: list[EpochRecord | BatchRecord | Change | RunEnd] = []
    for record in records:
        if isinstance(record, BatchStep):
            step = record
        elif isinstance(record, Evaluation):
            evaluation = record
        elif isinstance(record, Snapshot):
            assert last is not None  # a snapshot follows the record of its epoch
            timeline = timeline.followed_by(Moment(last, record))
        elif not isinstance(record, RivalRecord | SampleRecord):
            ours.append(record)
            last = record if isinstance(record, EpochRecord) else last
            evaluation = record.final if isinstance(record, RunEnd) else None
    history = run.history.followed_by(*ours)
    if history.restored is not None:
        timeline = timeline.until(history.restored)
    changes = [one for one in ours if isinstance(one, Change)]
    taken, start = [(one.learning_rate, one.batch_size) for one in changes], run.start
    if start is None and evaluation is not None and not (history.batches or evaluation.step):
        names = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "confusion")
        found = {name: getattr(evaluation, name) for name in names}
        start = EpochRecord(int(evaluation.epoch), seconds=0.0, **found)
    if (run.status, status) == ("idle", "paused"):
        status = "idle"
    if run.status == status == "paused" and last is run.history.last:
        # Keep the figures of the step before until those of this one arrive.
        evaluation = evaluation or run.evaluation
    return replace(
        run,
        status=status,
        queue_position=queue_position,
        history=history,
        timeline=timeline,
        early=_kept_early((*run.early, *samples)),
        evaluation=evaluation,
        step=step,
        wanted=None if run.wanted in taken else run.wanted,
        changed_at=changes[-1].step if changes else run.changed_at,
        start=start,
        test=None if ours else run.test,
    )


def _raced(run: SessionRun, first: SessionRun, records: Sequence[Record]) -> SessionRun:
    """Return a rival of `first` updated with its records in their race; it ends with `first`, or fails before."""
    if run.history.end is not None:
        return run
    run, end = with_records(run, first.status, records), first.history.end
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
        return with_records(run, "finished", [RunEnd("finished", reason, final)])
    reason = STOPPED_BY_USER if isinstance(end.error, DivergedError) else end.reason
    return with_records(run, "stopped", [RunEnd("stopped", reason, final=run.evaluation)])


def _kept_early(early: tuple[SampleRecord, ...]) -> tuple[SampleRecord, ...]:
    """Return the newest networks that fit into the memory for them."""
    n_bytes = [sum(array.nbytes for array in record.snapshot.weights) for record in reversed(early)]
    return early[-max(1, int(np.searchsorted(np.cumsum(n_bytes), _EARLY_BYTES, "right"))) :]
