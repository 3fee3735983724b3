"""Notices that the page has lost its kernel, its server or the network.

A kernel that dies is not replaced, and the server tells the page. All else only falls silent, so the page asks
every few seconds, and this widget answers.
"""

from collections.abc import Mapping
from typing import Any

from traitlets import Float

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart

__all__ = ["Heartbeat"]


class Heartbeat(PagePart):
    """Answers the page. It has no view.

    Where no answer comes, the page says why in a banner, connects again as soon as it can, and offers to open the
    same experiment again.

    Attributes
    ----------
    every : float
        Seconds between two questions.
    patience : float
        Seconds without an answer after which the banner is shown; an answer takes it away.
    """

    _esm = script("heartbeat")
    every = Float(2.0).tag(sync=True)
    patience = Float(6.0).tag(sync=True)

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        if "ping" in content:
            self.send({"pong": content["ping"]})
