"""Notices that the page has lost its kernel.

A kernel that dies is replaced by an empty one under the same name, and nothing on the page says so: buttons look
alive and do nothing. The page therefore asks every few seconds, and this widget answers.
"""

from collections.abc import Mapping
from typing import Any

from traitlets import Float

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart

__all__ = ["Heartbeat"]


class Heartbeat(PagePart):
    """Answers the page. It has no view: where no answer comes, the page shows a banner with a Reload button.

    Attributes
    ----------
    every : float
        Seconds between two questions.
    patience : float
        Seconds without an answer after which the banner is shown; an answer takes it away.
    """

    _esm = script("heartbeat")
    every = Float(3.0).tag(sync=True)
    patience = Float(10.0).tag(sync=True)

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        if "ping" in content:
            self.send({"pong": content["ping"]})
