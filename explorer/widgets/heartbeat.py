"""Notices that the page has lost its kernel, its server or the network.

A kernel that dies is not replaced, and the server tells the page. All else only falls silent, so the page that the
command serves asks every few seconds, and `Heartbeat` answers. A notebook knows by itself what its kernel does.
"""

from collections.abc import Mapping
from typing import Any

from traitlets import Float

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart


class Heartbeat(PagePart):
    """Answers the page. It has no view.

    Where no answer comes, the page says why in a banner, connects again as soon as it can, and offers to open the
    same experiment again.
    """

    _esm = script("heartbeat")
    every = Float(2.0).tag(sync=True)
    """Seconds between two questions."""
    patience = Float(6.0).tag(sync=True)
    """Seconds without an answer after which the banner is shown; an answer takes it away."""

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        if "ping" in content:
            self.send({"pong": content["ping"]})


class KernelNotice(PagePart):
    """Stands in a box: once its kernel has died, was restarted or replaced, it says at the top what to do.

    The others in the box can't be used from then on. It asks nothing of the kernel, which may be busy for long:
    the notebook knows. The page that the command serves has `Heartbeat` instead.
    """

    _esm = script("kernel_notice")
