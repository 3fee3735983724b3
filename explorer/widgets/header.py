"""The page's header: title, run status, sharing, export, theme."""

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PartEvent
from explorer.widgets.run_bar import STATUSES
from explorer.widgets.upload import FilePart


class Header(FilePart):
    """The page's header. It also sets the page's theme."""

    _esm = script("header")

    title = traitlets.Unicode("Neural network explorer").tag(sync=True)
    dataset = traitlets.Unicode().tag(sync=True)
    """The first words: the page's name and the data set's."""
    status = traitlets.Enum(STATUSES, default_value="idle").tag(sync=True)
    query = traitlets.Unicode().tag(sync=True)
    """The settings as a query string, without the ``?``, for the shared link. On the app's own page the address
    follows it, so that a reload keeps the settings."""
    settled = traitlets.Bool(False).tag(sync=True)
    """Whether the app has read the page's address: from then on `query` sets it, even to its earlier value."""
    link_lacks = traitlets.Unicode().tag(sync=True)
    """What the shared link can't reproduce, shown when the link is copied; empty if it is complete."""
    step = traitlets.Int(0).tag(sync=True)
    """A change of `query` with a higher step becomes an entry in the browser's history: Back undoes it."""
    exports = traitlets.Dict().tag(sync=True)
    """Entries of the export menu: labels by id. Without any there is no menu."""
    saves = traitlets.Unicode().tag(sync=True)
    """Label of the button that saves the session; empty for no button."""
    unsaved = traitlets.Unicode().tag(sync=True)
    """A sentence on what closing the page would lose. If it isn't empty, the app's own page asks for confirmation
    before it closes, and the save button is marked."""
    opens = traitlets.Unicode().tag(sync=True)
    suffix = traitlets.Unicode().tag(sync=True)
    """Label of the menu's last entry, which opens a file of the user, and its suffix; empty for no entry."""
    choice = traitlets.Enum(("auto", "light", "dark"), default_value="auto").tag(sync=True, page=True)
    """The user's choice of theme."""
    theme = traitlets.Enum(("light", "dark"), default_value="light").tag(sync=True, page=True)
    """The theme in use: `choice`, or for "auto" the preference of JupyterLab or the system. Set by the page,
    observed by the app."""
    on_export = PartEvent[[str]]("export")
    """Calls ``callback(id)`` when an entry of the export menu is chosen."""
    on_keep = PartEvent[[]]("keep")
    """Calls ``callback()`` when the app's own page requests a copy of the session to keep."""
    on_visit = PartEvent[[str]]("visit")
    """Calls ``callback(query)`` when the user goes back or forward to another address of the page."""

    def keep(self, words: str, content: bytes) -> None:
        """Make the browser keep a copy of the session while the tab is open; an empty one removes it."""
        self.send({"keep": words}, buffers=[content])

    def _hear(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        chosen, visited = content.get("export"), content.get("visit")
        if isinstance(chosen, str) and chosen in self.exports:
            self._tell("export", chosen)
        if content.get("keep") is True:
            self._tell("keep")
        if isinstance(visited, str):
            self._tell("visit", visited)
        super()._hear(content, buffers)

    def _offers(self, event: str) -> bool:
        return event == "open" or bool(self.saves)
