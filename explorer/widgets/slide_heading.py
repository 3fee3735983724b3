"""The words of a slide: a title, and one sentence."""

import anywidget
import traitlets

from explorer.widgets.look import script, stylesheet

__all__ = ["SlideHeading"]


class SlideHeading(anywidget.AnyWidget):
    """What stands at the top of a slide.

    Parameters
    ----------
    title : str
        A few words.
    sentence : str
        What there is to see; it may change while a run is on its way.
    """

    _esm = script("slide_heading")
    _css = stylesheet("slide")

    title = traitlets.Unicode().tag(sync=True)
    sentence = traitlets.Unicode().tag(sync=True)

    def __init__(self, title: str, sentence: str = "") -> None:
        super().__init__(title=title, sentence=sentence)
