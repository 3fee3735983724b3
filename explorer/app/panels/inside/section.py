"""What a section of the tab is."""

from typing import Protocol

from ipywidgets import DOMWidget

from explorer.app.panels.inside.subject import Subject
from explorer.app.view_state import ViewState

__all__ = ["Section"]


class Section(Protocol):
    """One way to look into the network, made when it is first chosen and told to show while it is in sight."""

    view: DOMWidget

    def show(self, state: ViewState, subject: Subject) -> None:
        """Draw what differs from what is drawn."""
