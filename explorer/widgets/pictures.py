"""Pictures: in named rows, or as the weights of a layer's units."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

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
