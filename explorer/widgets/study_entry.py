"""A line of text to type into, with its name before it and what is wrong with it under it."""

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart

__all__ = ["StudyEntry"]


class StudyEntry(PagePart):
    """A native text field that keeps what was typed, also when it can't be used.

    Attributes
    ----------
    label : str
        What is typed.
    text : str
        The text; set by the user or the app.
    hint : str
        A sentence of help.
    error : str
        What is wrong with the text, in one sentence; empty if nothing is.
    """

    _esm = script("study_entry")

    label = traitlets.Unicode().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True, page=True)
    hint = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
