"""The session's earlier runs: what is kept of them, which are shown, and those that can still be brought back."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from explorer.app.session_run import SessionRun
from explorer.training import TrainingRun

__all__ = ["EarlierRuns"]

MOST_BYTES = 128 * 2**20


@dataclass(slots=True)
class EarlierRuns:
    """Runs that another one has taken the place of, the newest last.

    Each keeps its history and its newest moment. When the moments take more than `most_bytes`, the oldest runs
    let go of theirs, deleted ones first and pinned ones last: their figures stay, but their outputs, which a
    comparison needs, are gone.

    Parameters
    ----------
    most_bytes : int
        Memory that the moments may keep, those of deleted runs among them.
    """

    most_bytes: int = MOST_BYTES
    replaced: tuple[SessionRun, ...] = field(init=False, default=())
    """Those that `drop_repeats` has dropped last, without their moments."""
    _runs: list[SessionRun] = field(default_factory=list)
    _deleted: list[SessionRun] = field(default_factory=list)

    def __iter__(self) -> Iterator[SessionRun]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def add(self, run: SessionRun) -> None:
        """Take in the run that has ended last."""
        run.set_aside()
        self._runs.append(run)
        self._keep_within(run)

    def drop_repeats(self, training: TrainingRun) -> None:
        """Drop the runs whose records `training` will give again, unless a fork or a mark is kept of them."""
        parents = {run.parent for run in self._runs}
        repeats = [run for run in self._runs if run.is_repeated_by(training)]
        self.replaced = tuple(run for run in repeats if run not in parents)
        self._runs = [run for run in self._runs if run not in self.replaced]
        for run in self.replaced:
            run.let_go()

    def shown(self) -> tuple[SessionRun, ...]:
        """Return the runs of which there is something to draw and that are not hidden, the most wanted last.

        Where there is room for the last few, these are the pinned, then the newest. First come runs that ended
        within their first epoch: there are figures of such a run, but no curve.
        """
        shown = [run for run in self._runs if not run.hidden and run.newest is not None]
        return tuple(sorted(shown, key=lambda run: (run.has_curve, run.pinned)))

    @property
    def deleted(self) -> tuple[SessionRun, ...]:
        """The runs that `restore` brings back."""
        return tuple(self._deleted)

    def delete(self, run: SessionRun) -> None:
        """Take `run` out, for now."""
        self._runs.remove(run)
        self._deleted.append(run)

    def restore(self) -> None:
        """Bring back what was deleted and not yet forgotten, each to its place."""
        self._runs = sorted([*self._runs, *self._deleted], key=lambda run: run.number)
        self._deleted.clear()

    def forget(self) -> None:
        """Let what was deleted go for good; a fork still knows the number of its parent."""
        for run in self._deleted:
            run.let_go()
        self._deleted.clear()

    def _keep_within(self, newest: SessionRun) -> None:
        oldest_first = [*self._deleted, *sorted(self._runs, key=lambda run: run.pinned)]
        kept = sum(run.n_bytes for run in oldest_first)
        for run in oldest_first:
            if kept <= self.most_bytes:
                return
            if run is not newest:
                kept -= run.n_bytes
                run.let_go()
