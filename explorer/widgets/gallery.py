"""A gallery of images with the network's predictions, one page at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent


@dataclass(frozen=True, slots=True)
class GalleryImage:
    """One image with its text."""

    caption: str
    note: str
    """The line below it, ``"9 → 4"``, and a second, muted one, ``"97 % sure"``."""
    detail: str
    """The full description for screen readers."""
    right: bool
    """Whether the prediction is right."""
    key: int = 0
    """Passed to `Gallery.on_open` callbacks."""
    title: str = ""
    """Heading of the card shown on hover or focus: ``"true 9, read as 4"``. If it is empty there is no card, but
    `detail` as a tooltip."""
    about: str = ""
    """A muted line of the card that explains the shares."""
    shares: tuple[float, ...] = ()
    """Share of each class, 0 to 1, shown in the card."""


class Gallery(PagePart):
    """A page of images."""

    _esm = script("gallery")

    heading = traitlets.Unicode().tag(sync=True)
    empty = traitlets.Unicode().tag(sync=True)
    """Text shown if there are no images."""
    images: traitlets.List[dict[str, object]] = traitlets.List().tag(sync=True)
    sprite = traitlets.Bytes().tag(sync=True)
    columns = traitlets.Int(1).tag(sync=True)
    page = traitlets.Int(0).tag(sync=True)
    n_pages = traitlets.Int(0).tag(sync=True)
    """The current page, 0 for the first, and the number of pages; set by the app."""
    class_names: traitlets.List[str] = traitlets.List().tag(sync=True)
    """Name of each class, for the cards and for the two filters, which appear once `on_filter` is called."""
    true = traitlets.Int(-1).tag(sync=True)
    predicted = traitlets.Int(-1).tag(sync=True)
    """The classes that the images are filtered by; -1 for any. Set by the app."""

    opens = traitlets.Unicode().tag(sync=True)
    """The effect of opening an image, in words; empty if images can't be opened."""
    filters = traitlets.Bool(False).tag(sync=True)
    _on_open, _on_filter = PartEvent[[int]]("open"), PartEvent[[int, int]]("filter")
    on_page = PartEvent[[int]]("page")
    """Calls ``callback(page)`` when another page is requested, 0 for the first."""

    def __init__(self, class_names: Sequence[str], empty: str = "", **traits: Any) -> None:
        super().__init__(class_names=list(class_names), empty=empty, **traits)

    def on_open(self, words: str, callback: Callable[[int], object]) -> None:
        """Make each image a button that calls ``callback(key)``; `words` describe its effect."""
        self.opens = words
        self._on_open(callback)

    def on_filter(self, callback: Callable[[int, int], object]) -> None:
        """Call ``callback(true, predicted)`` when other classes are requested; -1 means any."""
        self.filters = True
        self._on_filter(callback)

    def show(
        self,
        heading: str,
        images: Sequence[GalleryImage],
        sprite: bytes,
        *,
        columns: int,
        page: int = 0,
        n_pages: int = 1,
        true: int = -1,
        predicted: int = -1,
        empty: str = "",
    ) -> None:
        """Show a page of images with a heading, in one message; `empty` is shown if there are none.

        The sprite is a PNG of the images, `columns` to a row, as made by `explorer.figures.digits.sprite`.
        """
        words, filtered = [*map(asdict, images)], {"true": true, "predicted": predicted}
        pages = {"page": page, "n_pages": n_pages, "columns": columns, "sprite": sprite}
        self.update(heading=heading, empty=empty, images=words, **filtered, **pages)

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        page, classes, key = content.get("page"), content.get("filter"), content.get("open")
        known = range(-1, len(self.class_names))
        if isinstance(page, int) and 0 <= page < self.n_pages:
            self._emit("page", page)
        elif isinstance(classes, list) and len(classes) == 2 and all(one in known for one in classes):
            self._emit("filter", *classes)
        elif isinstance(key, int):
            self._emit("open", key)
