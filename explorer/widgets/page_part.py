"""What every part of the page is: a widget that knows its own names, and looks as the others do."""

from pathlib import Path

import anywidget
from ipywidgets import widget_serialization
from traitlets import Instance, default

from explorer.widgets.known_names import KnownNames
from explorer.widgets.look import Assets, look_of

__all__ = ["PagePart"]


class PagePart(KnownNames, anywidget.AnyWidget):
    """A part of the page, in a box of others or alone in a cell.

    ``_esm = script("…")`` names its script; the rules of the sheet of that name are on the page already. What
    `ipywidgets.DOMWidget` takes, such as `layout`, every part takes as well.
    """

    _look = Instance(Assets).tag(sync=True, **widget_serialization)
    """Brings sheets and scripts: a page that has the part has them too."""

    @default("_look")
    def _shared_look(self) -> Assets:
        return look_of(Path(__file__).parent)
