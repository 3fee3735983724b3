"""The few numbers that matter, each with what it was measured on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from explorer.widgets.rendered import Element, Rendered, element

__all__ = ["Tile", "Tiles"]


@dataclass(frozen=True, slots=True)
class Tile:
    """One number.

    Parameters
    ----------
    label : str
        What it is: ``"test accuracy"``.
    value : str
        The number as it is read: ``"93.2 %"``; ``"–"`` while there is none.
    note : str
        What it was measured on: ``"of 10 000 test images"``.
    series : {"train", "test", ""}
        The split it belongs to, for the same colour as in the curves.
    """

    label: str
    value: str
    note: str = ""
    series: Literal["train", "test", ""] = ""


class Tiles(Rendered):
    """A row of tiles.

    Parameters
    ----------
    tiles : iterable of Tile
        What to show first.
    """

    tiles: tuple[Tile, ...] = ()

    def __init__(self, tiles: Iterable[Tile] = (), **traits: Any) -> None:
        self.tiles = tuple(tiles)
        super().__init__("explorer-tiles", _results(self.tiles), **traits)

    def show(self, tiles: Iterable[Tile]) -> None:
        """Show `tiles` in place of the present ones."""
        self.tiles = tuple(tiles)
        self.draw(_results(self.tiles))


def _results(tiles: Iterable[Tile]) -> Element:
    return element("section", element("dl", *map(_tile, tiles)), aria_label="Results")


def _tile(tile: Tile) -> Element:
    return element(
        "div",
        element("dt", tile.label),
        element("dd", tile.value, class_="explorer-value"),
        element("dd", tile.note, class_="explorer-note"),
        data_series=tile.series,
        title=f"{tile.label}: {tile.value} {tile.note}",  # the whole text where the tile is too narrow for it
    )
