"""A question that is asked before a slide's pictures are uncovered."""

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart


class Question(PagePart):
    """Covers the pictures of its slide; the guess, by one key or two, stands next to the outcome."""

    _esm = script("question")

    question = traitlets.Unicode().tag(sync=True)
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """The answers to choose from, the first by the key 1; without any, a number is typed."""
    outcome = traitlets.Unicode().tag(sync=True)
    """Shown next to the guess once the pictures are uncovered."""
    guess = traitlets.Unicode().tag(sync=True, page=True)
    is_open = traitlets.Bool(False).tag(sync=True, page=True)
    """Whether the pictures are uncovered; set by the page."""
