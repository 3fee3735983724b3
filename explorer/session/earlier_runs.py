"""The session's earlier runs: what is kept of them, which are shown, and those that can still be restored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, SupportsIndex, overload

from explorer.datasets import Dataset
from explorer.session.session_run import SessionRun
from explorer.training import OwnClass, TrainingConfig

__all__ = ["EarlierRuns"]

MOST_BYTES = 128 * 2**20

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

    @overload
    def __getitem__(self, index: SupportsIndex) -> SessionRun: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    def __getitem__(self, index: SupportsIndex | slice) -> SessionRun | Runs:
        return self.runs[index]

    @property
    def shown(self) -> Runs:
        """The runs of which there is something to draw and that are not hidden, the most wanted last.

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
