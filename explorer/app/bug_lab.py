"""The bug lab as a widget of its own, for a cell or a box."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ipywidgets import Layout, VBox

from explorer.app.layout import close_all
from explorer.app.panels.lab import LEVELS, LabPanel
from explorer.widgets.kernel_notice import KernelNotice
from explorer.widgets.known_names import KnownNames
from explorer.widgets.look import look_of

__all__ = ["BugLab"]


class BugLab(KnownNames, VBox):
    """Networks with one mistake each, which their figures give away: name it from a list.

    Parameters
    ----------
    level : int
        The level that it begins with, 1 to 10.
    layout : Layout or dict, optional
        As of any ipywidgets box.

    Raises
    ------
    ValueError
        If there is no such level.

    Examples
    --------
    >>> from explorer import BugLab
    >>> lab = BugLab(level=3)
    """

    panel: LabPanel

    def __init__(self, level: int = 1, *, layout: Layout | Mapping[str, Any] | None = None) -> None:
        if level not in range(1, len(LEVELS) + 1):
            raise ValueError(f"level is {level!r}; expected 1 to {len(LEVELS)}")
        look_of(Path(__file__).parent)
        self.panel = LabPanel(level)
        super().__init__([self.panel.view, KernelNotice()], **({} if layout is None else {"layout": layout}))
        self.add_class("explorer-app")
        self.panel.show(self.panel.views.state)

    def close(self) -> None:
        """End its run, and close the widgets."""
        if "panel" in vars(self):  # it was made whole
            self.panel.close()
        for child in self.children:
            close_all(child)
        self.layout.close()
        super().close()
