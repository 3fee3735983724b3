"""The top line of the page: what it is, how the run is, share, export, theme."""

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PartEvent
from explorer.widgets.run_bar import STATUSES
from explorer.widgets.upload import FilePart


class Header(FilePart):
    """The page's top line. It also carries the page's theme."""

    _esm = script("header")

    title = traitlets.Unicode("Neural network explorer").tag(sync=True)
    dataset = traitlets.Unicode().tag(sync=True)
    """What stands first: the page's name and the data's."""
    about = traitlets.Unicode().tag(sync=True)
    """What the page is, in a sentence."""
    status = traitlets.Enum(STATUSES, default_value="idle").tag(sync=True)
    """One of `explorer.widgets.run_bar.STATUSES`; set by the app."""
    query = traitlets.Unicode().tag(sync=True)
    """The settings as a query string, without the ``?``: what the shared link holds. On the app's own page the
    address follows it, so that a reload keeps the settings."""
    settled = traitlets.Bool(False).tag(sync=True)
    """Whether the app has read the page's address: from then on the address is what `query` says, even where
    that is what it said before."""
    link_lacks = traitlets.Unicode().tag(sync=True)
    """A sentence that says what the shared link can't hold; it is shown when the link is copied. Empty where the
    link is all of it."""
    step = traitlets.Int(0).tag(sync=True)
    """Where a change of `query` comes with a higher one, it is a step of the browser's history: Back undoes
    it."""
    exports = traitlets.Dict().tag(sync=True)
    """What the export menu offers: id to words on screen. Without any there is no menu."""
    saves = traitlets.Unicode().tag(sync=True)
    """What the button does that saves the session; without any there is none."""
    unsaved = traitlets.Unicode().tag(sync=True)
    """A sentence that says what closing the page would lose. Where it is not empty, the app's own page asks
    before it is closed, and says so; the button that saves is marked."""
    opens = traitlets.Unicode().tag(sync=True)
    """Words of the menu's last entry, which opens a file of the reader; without any there is none."""
    suffix = traitlets.Unicode().tag(sync=True)
    """What the names of files that can be opened end in."""
    choice = traitlets.Enum(("auto", "light", "dark"), default_value="auto").tag(sync=True, page=True)
    """What the user wants."""
    theme = traitlets.Enum(("light", "dark"), default_value="light").tag(sync=True, page=True)
    """What is shown: `choice`, or for "auto" what JupyterLab or the system prefers. Set by the page, observed by
    the app."""
    on_export = PartEvent[[str]]("export")
    """Calls ``callback(id)`` when an entry of the export menu is chosen."""
    on_keep = PartEvent[[]]("keep")
    """Calls ``callback()`` when the app's own page asks for a copy of the session to keep."""
    on_visit = PartEvent[[str]]("visit")
    """Calls ``callback(query)`` when the reader goes back or forward to another address of the page."""

    def keep(self, words: str, content: bytes) -> None:
        """Make the browser keep a copy of the session while the tab is open; an empty one takes it away."""
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
