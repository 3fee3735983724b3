"""One held-out image, and ways to another."""

from collections.abc import Mapping
from typing import Any, Literal

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart, PartEvent

__all__ = ["NO_SAMPLE", "SamplePicker", "Wish"]

NO_SAMPLE = -1
"""As the index: an image that is none of them is shown."""

Wish = Literal["random", "mistake"]


class SamplePicker(PagePart):
    """An image, its index to type in, and buttons to a random one and to the next mistake.

    Parameters
    ----------
    n_samples : int
        Images that there are.

    Attributes
    ----------
    index : int
        The image that is shown, 0 for the first, or `NO_SAMPLE`; set by the user or the app.
    """

    _esm = script("sample_picker")

    n_samples = traitlets.Int().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True, page=True)
    noun = traitlets.Unicode("test image").tag(sync=True)
    """What one of them is called."""
    arrivals = traitlets.Int(0).tag(sync=True)
    """How often the focus was asked for."""
    content = traitlets.Dict().tag(sync=True)
    """All that `show` was given: in one trait, so that the page draws once."""
    on_wish = PartEvent[[Wish]]("wish")
    """Calls ``callback(wish)`` when a random image or the next mistake is wanted."""

    def __init__(self, n_samples: int, **traits: Any) -> None:
        super().__init__(n_samples=n_samples, **traits)
        self.show(b"", "")

    @traitlets.validate("index")
    def _within(self, proposal: dict[str, int]) -> int:
        index = proposal["value"]
        return index if index == NO_SAMPLE else min(max(index, 0), self.n_samples - 1)

    def offer(self, n_samples: int, noun: str) -> None:
        """Offer so many images, called so."""
        self.update(n_samples=n_samples, noun=noun, index=min(self.index, n_samples - 1))

    def take_focus(self) -> None:
        """Take the focus of the page, as soon as the part is in sight: the user was sent here from elsewhere."""
        self.arrivals += 1

    def show(self, picture: bytes, words: str, *, right: bool = True, has_mistakes: bool = False) -> None:
        """Show the image, a PNG, what it is read as, whether that is right, and a way to the next mistake."""
        self.content = {"picture": picture, "words": words, "right": right, "has_mistakes": has_mistakes}

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("wish") in ("random", "mistake"):
            self._tell("wish", content["wish"])
