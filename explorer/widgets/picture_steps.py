"""A few pictures in a row, each with a word under it: the steps from one to the last, which is the largest."""

from dataclasses import dataclass
from typing import ClassVar

from explorer.widgets.rendered import Element, element

__all__ = ["PictureSteps"]


@dataclass(frozen=True, slots=True)
class PictureSteps:
    """Steps as pictures, for a `Display`."""

    kind: ClassVar[str] = "explorer-picture-steps"

    steps: tuple[tuple[str, str], ...]
    """For each picture, in order, a word under it, and a sentence as tool tip and for screen readers."""
    sprite: bytes = b""
    """A PNG of them side by side, as `explorer.figures.digits.sprite` makes; nothing shows empty frames."""

    @property
    def pictures(self) -> tuple[bytes, ...]:
        """The sprite."""
        return (self.sprite,)

    def elements(self) -> list[Element]:
        """Return the steps as they are drawn."""
        return [element("ol", *map(self._step, range(len(self.steps))), aria_label="Steps")]

    def _step(self, index: int) -> Element:
        (caption, detail), n = self.steps[index], len(self.steps)
        # In percent, the place of a background is measured on what is left over, hence the - 1.
        place, size = f"{100 * index / max(1, n - 1)}% 0", f"{100 * n}% 100%"
        style = {"background-position": place, "background-size": size}
        shown = {"role": "img", "aria_label": detail, "style": style, "picture": 0 if self.sprite else None}
        picture = element("div", class_="explorer-step-picture", **shown)
        return element("li", picture, element("div", caption, aria_hidden="true"), title=detail)
