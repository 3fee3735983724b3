"""A pad to draw on with mouse, pen, finger or keys."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent

SIDE = 140
"""Side of the pad's image in pixels: five for each pixel of an MNIST image."""


def _as_bytes(value: bytes | memoryview | None, _widget: object) -> bytes:
    return b"" if value is None else bytes(value)  # data from the page arrives as a memoryview


class DrawingPad(PagePart):
    """A square to draw on: in the theme's colors, but in the image ink is always 255 and the background 0.

    A stroke on an image that the app has set replaces it, as on a clean sheet; the user can undo that. While
    a line is drawn its image is sent at most every 50 ms, and once more at its end.
    """

    _esm = script("drawing_pad")

    side = traitlets.Int(SIDE, read_only=True).tag(sync=True)
    ink = traitlets.Bytes().tag(sync=True, page=True, echo_update=False, from_json=_as_bytes)
    """The image in row-major order, or empty if nothing was ever drawn; set by the user or the app."""
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
        ink = np.frombuffer(self.ink or bytes(SIDE * SIDE), np.uint8)
        return ink.reshape(SIDE, SIDE)

    @staticmethod
    def ink_of(image: NDArray[np.uint8]) -> bytes:
        """Return the `ink` that shows an image: uint8 of shape (n, n); n must divide 140."""
        factor = SIDE // len(image)
        return image.repeat(factor, axis=0).repeat(factor, axis=1).tobytes()

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("mistake"):
            self._emit("mistake")
