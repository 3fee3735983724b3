"""Images: a gallery of them with the network's predictions, one page at a time, and named rows of pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent
from explorer.widgets.rendered import Drawable, Element, button_element, element

_PITCH = 29 / 28  # distance between the sprite's pictures, in picture widths: 28 pixels and a gap of one


@dataclass(frozen=True, slots=True)
class GalleryImage:
    """One image with its text."""

    caption: str
    note: str
    """The line below it, ``"9 → 4"``, and a second, muted one, ``"97 % sure"``."""
    detail: str
    """The full description for screen readers."""
    right: bool
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
        """Show a page of images, in one message; the sprite is a PNG of `explorer.figures.digits.sprite`."""
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


class RowPicture(NamedTuple):
    """The text of one picture: a description, as tooltip and for screen readers, and a word below it."""

    detail: str
    caption: str = ""


class PictureRow(NamedTuple):
    """Pictures that belong together, in the order of the sprite; the name is empty if the heading suffices."""

    name: str
    pictures: Sequence[RowPicture]


@dataclass(frozen=True, slots=True)
class PictureRows(Drawable):
    """Rows of pictures, for a `Display`."""

    kind = "explorer-picture-rows"

    heading: str = ""
    rows: Sequence[PictureRow] = ()
    picture: bytes = b""
    """A PNG of all pictures of 28 × 28 pixels, `columns` to a row, as made by `explorer.figures.digits.sprite`.
    Each row starts a new row of it."""
    columns: int = 1
    """Pictures per row of the sprite, and the maximum per row on the page."""
    note: str = ""
    """A muted line below the heading."""
    first_apart: bool = False
    """Whether the first picture of each row is of a different kind."""
    offer: str = ""
    """Label of a button after the heading, whose press is ``"offer"``; none if empty."""

    def elements(self) -> list[Element]:
        """Return the rows as elements."""
        starts = [0, *accumulate(-(-len(row.pictures) // self.columns) for row in self.rows)]
        button = button_element("offer", self.offer, class_="explorer-button") if self.offer else None
        rows = (self._row(row, start, starts[-1]) for row, start in zip(self.rows, starts, strict=False))
        parts = (
            element("header", element("h2", self.heading), button, class_="explorer-line explorer-wrap"),
            element("p", self.note, class_="explorer-muted explorer-small", hidden=not self.note),
            element("ul", *rows, data_named=any(row.name for row in self.rows), data_apart=self.first_apart),
        )
        return [element("section", *parts, hidden=not (self.rows or self.note))]

    def _row(self, row: PictureRow, start: int, n_rows: int) -> Element:
        pictures = (
            self._picture(picture, start + index // self.columns, index % self.columns, n_rows)
            for index, picture in enumerate(row.pictures)
        )
        look = {"class_": "explorer-row-name explorer-strong explorer-cut", "aria_hidden": True}
        tiles = element("ul", *pictures, aria_label=row.name or None, style={"--columns": str(self.columns)})
        return element("li", element("span", row.name, **look), tiles)

    def _picture(self, picture: RowPicture, row: int, column: int, n_rows: int) -> Element:
        style = {
            "background-size": f"{100 * _PITCH * self.columns:.3f}% {100 * _PITCH * n_rows:.3f}%",
            "background-position": f"{_place(column, self.columns):.3f}% {_place(row, n_rows):.3f}%",
        }
        shown = {"role": "img", "aria_label": picture.detail, "picture": 0 if self.picture else None}
        tile = element("div", class_="explorer-row-picture explorer-picture", style=style, **shown)
        caption = element("div", picture.caption, class_="explorer-cut", aria_hidden=True)
        return element("li", tile, caption, title=picture.detail)


def _place(at: int, count: int) -> float:
    """Return a picture's background position in percent, which CSS measures against the remaining space."""
    return 100 * _PITCH * at / (_PITCH * count - 1)
