"""Pictures: in named rows, or as the weights of a layer's units."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent
from explorer.widgets.rendered import Drawable, Element, button_element, element

_PITCH = 29 / 28  # distance between the sprite's pictures, in picture widths: 28 pixels and a gap of one


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
        return [element("section", *parts, hidden=not self.rows)]

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


@dataclass(frozen=True, slots=True)
class WeightPage:
    """The content of a page of images."""

    heading: str = ""
    sprite: bytes = b""
    """A PNG with the images, `columns` to a row, as made by `explorer.figures.digits.weights_sprite`."""
    first: int = 0
    """The unit of the first image."""
    n_images: int = 0
    columns: int = 1
    limit: str = ""
    """The weight shown in full tone, as text at the ends of the scale."""
    page: int = 0
    n_pages: int = 1
    """The current page, 0 for the first, and the number of pages."""


class WeightImages(PagePart):
    """A page of images in a two-hue color scale, with the scale."""

    _esm = script("weight_images")

    selected = traitlets.Int(0).tag(sync=True, page=True)
    """The chosen unit, 0 for the layer's first; set by the user or the app."""
    content = traitlets.Dict(asdict(WeightPage())).tag(sync=True)
    """The current `WeightPage`: in one trait, so that the page draws once."""
    on_page = PartEvent[[int]]("page")
    """Calls ``callback(page)`` when another page is requested, 0 for the first."""

    def show(self, page: WeightPage) -> None:
        """Show a page of images, in one message."""
        self.content = asdict(page)

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        page = content.get("page")
        if isinstance(page, int) and 0 <= page < self.content["n_pages"]:
            self._tell("page", page)
