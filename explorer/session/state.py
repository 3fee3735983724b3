"""What a session is at one moment: frozen, and the same for all who look at it.

Of its earlier runs that is what is kept of them, which are shown, and those that can still be restored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from explorer.datasets import Dataset
from explorer.session.session_run import SessionRun
from explorer.training import History, Moment, OwnClass, RunnerStatus, TrainingConfig
from explorer.training.config import MOST_EPOCHS

MORE_EPOCHS = 10
"""How many epochs a run that has come to its last one goes on, unless another number is set."""

MOST_BYTES = 64 * 2**20
"""Memory that the moments of earlier runs may keep, some 120 of the exercise's."""

Runs = tuple[SessionRun, ...]


@dataclass(frozen=True, slots=True, eq=False)
class EarlierRuns(Sequence[SessionRun]):
    """Runs that another one has taken the place of, the newest last.

    Each keeps its history and its newest moment. When the moments take more than `most_bytes`, the oldest runs
    lose theirs, deleted ones first and pinned ones last: their figures stay, but their outputs, which a
    comparison needs, are gone.
    """

    runs: Runs = ()
    """The runs."""
    deleted: Runs = ()
    """The runs that `restored` brings back."""
    replaced: Runs = ()
    """Those that `without_repeats` has dropped last, without their moments."""
    most_bytes: int = MOST_BYTES
    """Memory that the moments may keep, those of deleted runs among them."""

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, index: Any) -> Any:
        return self.runs[index]

    @property
    def shown(self) -> Runs:
        """Visible runs that have figures, in order of increasing priority.

        Where there is room for the last few, these are the pinned, then the newest. First come runs that ended
        within their first epoch: there are figures of such a run, but no curve.
        """
        shown = [run for run in self.runs if not run.hidden and run.newest is not None]
        return tuple(sorted(shown, key=lambda run: (run.has_curve, run.pinned)))

    def numbered(self, number: int) -> SessionRun | None:
        """Return the run of a number, or None."""
        return next((run for run in self.runs if run.number == number), None)

    def followed_by(self, run: SessionRun) -> EarlierRuns:
        """Return these runs and the one that has ended last."""
        newest = run.set_aside()
        kept = replace(self, runs=(*self.runs, newest))
        n_bytes = sum(run.n_bytes for run in (*kept.deleted, *kept.runs))
        for oldest in (*kept.deleted, *sorted(kept.runs, key=lambda run: run.pinned)):
            if n_bytes <= self.most_bytes:
                break
            if oldest is not newest:
                n_bytes -= oldest.n_bytes
                kept = kept.changed(oldest.without_moments())
        return kept

    def changed(self, run: SessionRun) -> EarlierRuns:
        """Return these runs with another state of one of them."""
        return replace(self, runs=_with(self.runs, run), deleted=_with(self.deleted, run))

    def edited(self, number: int, **changes: Any) -> EarlierRuns:
        """Return these runs with changes to one of them: its name, note, or whether it is pinned or hidden."""
        run = self.numbered(number)
        return self if run is None else self.changed(replace(run, **changes))

    def on(self, dataset: Dataset) -> EarlierRuns:
        """Return those scored on the same images: what others came to doesn't compare with a run on these."""
        return replace(self, runs=tuple(run for run in self.runs if run.dataset.compares_with(dataset)))

    def of(self, dataset: Dataset) -> EarlierRuns:
        """Return those whose images are of a data set, whichever they hold out."""
        runs = tuple(run for run in self.runs if run.dataset.unsplit.compares_with(dataset))
        return replace(self, runs=runs)

    def without_repeats(
        self, config: TrainingConfig, dataset: Dataset, own: OwnClass | None = None
    ) -> EarlierRuns:
        """Return these without runs that `config` gives again, but for marked and tested ones and parents."""
        parents = {run.parent.number for run in self.runs if run.parent is not None}
        gone = [run for run in self.of(dataset) if run.config == config and run.number not in parents]
        kept = [run for run in gone if run.parent or run.opened or run.is_marked or run.test]
        gone = [run for run in gone if run.own == own and run not in kept]
        return replace(self.without(gone), replaced=tuple(run.without_moments() for run in gone))

    def without(self, gone: Collection[SessionRun]) -> EarlierRuns:
        """Return these runs without some of them."""
        return replace(self, runs=tuple(run for run in self.runs if run not in gone))

    def deleting(self, number: int) -> EarlierRuns:
        """Return these runs without one of them, for now."""
        run = self.numbered(number)
        return self if run is None else replace(self.without([run]), deleted=(*self.deleted, run))

    def restored(self) -> EarlierRuns:
        """Return these runs and those that were deleted and not yet forgotten, each in its place."""
        runs = sorted([*self.runs, *self.deleted], key=lambda run: run.number)
        return replace(self, runs=tuple(runs), deleted=())


