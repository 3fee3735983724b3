"""A pad to draw on with mouse, pen, finger or keys, and the question of what was drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent
from explorer.widgets.rendered import Drawable, Element, button_element, element

SIDE = 140
"""Side of the pad's image in pixels: five for each pixel of an MNIST image."""


def _as_bytes(value: bytes | memoryview | None, _widget: object) -> bytes:
    return b"" if value is None else bytes(value)  # data from the page arrives as a memoryview


class DrawingPad(PagePart):
    """A square to draw on: in the theme's colors, but in the image ink is always 255 and the background 0.

    While a line is drawn its image is sent at most every 50 ms, and once more at its end.
    """

    _esm = script("drawing_pad")

    side = traitlets.Int(SIDE, read_only=True).tag(sync=True)
    ink = traitlets.Bytes().tag(sync=True, page=True, echo_update=False, from_json=_as_bytes)
    """The image in row-major order, or empty if nothing was ever drawn; set by the user or by `show`."""
    offer = traitlets.Unicode().tag(sync=True)
    """Label of a button that loads a drawing; empty for no button."""
    drawn = traitlets.Int(0).tag(sync=True, page=True)
    """Number of completed `draw` calls; `ink` includes the drawing by then. Set by the page."""
    replaces = traitlets.Bool(False, read_only=False).tag(sync=True)
    """Whether a stroke on an image that was shown replaces it, as on a clean sheet."""
    on_offer = PartEvent[[]]("offer")
    """Calls ``callback()`` when a drawing is requested."""

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

    def show(self, image: NDArray[np.uint8]) -> None:
        """Replace the drawing with an image; the user can undo that, or continue to draw.

        `image` has ink, 0 to 255, as uint8 of shape (n, n). It is enlarged by whole pixels, so n must divide 140.
        """
        self.ink = self.ink_of(image)

    @staticmethod
    def ink_of(image: NDArray[np.uint8]) -> bytes:
        """Return the `ink` that shows an image."""
        factor = SIDE // len(image)
        return image.repeat(factor, axis=0).repeat(factor, axis=1).tobytes()

    def draw(self, strokes: Sequence[Sequence[tuple[float, float]]]) -> None:
        """Draw step by step in the user's view, on an empty pad; the user can undo each line, or continue to draw.

        Each stroke is a polyline, in units of 1/280 of the pad's width, with the origin in the upper left corner.
        """
        self.send({"draw": [[list(point) for point in stroke] for stroke in strokes]})

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("offer"):
            self._tell("offer")


@dataclass(frozen=True, slots=True)
class ClassChoice(Drawable):
    """A question with a button for each class, for a `Display`; they press the class, or a name in `others`."""

    kind = "explorer-class-choice"

    question: str = ""
    names: tuple[str, ...] = ()
    """The classes; if there are none, the question is hidden."""
    answers: tuple[str, ...] = ()
    """Each button's full label for screen readers: ``"This is a 7"``."""
    chosen: int | None = None
    """The class whose button is pressed."""
    others: tuple[tuple[str, str], ...] = ()
    """Further buttons: name and label of each."""

    def elements(self) -> list[Element]:
        """Return the buttons as elements."""
        pairs = zip(self.names, self.answers, strict=True)
        buttons = [self._button(k, name, answer) for k, (name, answer) in enumerate(pairs)]
        more = [button_element(press, words, class_="explorer-button") for press, words in self.others]
        asked = element("span", self.question, class_="explorer-muted", aria_hidden=True)
        group = element("div", *buttons, role="group", aria_label=self.question, class_="explorer-wrap")
        return [element("div", asked, group, hidden=not self.names), *more]

    def _button(self, k: int, name: str, answer: str) -> Element:
        named = {"aria_label": answer, "aria_pressed": k == self.chosen, "title": answer}
        return button_element(str(k), name, class_="explorer-button", **named)
