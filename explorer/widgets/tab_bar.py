"""The tabs of the app, and the slider that goes back and forth through the epochs of a run."""

from collections.abc import Mapping
from typing import Any

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart, PartEvent

__all__ = ["TabBar"]


class TabBar(PagePart):
    """Tabs on the left, the moments of the run on the right."""

    _esm = script("tab_bar")

    tabs: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    """Words on screen, by the name of each tab."""
    offered: traitlets.List[str] = traitlets.List().tag(sync=True)
    """Names of the only tabs in the list, next to the one that is open; empty for all."""
    selected = traitlets.Unicode().tag(sync=True, page=True)
    """Name of the tab that is shown; set by the user or the app."""
    epochs: traitlets.List[float] = traitlets.List().tag(sync=True)
    """The epochs that can be shown, ascending; set by the app."""
    position = traitlets.Int(-1).tag(sync=True, page=True)
    """Index into `epochs`; -1 follows the run as it trains. Set by the user or the app."""
    newest = traitlets.Float(0.0).tag(sync=True)
    """The epoch that is shown at position -1: within an epoch where a run is paused there. Set by the app."""
    can_fork = traitlets.Bool(True).tag(sync=True)
    """Whether the run can be trained on from the epoch that is shown."""
    note = traitlets.Unicode().tag(sync=True)
    """A word next to the slider, such as that old moments were thinned."""
    on_fork = PartEvent[[]]("fork")
    """Calls ``callback()`` when the user wants to train on from the moment that is shown."""

    def __init__(self, tabs: Mapping[str, str], **traits: Any) -> None:
        first = {"selected": next(iter(tabs))}
        super().__init__(tabs=[[name, words] for name, words in tabs.items()], **(first | traits))

    @traitlets.validate("selected")
    def _known(self, proposal: Mapping[str, str]) -> str:
        names = [name for name, _ in self.tabs]
        return proposal["value"] if proposal["value"] in names else names[0]

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("fork") and self.can_fork:
            self._tell("fork")
