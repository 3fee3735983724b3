"""The most important numbers, large, and next to them a line of others."""

from dataclasses import dataclass
from typing import Literal

from explorer.widgets.rendered import Drawable, Element, element, icon_element

Series = Literal["train", "test", ""]
_ABOUT = ("M8 7.25v4", "M8 4.75v.01", "M14.25 8a6.25 6.25 0 1 1-12.5 0a6.25 6.25 0 0 1 12.5 0z")


@dataclass(frozen=True, slots=True)
class Tile:
    """One large number."""

    label: str
    value: str
    """The number as text: ``"93.2 %"``; ``"–"`` if there is none."""
    note: str = ""
    """What it is compared with, or a part of: ``"of 10 000"``."""
    series: Series = ""
    """The split it belongs to, for the same color as in the curves."""
    meaning: str = ""
    """A sentence that explains the label; empty if none is needed."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A number in the line next to the tiles, with its words."""

    text: str
    meaning: str
    series: Series = ""


@dataclass(frozen=True, slots=True)
class Tiles(Drawable):
    """A row of tiles and facts, for a `Display`; hovering shows the meaning of one, a button that of all."""

    kind = "explorer-tiles"

    tiles: tuple[Tile, ...] = ()
    facts: tuple[Fact, ...] = ()

    def elements(self) -> list[Element]:
        """Return the tiles and facts as elements."""
        parts = [element("dl", *map(_tile, self.tiles))]
        if self.facts:
            facts = (element("span", f.text, data_help=f.meaning, data_series=f.series) for f in self.facts)
            terms = [(one.label, one.meaning) for one in self.tiles] + [
                (f.text, f.meaning) for f in self.facts
            ]
            look = {"class_": "explorer-help-button", "aria_label": "About the results"}
            meanings = "\n".join(map(": ".join, terms))
            about = element("button", icon_element(*_ABOUT), type="button", data_help=meanings, **look)
            parts.append(element("p", *facts, about, class_="explorer-muted explorer-small"))
        return [element("section", *parts, aria_label="Results")]


def _tile(tile: Tile) -> Element:
    note = element("dd", tile.note, class_="explorer-note explorer-muted explorer-small")
    value = element("dd", tile.value, class_="explorer-value")
    look = {"data_series": tile.series, "data_help": tile.meaning or None}
    return element("div", element("dt", tile.label), value, note, **look)
