"""Help for the whole page, which its button or the key ``?`` opens: the keys, and the way into the tour."""

from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart

__all__ = ["HelpDialog"]


class HelpDialog(PagePart):
    """Help for the whole page.

    Parameters
    ----------
    shortcuts : mapping of str to str
        What each key does, by its name: ``{"Space": "Train, pause or resume"}``.
    """

    _esm = script("help_dialog")

    about = traitlets.Unicode().tag(sync=True)
    shortcuts: traitlets.List[list[str]] = traitlets.List().tag(sync=True)

    def __init__(self, about: str, shortcuts: Mapping[str, str], **traits: Any) -> None:
        super().__init__(about=about, shortcuts=[list(row) for row in shortcuts.items()], **traits)

    def on_tour(self, callback: Callable[[], object]) -> None:
        """Call ``callback()`` when the user wants to take the tour."""
        self._on("tour", callback)

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("tour"):
            self._tell("tour")
