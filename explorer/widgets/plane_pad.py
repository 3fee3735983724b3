"""A plane whose points are lit and added with mouse, pen, finger or keys."""

from collections.abc import Mapping
from typing import Any

import traitlets

from explorer.datasets.plane import MOST_ADDED
from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent


class PlanePad(PagePart):
    """Points in their class's color over the output's surface: (0, 0) to (255, 255), in whole numbers, y up."""

    _esm = script("plane_pad")

    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    colors = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Name and color of each class."""
    points = traitlets.Bytes().tag(sync=True)
    """Four bytes for each point: x, y, class, and 1 for a held-out point, else 0."""
    surface = traitlets.Bytes().tag(sync=True)
    """Red, green, blue and 255 for each cell of a square grid, row by row from the top; empty for none."""
    n_added = traitlets.Int(0).tag(sync=True)
    point = traitlets.List(traitlets.Int(min=0, max=255), [128, 128], minlen=2, maxlen=2).tag(
        sync=True, page=True
    )
    """The point that is lit; set by the user or the app."""
    settings: Any = traitlets.Dict().tag(sync=True, page=True)
    """What the points are made of, set by the user or the app; empty where it can't be set."""
    on_add = PartEvent[[int, int, int]]("add")
    """Calls ``callback(x, y, k)`` when a point of class k is added."""
    on_undo = PartEvent[[]]("undo")
    """Calls ``callback()`` when the last added point is undone."""

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        added, ends = content.get("add"), (256, 256, len(self.names))
        if isinstance(added, list) and len(added) == 3 and self.n_added < MOST_ADDED:
            if all(type(one) is int and 0 <= one < end for one, end in zip(added, ends, strict=True)):
                self._emit("add", *added)
        elif content.get("undo") and self.n_added:
            self._emit("undo")
