"""What a part knows of its page: whether it is visible there, the theme, and whether the kernel still answers.

A server doesn't notice every failure of a kernel, so the command's page sends a ping every few seconds, and
`Heartbeat` answers. A notebook monitors its kernel itself.
"""

from collections.abc import Mapping
from typing import Any

from traitlets import Bool, Enum

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart


class Visibility(PagePart):
    """A widget without a size that tracks the visibility of its position on the page."""

    _esm = script("visibility")

    in_sight = Bool(True)
    """Whether one of its views is on screen; True until a page reports."""
    theme = Enum(("light", "dark"), default_value="light").tag(sync=True, page=True)
    """The page's theme; set by the page."""

    def __init__(self, **traits: Any) -> None:
        self._seen: dict[str, bool] = {}  # by view
        super().__init__(**traits)

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        if isinstance(view := content.get("view"), str):
            self._seen[view] = content.get("seen") is True
        self.in_sight = any(self._seen.values())


class Heartbeat(PagePart):
    """Answers the page's pings. It has no view.

    Without an answer, the page shows a banner, reconnects as soon as it can, and offers to reopen the experiment.
    """

    _esm = script("heartbeat")

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        if "ping" in content:
            self.send({"pong": content["ping"]})


class KernelNotice(PagePart):
    """Shows at the top of its box what to do once its kernel has died, or was restarted or replaced.

    It sends no pings to the kernel, which may be busy for long: the notebook knows its status.
    """

    _esm = script("kernel_notice")
    busy = Bool(False).tag(sync=True)
    """Whether the figures in its box are those of a previous run, and the next ones are on their way."""
