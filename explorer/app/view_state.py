"""What there is to see at one moment: handed to all views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
from ipywidgets import DOMWidget
from numpy.typing import NDArray

from explorer.figures.palette import Theme
from explorer.session import SessionState

__all__ = ["ANY", "Drawing", "InTurn", "OnLoop", "Panel", "ViewState", "at_once"]

ANY = -1
"""Stands for any class where classes are chosen."""

OnLoop = Callable[[Callable[..., object]], Callable[..., None]]
"""Makes a callback run on the app's event loop, and shows what it raises to the user."""

InTurn = Callable[..., None]
"""Calls a function with its arguments, now or soon."""


def at_once(function: Callable[..., object], *arguments: object) -> None:
    """Call a function with its arguments now."""
    function(*arguments)


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What a user has drawn. Two are equal only if they are one object."""

    image: NDArray[np.uint8]
    """As the network sees it, shape (28, 28)."""
    true: int | None = None
    """The class that the user says it is; None where that was not said."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ViewState(SessionState):
    """A session at one moment, and how it is shown."""

    theme: Theme = "light"
    chosen: tuple[int, int] = (ANY, ANY)
    """The true and the predicted class whose images are shown; `ANY` for any."""
    in_turn: InTurn = at_once
    """Calls a function with its arguments: at once, or while a run trains when the event loop has come round, so
    that the parts of a drawing don't keep all else waiting together."""

    @classmethod
    def of(cls, session: SessionState, **view: Any) -> ViewState:
        """Return a session's state as it is shown."""
        return cls(**{field.name: getattr(session, field.name) for field in fields(SessionState)}, **view)

    @property
    def cell(self) -> tuple[int, int] | None:
        """Row and column of the chosen cell of the confusion matrix, or None."""
        return None if ANY in self.chosen else self.chosen


class Panel(Protocol):
    """What can be shown: it has a widget, and is told what to show only while that is in sight.

    Panels are made with the `Views` that they are shown with.
    """

    view: DOMWidget

    def show(self, state: ViewState) -> None:
        """Draw what differs from what is drawn."""