def _with(runs: Iterable[SessionRun], changed: SessionRun) -> Runs:
    return tuple(changed if run.number == changed.number else run for run in runs)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SessionState:
    """A session at one moment."""

    dataset: Dataset
    """The images."""
    config: TrainingConfig
    """The settings of the next run."""
    run: SessionRun | None = None
    """The present run; None before the first. One that is "idle" has not begun: its network is untrained."""
    moment: Moment | None = None
    """The network that is shown: the newest of the run, or that of the selected epoch; None before the first
    epoch has ended."""
    selected_epoch: float | None = None
    """The epoch that the user has gone back to; None while the newest is shown."""
    earlier: EarlierRuns = field(default_factory=EarlierRuns)
    """The session's other runs."""
    starts_clean: bool = False
    """Whether the next run has freshly initialised weights, although the present one began with others."""
    n_tested: int = 0
    """How many times the test set was opened."""
    saved: frozenset[tuple[object, ...]] = frozenset()
    """The runs that the last file of the session holds, each by its `SessionRun.revision`."""

    @property
    def status(self) -> RunnerStatus:
        """What the present run is doing, or how it ended."""
        return "idle" if self.run is None else self.run.status

    @property
    def runs(self) -> tuple[SessionRun, ...]:
        """All runs that have begun, the present one last."""
        return (*self.earlier, *(() if self.begun_run is None else (self.begun_run,)))

    @property
    def begun_run(self) -> SessionRun | None:
        """The present run, if it has begun."""
        return None if self.run is None or self.run.status == "idle" else self.run

    @property
    def scored_on(self) -> Dataset:
        """The data whose test images all figures are of: the present run's, which may be validation images."""
        return self.dataset if self.run is None else self.run.dataset

    @property
    def racing(self) -> tuple[SessionRun, ...]:
        """The runs that train, or are paused, together with the present one."""
        return tuple(run for run in self.earlier if run.status in ("running", "paused"))

    @property
    def waits(self) -> bool:
        """Whether the settings are not those of the present run: nothing has been trained with them yet."""
        return self.run is not None and (self.starts_clean or self.config != self.run.config)

    @property
    def continues(self) -> bool:
        """Whether the settings are those of the present run with more epochs, so that it can go on to them."""
        return self.run is not None and not self.starts_clean and self.run.can_continue_to(self.config)

    @property
    def start(self) -> str:
        """The weights that the next run begins with, in words; empty for freshly initialised ones."""
        run = self.run
        if run is None or self.starts_clean or (run.parent is not None and run.origin is None):
            return ""  # where a fork began is no longer known once another run has taken its place
        return run.began_with

    def reach(self, more: int = MORE_EPOCHS) -> int:
        """Return the number of epochs that the present run can go on to once it has ended, 0 for none.

        That is the number that is set, or where so many are done, `more` than that.
        """
        state, run = self, self.run
        if run is not None and self.config == run.config and run.epochs_done >= run.config.epochs:
            epochs = min(MOST_EPOCHS, run.epochs_done + more)
            state = replace(self, config=run.config.replace(epochs=epochs))
        return state.config.epochs if state.continues else 0

    @property
    def comparable(self) -> EarlierRuns:
        """The earlier runs that were scored on the same images as the present one."""
        return self.earlier.on(self.scored_on)

    @property
    def not_comparable(self) -> EarlierRuns:
        """The earlier runs that were scored on other images, so that their figures mean something else."""
        return self.earlier.without(self.comparable)

    @property
    def unsaved(self) -> tuple[SessionRun, ...]:
        """The runs that the last file of the session doesn't hold as they are."""
        return tuple(run for run in self.runs if run.revision not in self.saved)

    @property
    def history(self) -> History:
        """The curve of the present run; empty where there is none."""
        return History(self.config) if self.run is None else self.run.curve

    @property
    def is_training(self) -> bool:
        """Whether more is to come soon, so that what is costly to draw may wait."""
        return self.status == "running"

    @property
    def is_blank(self) -> bool:
        """Whether the present run has nothing to show yet, and its first records or figures are on their way."""
        run = self.run
        if run is None or run.status not in ("running", "idle"):
            return False
        return not (run.history.batches or run.evaluation)

    @property
    def looks_back_to(self) -> float | None:
        """The selected epoch where it is not the newest; None at the newest."""
        newest = None if self.run is None else self.run.newest
        if self.moment is None or newest is None or self.moment.epoch == newest.epoch:
            return None
        return self.moment.epoch

    @property
    def marked_epoch(self) -> float | None:
        """The epoch to point out on a curve that goes further: the selected one, or one whose weights are back."""
        return self.looks_back_to or self.history.restored

    @property
    def nothing(self) -> str:
        """Why there is no moment to look at; empty where there is one."""
        if self.moment is not None:
            return ""
        if self.run is None or self.run.status == "idle":
            return "not trained yet"
        end = self.run.history.end
        if end is not None and end.status == "failed":
            return f"The run failed in its first epoch: {end.reason}"
        return "The first epoch is under way."

    @property
    def withholds_settings(self) -> bool:
        """Whether new settings wait for the user: a new run would take away what is shown.

        That is a moment that was gone back to, or a file's weights that nothing was trained from yet.
        """
        run = self.run
        if run is None or self.continues:
            return False
        return self.selected_epoch is not None or (run.opened is not None and not run.history.batches)

    @property
    def can_train_on(self) -> bool:
        """Whether the weights that are shown can be trained on with the settings that are set."""
        run, moment = self.run, self.moment
        if run is None or run.own is not None or moment is None or moment.epoch >= MOST_EPOCHS:
            return False
        if run.timeline.newest is None and moment.epoch != int(moment.epoch):
            return False
        return run.config.hidden_sizes == self.config.hidden_sizes and self.config.may_validate(run.config)
