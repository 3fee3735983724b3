"""The weights of a layer's units as images, one of which is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart

__all__ = ["WeightImages"]


class WeightImages(PagePart):
    """A page of images on a scale of two hues, with the scale.

    Attributes
    ----------
    selected : int
        The chosen unit, 0 for the layer's first; set by the user or the app.
    """

    _esm = script("weight_images")

    selected = traitlets.Int(0).tag(sync=True, page=True)
    content: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    """All that `show` was given: in one trait, so that the page draws once."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.show("", b"", first=0, n_images=0, columns=1, limit="")

    def on_page(self, callback: Callable[[int], object]) -> None:
        """Call ``callback(page)`` when another page is asked for, 0 for the first."""
        self._on("page", callback)

    def show(
        self,
        heading: str,
        sprite: bytes,
        *,
        first: int,
        n_images: int,
        columns: int,
        limit: str,
        page: int = 0,
        n_pages: int = 1,
    ) -> None:
        """Show a page of images, in one message.

        Parameters
        ----------
        heading : str
            What they show.
        sprite : bytes
            A PNG that holds them, `columns` to a row, as `explorer.figures.digits.weights_sprite` makes.
        first : int
            The unit of the first image.
        n_images : int
            How many images; the others of the sprite's last row are empty.
        columns : int
            Images in a row of the sprite.
        limit : str
            The weight of the full tones, as it is written at the ends of the scale.
        page, n_pages : int
            Which page this is, 0 for the first, of how many.
        """
        self.content = {
            "heading": heading,
            "sprite": sprite,
            "first": first,
            "n_images": n_images,
            "columns": columns,
            "limit": limit,
            "page": page,
            "n_pages": n_pages,
        }

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        page = content.get("page")
        if isinstance(page, int) and 0 <= page < self.content["n_pages"]:
            self._tell("page", page)
