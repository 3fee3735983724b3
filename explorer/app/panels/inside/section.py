"""What a section of the tab is, and how its parts are boxed."""

from typing import Any, Protocol

from ipywidgets import Box, DOMWidget

from explorer.app.panels.inside.subject import Subject
from explorer.app.view_state import ViewState

__all__ = ["Section", "box", "figure_box", "filling"]


class Section(Protocol):
    """One way to look into the network, made when it is first chosen and told to show while it is in sight."""

    view: DOMWidget

    def show(self, state: ViewState, subject: Subject) -> None:
        """Draw what differs from what is drawn."""


def box(*children: DOMWidget, classes: tuple[str, ...] = ("explorer-stack",)) -> Box:
    """Return the parts in a box whose classes say how they stand; see ``inside.css``."""
    made = Box(children)
    for css_class in classes:
        made.add_class(css_class)
    return made


def figure_box(figure: DOMWidget, caption: DOMWidget) -> Box:
    """Return a figure over its line of text."""
    return box(figure, caption, classes=("explorer-section-figure",))


def filling(figure: Any) -> Any:
    """Return `figure` without a height of its own, so that it fills its place."""
    return figure.update_layout(height=None, autosize=True)
