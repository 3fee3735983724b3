"""A slider for the confidence below which a network is to say "I don't know"."""

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart

__all__ = ["Threshold"]


class Threshold(PagePart):
    """A slider from 0 to 100 % with a sentence that says what it comes to.

    Attributes
    ----------
    value : float
        The threshold, 0 to 1; set by the user.
    text : str
        What it comes to; set by the app.
    """

    _esm = script("threshold")

    value = traitlets.Float(0.0, min=0.0, max=1.0).tag(sync=True, page=True)
    text = traitlets.Unicode().tag(sync=True)
