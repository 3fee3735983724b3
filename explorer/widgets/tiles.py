"""The most important numbers, each with a note on what it was measured on."""

from dataclasses import dataclass
from typing import Literal

from explorer.widgets.rendered import Drawable, Element, element, term_element

_LONG = 12  # characters: longer values are names, not numbers, and are set smaller in two lines


@dataclass(frozen=True, slots=True)
class Tile:
    """One number."""

    label: str
    value: str
    """The number as text: ``"93.2 %"``; ``"–"`` if there is none."""
    note: str = ""
    """What it was measured on: ``"of 10 000 test images"``."""
    series: Literal["train", "test", ""] = ""
    """The split it belongs to, for the same color as in the curves."""
    meaning: str = ""
    """A sentence that explains the label; empty if none is needed."""


@dataclass(frozen=True, slots=True)
class Tiles(Drawable):
    """A row of tiles, for a `Display`."""

    kind = "explorer-tiles"

    tiles: tuple[Tile, ...] = ()

    def elements(self) -> list[Element]:
        """Return the tiles as elements."""
        return [element("section", element("dl", *map(_tile, self.tiles)), aria_label="Results")]


def _tile(tile: Tile) -> Element:
    # A title has the full text, in case the tile is too narrow for it.
    value = {
        "class_": "explorer-value explorer-cut",
        "title": tile.value,
        "data_long": len(tile.value) > _LONG,
    }
    note = {"class_": "explorer-note explorer-muted explorer-small explorer-cut", "title": tile.note}
    label = element("dt", term_element(tile.label, tile.meaning))
    shown = element("dd", tile.value, **value), element("dd", tile.note, **note)
    return element("div", label, *shown, data_series=tile.series)
