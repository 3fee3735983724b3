"""The few numbers that matter, each with what it was measured on."""

from dataclasses import dataclass
from typing import Literal

from explorer.widgets.rendered import Drawable, Element, element, term_element

_LONG = 12  # letters: longer values are names, not numbers, and are set smaller in two lines


@dataclass(frozen=True, slots=True)
class Tile:
    """One number."""

    label: str
    """What it is: ``"test accuracy"``."""
    value: str
    """The number as it is read: ``"93.2 %"``; ``"–"`` while there is none."""
    note: str = ""
    """What it was measured on: ``"of 10 000 test images"``."""
    series: Literal["train", "test", ""] = ""
    """The split it belongs to, for the same colour as in the curves."""
    meaning: str = ""
    """A sentence that explains the label; empty where it needs none."""


@dataclass(frozen=True, slots=True)
class Tiles(Drawable):
    """A row of tiles, for a `Display`."""

    kind = "explorer-tiles"

    tiles: tuple[Tile, ...] = ()

    def elements(self) -> list[Element]:
        """Return the tiles as they are drawn."""
        return [element("section", element("dl", *map(_tile, self.tiles)), aria_label="Results")]


def _tile(tile: Tile) -> Element:
    return element(
        "div",
        element("dt", term_element(tile.label, tile.meaning)),
        # The whole text where the tile is too narrow for it.
        element(
            "dd",
            tile.value,
            class_="explorer-value explorer-cut",
            title=tile.value,
            data_long=len(tile.value) > _LONG,
        ),
        element(
            "dd",
            tile.note,
            class_="explorer-note explorer-muted explorer-small explorer-cut",
            title=tile.note,
        ),
        data_series=tile.series,
    )
