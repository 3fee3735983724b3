"""Images of digits with what the network made of each: one page of them at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent


@dataclass(frozen=True, slots=True)
class GalleryImage:
    """What is said of one image."""

    caption: str
    """The line under it: ``"9 → 4"``."""
    note: str
    """A second, quieter line: ``"97 % sure"``."""
    detail: str
    """All of it in words, for the screen reader."""
    right: bool
    """Whether the decision is right."""
    key: int = 0
    """What `Gallery.on_open` tells."""
    title: str = ""
    """Heading of the card that comes with the pointer or the focus: ``"true 9, read as 4"``. Without one there is
    no card, but `detail` as a tool tip."""
    about: str = ""
    """A quieter line of the card, which says what the shares are."""
    shares: tuple[float, ...] = ()
    """Share of each class, 0 to 1, shown in the card."""


class Gallery(PagePart):
    """A page of images."""

    _esm = script("gallery")

    heading = traitlets.Unicode().tag(sync=True)
    empty = traitlets.Unicode().tag(sync=True)
    """What is said while there is no image."""
    images: traitlets.List[dict[str, object]] = traitlets.List().tag(sync=True)
    sprite = traitlets.Bytes().tag(sync=True)
    columns = traitlets.Int(1).tag(sync=True)
    page = traitlets.Int(0).tag(sync=True)
    n_pages = traitlets.Int(0).tag(sync=True)
    """Which page is shown, 0 for the first, and how many there are; set by the app."""
    class_names: traitlets.List[str] = traitlets.List().tag(sync=True)
    """Name of each class, for the two filters, which are there once `on_filter` is called, and for the cards."""
    true = traitlets.Int(-1).tag(sync=True)
    predicted = traitlets.Int(-1).tag(sync=True)
    """The classes that the images are filtered by; -1 for any. Set by the app."""

    opens = traitlets.Unicode().tag(sync=True)
    """What opening an image does, in words; empty where nothing does."""
    filters = traitlets.Bool(False).tag(sync=True)
    _on_open, _on_filter = PartEvent[[int]]("open"), PartEvent[[int, int]]("filter")
    on_page = PartEvent[[int]]("page")
    """Calls ``callback(page)`` when another page is asked for, 0 for the first."""

    def __init__(self, class_names: Sequence[str], empty: str = "", **traits: Any) -> None:
        super().__init__(class_names=list(class_names), empty=empty, **traits)

    def on_open(self, words: str, callback: Callable[[int], object]) -> None:
        """Make a button of each image, which calls ``callback(key)``, and say in words what that does.

        The key is that of a `GalleryImage` that is shown, or was shortly before.
        """
        self.opens = words
        self._on_open(callback)

    def on_filter(self, callback: Callable[[int, int], object]) -> None:
        """Call ``callback(true, predicted)`` when other classes are asked for; -1 stands for any."""
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
        """Show a page of images, in one message, with a heading that says what they have in common.

        The sprite is a PNG of them, `columns` to a row, as `explorer.figures.digits.sprite` makes. All else is as
        the attributes say; `empty` is said where there is no image.
        """
        words = [{name: getattr(image, name) for name in image.__slots__} for image in images]
        with self.hold_sync():
            self.update(heading=heading, empty=empty, true=true, predicted=predicted, images=words)
            self.update(page=page, n_pages=n_pages, columns=columns, sprite=sprite)

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        page, classes, key = content.get("page"), content.get("filter"), content.get("open")
        known = range(-1, len(self.class_names))
        if isinstance(page, int) and 0 <= page < self.n_pages:
            self._tell("page", page)
        elif isinstance(classes, list) and len(classes) == 2 and all(one in known for one in classes):
            self._tell("filter", *classes)
        elif isinstance(key, int):
            self._tell("open", key)
