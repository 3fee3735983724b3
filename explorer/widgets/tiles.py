"""The few numbers that matter, each with what it was measured on."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

import anywidget
import traitlets

from explorer.widgets.look import script, stylesheet

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


class Tiles(anywidget.AnyWidget):
    """A row of tiles.

    Parameters
    ----------
    tiles : iterable of Tile
        What to show first.
    """

    _esm = script("tiles")
    _css = stylesheet("tiles")

    tiles: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)

    def __init__(self, tiles: Iterable[Tile] = ()) -> None:
        super().__init__(tiles=[asdict(tile) for tile in tiles])

    def show(self, tiles: Iterable[Tile]) -> None:
        """Show `tiles` in place of the present ones."""
        self.tiles = [asdict(tile) for tile in tiles]
