"""The foot of a slide: what is shown, recorded or live, the button that trains it now, and the speaker's notes."""

from collections.abc import Mapping
from typing import Any

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart, PartEvent

__all__ = ["STATES", "LiveBar"]

STATES = ("recorded", "running", "live", "failed")
"""What a slide shows: the recorded run, a live one on its way or at its end, the recorded one after a failure."""

LARGEST = 3.0


class LiveBar(PagePart):
    """One line under a slide's figures.

    It also tells Python what the figures must look like: the page's colours, and how large the room's screen is.
    """

    _esm = script("live_bar")

    settings = traitlets.Unicode().tag(sync=True)
    """The run's settings in a line; empty for a slide without a run, which then has no button either."""
    notes = traitlets.Unicode().tag(sync=True)
    """What the speaker sees and nobody else."""
    state = traitlets.Enum(STATES, default_value="recorded").tag(sync=True)
    """One of `STATES`."""
    text = traitlets.Unicode().tag(sync=True)
    """The same in words, with how far the run is."""
    fraction = traitlets.Float(0.0).tag(sync=True)
    """How far the live run is, 0 to 1."""
    theme = traitlets.Enum(("light", "dark"), default_value="light").tag(sync=True, page=True)
    """Colours that the page shows; set by the page."""
    scale = traitlets.Float(1.0, min=1.0, max=LARGEST).tag(sync=True, page=True)
    """Size of text and lines against the app's, 1 to 3; set by the page."""
    on_live = PartEvent[[str]]("live")
    """Calls ``callback("run")`` when a live run is asked for, and ``callback("stop")`` when it is to end."""

    def __init__(self, settings: str = "", notes: str = "", **traits: Any) -> None:
        super().__init__(settings=settings, notes=notes, **traits)

    def show(self, state: str, text: str, fraction: float = 0.0) -> None:
        """Show what the slide shows, in one message."""
        self.update(state=state, text=text, fraction=min(1.0, max(0.0, fraction)))

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        possible = "stop" if self.state == "running" else "run"
        # A press may have been on its way while the run ended: what is not possible any more is dropped.
        if self.settings and content.get("live") == possible:
            self._tell("live", possible)
