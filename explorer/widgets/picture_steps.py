"""A few pictures in a row, each with a word under it: the steps from one to the last, which is the largest."""

from collections.abc import Sequence
from typing import Any

import traitlets

from explorer.widgets.rendered import Element, Rendered, element

__all__ = ["PictureSteps"]


class PictureSteps(Rendered):
    """Steps as pictures.

    Parameters
    ----------
    steps : sequence of (str, str)
        For each picture, in order, a word under it, and a sentence as tool tip and for screen readers.

    Attributes
    ----------
    sprite : bytes
        A PNG of the pictures side by side, as `explorer.figures.digits.sprite` makes; nothing shows empty frames.
    """

    sprite = traitlets.Bytes()

    def __init__(self, steps: Sequence[tuple[str, str]], **traits: Any) -> None:
        self._steps = tuple(steps)
        super().__init__("explorer-picture-steps", self._list(), **traits)

    @traitlets.observe("sprite")
    def _on_sprite(self, _change: object) -> None:
        self.draw(self._list(), pictures=[self.sprite])

    def _list(self) -> Element:
        return element("ol", *map(self._step, range(len(self._steps))), aria_label="Steps")

    def _step(self, index: int) -> Element:
        (caption, detail), n = self._steps[index], len(self._steps)
        # In percent, the place of a background is measured on what is left over, hence the - 1.
        place, size = f"{100 * index / max(1, n - 1)}% 0", f"{100 * n}% 100%"
        style = {"background-position": place, "background-size": size}
        shown = {"role": "img", "aria_label": detail, "style": style, "picture": 0 if self.sprite else None}
        picture = element("div", class_="explorer-step-picture", **shown)
        return element("li", picture, element("div", caption, aria_hidden="true"), title=detail)
