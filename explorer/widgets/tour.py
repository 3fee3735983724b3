"""Help for newcomers: the keys, and a tour of the page that tells what is there, and has it shown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent

TOUR_EVENTS = ("begin", "step", "act", "slid", "leave")
"""What the page says of a tour.

``"begin"``: it is wanted; ``"step"``: a step is shown; ``"act"``: what the step speaks of is to be done;
``"slid"``: the slider has been moved; ``"leave"``: the tour is over, or was broken off.
"""


class HelpDialog(PagePart):
    """Help for the whole page."""

    _esm = script("help_dialog")

    about = traitlets.Unicode().tag(sync=True)
    shortcuts: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    """What each key does, by its name: ``{"Space": "Train, pause or resume"}``."""
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
    """What the app knows it by."""
    title: str
    text: str
    """What the card says."""
    at: str
    """CSS selector of what it speaks of: the first such element in sight is framed."""
    deed: str = ""
    """Words of the button that does what the text speaks of; without them there is none."""
    shows: str = ""
    """CSS selector of where that is seen, framed once it is done; without it, the frame stays."""


class Tour(PagePart):
    """A tour. On the app's own page it is offered once, which the browser remembers."""

    _esm = script("tour")

    offer: traitlets.List[str] = traitlets.List().tag(sync=True)
    """Title and text of the offer."""
    on_event = PartEvent[[str, str]]("event")
    """Calls ``callback(event, step)`` for each of `TOUR_EVENTS`, with the name of the step, or with none."""

    def __init__(self, offer: Sequence[str], **traits: Any) -> None:
        self._names: tuple[str, ...] = ()
        super().__init__(offer=list(offer), **traits)

    def start(self, steps: Sequence[TourStep]) -> None:
        """Begin with the first of `steps`, wherever the tour is."""
        self._names = tuple(step.name for step in steps)
        self.send({"start": [asdict(step) for step in steps]})

    def tell(self, step: str, words: str) -> None:
        """Say what came of the deed of a step, while that is the one that is shown."""
        self.send({"told": words, "step": step})

    def slide(self, step: str, setting: str, stop: int) -> None:
        """Move the slider of a setting to one of its stops before the user's eyes, as the user would."""
        self.send({"slide": setting, "stop": stop, "step": step})

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        event, step = content.get("event"), content.get("step", "")
        if event in TOUR_EVENTS and step in ("", *self._names):
            self._tell("event", event, step)
