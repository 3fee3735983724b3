"""What there is to see at one moment: handed to whichever panel is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ipywidgets import DOMWidget

from explorer.app.session_run import SessionRun
from explorer.datasets import Dataset
from explorer.figures.palette import Theme
from explorer.training import History, Moment, TrainingConfig

__all__ = ["InTurn", "OnLoop", "Panel", "Scene", "at_once"]

OnLoop = Callable[[Callable[..., None]], Callable[..., None]]
"""Makes a callback run on the app's event loop, and shows what it raises to the person."""


InTurn = Callable[..., None]
"""Calls a function with its arguments, now or soon."""


def at_once(function: Callable[..., None], *arguments: object) -> None:
    """Call a function with its arguments now."""
    function(*arguments)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """All that a panel may look at.

    Parameters
    ----------
    dataset : Dataset
        The images.
    config : TrainingConfig
        The settings in the controls.
    run : SessionRun or None
        The present run; None before the first, and after a reset.
    moment : Moment or None
        The network that is looked at: the newest of the run, or the one that the epoch slider stands at; None
        before the first epoch has ended.
    earlier : tuple of SessionRun
        The session's other runs whose curves are shown, the pinned last, else the newest.
    theme : {"light", "dark"}
        Colours.
    others : tuple of SessionRun
        All its other runs, the newest last: whose curves are hidden can still be compared with.
    in_turn : callable
        Calls a function with its arguments: at once, or while a run trains when the event loop has come round, so
        that the parts of a drawing don't keep all else waiting together.
    """

    dataset: Dataset
    config: TrainingConfig
    run: SessionRun | None
    moment: Moment | None
    earlier: tuple[SessionRun, ...]
    theme: Theme
    others: tuple[SessionRun, ...] = ()
    in_turn: InTurn = at_once

    @property
    def history(self) -> History:
        """The curve of the present run; empty where there is none."""
        return History(self.config) if self.run is None else self.run.curve

    @property
    def looks_back_to(self) -> float | None:
        """The epoch of the moment that is looked at where it is not the newest; None at the newest."""
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
    def is_training(self) -> bool:
        """Whether more is to come soon, so that what is costly to draw may wait."""
        return self.run is not None and self.run.status == "running"


class Panel(Protocol):
    """What a tab shows. It is made when its tab is first opened, and told to show only while it is in sight."""

    view: DOMWidget

    def show(self, scene: Scene) -> None:
        """Draw what differs from what is drawn."""
