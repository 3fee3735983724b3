"""The weights of a layer's units as images, one of which is chosen."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart, PartEvent

__all__ = ["WeightImages", "WeightPage"]


@dataclass(frozen=True, slots=True)
class WeightPage:
    """What a page of images shows."""

    heading: str = ""
    sprite: bytes = b""
    """A PNG that holds them, `columns` to a row, as `explorer.figures.digits.weights_sprite` makes."""
    first: int = 0
    """The unit of the first image."""
    n_images: int = 0
    """How many images; the others of the sprite's last row are empty."""
    columns: int = 1
    limit: str = ""
    """The weight of the full tones, as it is written at the ends of the scale."""
    page: int = 0
    """Which page this is, 0 for the first."""
    n_pages: int = 1


class WeightImages(PagePart):
    """A page of images on a scale of two hues, with the scale."""

    _esm = script("weight_images")

    selected = traitlets.Int(0).tag(sync=True, page=True)
    """The chosen unit, 0 for the layer's first; set by the user or the app."""
    content = traitlets.Dict(asdict(WeightPage())).tag(sync=True)
    """The `WeightPage` that is shown: in one trait, so that the page draws once."""
    on_page = PartEvent[[int]]("page")
    """Calls ``callback(page)`` when another page is asked for, 0 for the first."""

    def show(self, page: WeightPage) -> None:
        """Show a page of images, in one message."""
        self.content = asdict(page)

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        page = content.get("page")
        if isinstance(page, int) and 0 <= page < self.content["n_pages"]:
            self._tell("page", page)
