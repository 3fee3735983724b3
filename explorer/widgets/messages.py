"""What the explorer has to say: hints, warnings, errors, each with its reason and its fix."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to say."""

    id: str
    """Its name: a later message of the same name takes its place."""
    kind: Literal["info", "hint", "warning", "error"]
    """How severe it is."""
    text: str
    """What happened, in a sentence."""
    why: str = ""
    """The reason, for those who ask; may be empty."""
    action: str = ""
    """What the button that fixes it does: ``"Learning rate 0.5 → 0.05"``; empty for no button."""


class Messages(PagePart):
    """The list of messages, newest first. Without any it takes no room."""

    _esm = script("messages")

    messages: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)
    on_action = PartEvent[[str]]("action")
    """Calls ``callback(id)`` when the button of a message is pressed."""

    def __init__(self, **traits: Any) -> None:
        self._dismissed: set[tuple[str, str]] = set()
        super().__init__(**traits)

    def __contains__(self, name: object) -> bool:
        return any(message["id"] == name for message in self.messages)

    def show(self, *shown: Message) -> None:
        """Add messages, before the others; one whose id is there already takes the old one's place."""
        there = {message["id"]: message for message in self.messages}
        given = {message.id: asdict(message) for message in shown}
        new = [message for name, message in given.items() if name not in there]
        self.messages = [*new, *(there | {name: given[name] for name in given if name in there}).values()]

    def remind(self, *shown: Message) -> None:
        """Add messages as `show` does, but not what the user has dismissed, unless it is more severe now."""
        self.show(*(message for message in shown if (message.id, message.kind) not in self._dismissed))

    def dismiss(self, *ids: str) -> None:
        """Take away the messages of these ids; ids that are not there are ignored."""
        self.messages = [message for message in self.messages if message["id"] not in ids]

    def clear(self) -> None:
        """Take away all messages, and forget what was dismissed."""
        self._dismissed.clear()
        self.messages = []

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        unwanted = content.get("dismiss", "")
        self._dismissed.update((m["id"], m["kind"]) for m in self.messages if m["id"] == unwanted)
        self.dismiss(str(unwanted))
        wanted = content.get("id")
        if any(message["id"] == wanted and message["action"] for message in self.messages):
            self._tell("action", wanted)
