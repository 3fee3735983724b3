"""The line under a figure that says what the figure shows: for everybody, and for a screen reader."""

import anywidget
import traitlets

from explorer.widgets.look import script, stylesheet

__all__ = ["Caption"]


class Caption(anywidget.AnyWidget):
    """One line of text that is read out politely when it changes.

    Parameters
    ----------
    text : str
        For example ``"epoch 5 of 10, test accuracy 93.2 %, most confused 9 read as 4"``.
    """

    _esm = script("caption")
    _css = stylesheet("caption")

    text = traitlets.Unicode().tag(sync=True)

    def __init__(self, text: str = "") -> None:
        super().__init__(text=text)
