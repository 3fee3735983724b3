"""A choice between a few things, all in sight: one line of buttons of which one is down."""

from explorer.widgets.choice import Choice
from explorer.widgets.look import script

__all__ = ["Segmented"]


class Segmented(Choice):
    """A row of options; what it takes and holds is that of `Choice`, the label being for screen readers."""

    _esm = script("segmented")
