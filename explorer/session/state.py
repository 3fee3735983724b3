"""What a session is at one moment: frozen, and the same for all who look at it."""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.datasets import Dataset
from explorer.session.earlier_runs import EarlierRuns
from explorer.session.session_run import SessionRun
from explorer.training import History, Moment, RunnerStatus, TrainingConfig

__all__ = ["SessionState"]


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
    waits: bool = False
    """Whether new settings have come that nothing has been trained with yet."""

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
        return (
            run is not None
            and run.status in ("running", "idle")
            and not (run.history.batches or run.evaluation)
        )

    @property
    def looks_back_to(self) -> float | None:
        """The selected epoch where it is not the newest; None at the newest."""
        newest = None if self.run is None else self.run.newest
        if self.moment is None or newest is None or self.moment.epoch >= newest.epoch:
            return None
        return self.moment.epoch

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
        if run is None or run.can_continue_to(self.config):
            return False
        return self.selected_epoch is not None or (run.opened is not None and not run.history.batches)
