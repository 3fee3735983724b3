"""A pad to draw on with mouse, pen, finger or keys; what is drawn comes as an image."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart

__all__ = ["SIDE", "DrawingPad"]

SIDE = 140
"""Pixels a side of the image that the pad gives: five for each pixel of an MNIST image."""


def _as_bytes(value: bytes | memoryview | None, _widget: object) -> bytes:
    return b"" if value is None else bytes(value)  # what the page sends arrives as a view


class DrawingPad(PagePart):
    """A square to draw on.

    While a line is drawn its image comes at most every 50 ms, and once more at its end. In the page the drawing
    has the colours of the theme; in the image ink is always 255 and the ground 0.

    Parameters
    ----------
    offer : str
        Words of a button that asks for a drawing instead of making one; without them there is no such button.

    Attributes
    ----------
    ink : bytes
        The image, row after row, or nothing where nothing was ever drawn; set by the user or by `show`.
    drawn : int
        How often what `draw` asks for was drawn to its end; `ink` holds it by then. Set by the page.
    """

    _esm = script("drawing_pad")

    side = traitlets.Int(SIDE, read_only=True).tag(sync=True)
    ink = traitlets.Bytes().tag(sync=True, page=True, echo_update=False, from_json=_as_bytes)
    offer = traitlets.Unicode().tag(sync=True)
    drawn = traitlets.Int(0).tag(sync=True, page=True)

    def __init__(self, offer: str = "", **traits: Any) -> None:
        super().__init__(offer=offer, **traits)

    @traitlets.validate("ink")
    def _whole(self, proposal: Mapping[str, bytes]) -> bytes:
        ink = proposal["value"]
        if len(ink) not in (0, SIDE * SIDE):
            raise traitlets.TraitError(f"ink has {len(ink)} bytes; expected none or {SIDE} × {SIDE}")
        return ink

    def on_offer(self, callback: Callable[[], object]) -> None:
        """Call ``callback()`` when a drawing is asked for."""
        self._on("offer", callback)

    @property
    def image(self) -> NDArray[np.uint8]:
        """What is drawn: (140, 140), read-only, 0 for no ink to 255."""
        ink = np.frombuffer(self.ink or bytes(SIDE * SIDE), np.uint8)
        return ink.reshape(SIDE, SIDE)

    def show(self, image: NDArray[np.uint8]) -> None:
        """Put an image on the pad in place of what is drawn; the user can undo that, or draw on.

        Parameters
        ----------
        image : ndarray of uint8, shape (n, n)
            Ink, 0 to 255. It is enlarged by whole pixels, so n has to divide 140.

        Raises
        ------
        ValueError
            If the image has another shape or dtype.
        """
        n = len(image)
        if image.dtype != np.uint8 or image.shape != (n, n) or n == 0 or SIDE % n:
            raise ValueError(
                f"the image is {image.dtype} of shape {image.shape}; expected uint8, square, its side a"
                f" divisor of {SIDE}"
            )
        self.ink = image.repeat(SIDE // n, axis=0).repeat(SIDE // n, axis=1).tobytes()

    def draw(self, strokes: Sequence[Sequence[tuple[float, float]]]) -> None:
        """Draw before the user's eyes, on an empty pad; the user can undo it line by line, or draw on.

        Parameters
        ----------
        strokes : sequence of sequence of (float, float)
            Lines by their corners, from the upper left in units of which the pad is 280 wide.
        """
        self.send({"draw": [[list(point) for point in stroke] for stroke in strokes]})

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("offer"):
            self._tell("offer")
