"""Tracks whether its container is visible, and the page's theme: hidden parts are not drawn."""

from collections.abc import Mapping
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart


class Visibility(PagePart):
    """A widget without a size that tracks the visibility of its position on the page."""

    _esm = script("visibility")

    in_sight = traitlets.Bool(True)
    """Whether one of its views is on screen; True until a page reports."""
    theme = traitlets.Enum(("light", "dark"), default_value="light").tag(sync=True, page=True)
    """The page's theme; set by the page."""

    def __init__(self, **traits: Any) -> None:
        self._seen: dict[str, bool] = {}  # by view
        super().__init__(**traits)

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        view, seen = content.get("view"), content.get("seen")
        if isinstance(view, str) and isinstance(seen, bool):
            self._seen[view] = seen
        elif isinstance(view, str):
            self._seen.pop(view, None)
        self.in_sight = any(self._seen.values())
