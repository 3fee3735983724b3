"""A few pictures in a row, each with a word under it: the steps from one to the last, which is the largest."""

from collections.abc import Sequence

import anywidget
import traitlets

from explorer.widgets.look import script, stylesheet

__all__ = ["PictureSteps"]


class PictureSteps(anywidget.AnyWidget):
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

    _esm = script("picture_steps")
    _css = stylesheet("picture_steps")

    steps: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    sprite = traitlets.Bytes().tag(sync=True)

    def __init__(self, steps: Sequence[tuple[str, str]]) -> None:
        super().__init__(steps=[list(step) for step in steps])
