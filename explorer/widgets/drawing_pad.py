"""Pads for mouse, pen, finger or keys: one to draw on, and a plane whose points are lit and added."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from explorer.datasets.plane import MOST_ADDED
from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent

SIDE = 140
"""Side of the pad's image in pixels: five for each pixel of an MNIST image."""


class DrawingPad(PagePart):
    """A square to draw on: in the theme's colors, but in the image ink is always 255 and the background 0.

    A stroke on an image that the app has set replaces it, as on a clean sheet; the user can undo that. While
    a line is drawn its image is sent at most every 50 ms, and once more at its end.
    """

    _esm = script("drawing_pad")

    side = traitlets.Int(SIDE, read_only=True).tag(sync=True)
    ink = traitlets.Bytes().tag(
        sync=True, page=True, echo_update=False, from_json=lambda sent, _: bytes(sent or b"")
    )
    """The image in row-major order, or empty if nothing was ever drawn; set by the user or the app."""
    keeps = traitlets.Unicode().tag(sync=True)
    """Label of the button with which the page keeps a drawing, instead of that for mistakes; empty for none."""
    on_mistake = PartEvent[[]]("mistake")
    """Calls ``callback()`` when a misclassified image is asked for."""

    @traitlets.validate("ink")
    def _whole(self, proposal: Mapping[str, bytes]) -> bytes:
        ink = proposal["value"]
        if len(ink) not in (0, SIDE * SIDE):
            raise traitlets.TraitError(f"ink has {len(ink)} bytes; expected none or {SIDE} × {SIDE}")
        return ink

    @property
    def image(self) -> NDArray[np.uint8]:
        """The drawing: (140, 140), read-only, 0 for no ink to 255."""
        return np.frombuffer(self.ink or bytes(SIDE * SIDE), np.uint8).reshape(SIDE, SIDE)

    @staticmethod
    def ink_of(image: NDArray[np.uint8]) -> bytes:
        """Return the `ink` that shows an image: uint8 of shape (n, n)."""
        at = np.arange(SIDE) * len(image) // SIDE
        return image[at][:, at].tobytes()

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("mistake"):
            self._emit("mistake")


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
