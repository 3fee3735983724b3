"""Help for newcomers: the keys, and a tour that explains the page and demonstrates its features."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent

TOUR_EVENTS = ("begin", "step", "act", "slid", "leave")
"""The user starts the tour; a step is shown; the step's demonstration is requested; the slider has been moved; the
tour is finished or aborted."""


class HelpDialog(PagePart):
    """Help for the whole page."""

    _esm = script("help_dialog")

    about = traitlets.Unicode().tag(sync=True)
    shortcuts: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    """The keys and their effects: ``{"Space": "Train, pause or resume"}``."""
    on_tour = PartEvent[[]]("tour")
    """Calls ``callback()`` when the user wants to take the tour."""

    def __init__(self, about: str, shortcuts: Mapping[str, str], **traits: Any) -> None:
        super().__init__(about=about, shortcuts=[list(row) for row in shortcuts.items()], **traits)

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("tour"):
            self._tell("tour")


@dataclass(frozen=True, slots=True)
class TourStep:
    """One step of a tour."""

    name: str
    """Its id in the app."""
    title: str
    text: str
    at: str
    """CSS selector of what it explains: the first visible match is framed."""
    deed: str = ""
    """Label of the button that runs the demonstration; empty for no button."""
    shows: str = ""
    """CSS selector of the result, framed after the demonstration; if empty, the frame stays."""


class Tour(PagePart):
    """A tour. The app's own page offers it once, which the browser remembers."""

    _esm = script("tour")

    on_event = PartEvent[[str, str]]("event")
    """Calls ``callback(event, step)`` for each of `TOUR_EVENTS`, with the step's name, or an empty one."""

    _names: tuple[str, ...] = ()

    def start(self, steps: Sequence[TourStep]) -> None:
        """Start at the first of `steps`, wherever the tour is."""
        self._names = tuple(step.name for step in steps)
        self.send({"start": [asdict(step) for step in steps]})

    def tell(self, step: str, words: str) -> None:
        """Show the result of a step's demonstration while the step is shown."""
        self.send({"told": words, "step": step})

    def slide(self, step: str, setting: str, stop: int) -> None:
        """Move the slider of a setting to one of its stops visibly, as the user would."""
        self.send({"slide": setting, "stop": stop, "step": step})

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        event, step = content.get("event"), content.get("step", "")
        if event in TOUR_EVENTS and step in ("", *self._names):
            self._tell("event", event, step)
