"""Messages to the user: hints, warnings, errors, each with its reason and its fix."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    id: str
    """Its name: a later message with the same name replaces it."""
    kind: Literal["info", "hint", "warning", "error"]
    text: str
    why: str = ""
    """What happened, in a sentence, and the reason, shown on request; may be empty."""
    action: str = ""
    """Label of the button that fixes it: ``"Learning rate 0.5 → 0.05"``; empty for no button."""


class Messages(PagePart):
    """The list of messages, newest first; hidden if there are none."""

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
        """Add messages at the top; one with an existing id replaces the old one in its position."""
        given = {message.id: asdict(message) for message in shown}
        old = [given.pop(message["id"], message) for message in self.messages]
        self.messages = [*given.values(), *old]

    def remind(self, *shown: Message) -> None:
        """Add messages as `show` does, except those that the user dismissed, unless they are more severe now."""
        self.show(*(message for message in shown if (message.id, message.kind) not in self._dismissed))

    def dismiss(self, *ids: str) -> None:
        """Remove the messages with these ids; unknown ids are ignored."""
        self.messages = [message for message in self.messages if message["id"] not in ids]

    def clear(self) -> None:
        """Remove all messages, and forget which ones were dismissed."""
        self._dismissed.clear()
        self.messages = []

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        unwanted = content.get("dismiss", "")
        self._dismissed.update((m["id"], m["kind"]) for m in self.messages if m["id"] == unwanted)
        self.dismiss(str(unwanted))
        wanted = content.get("id")
        if any(message["id"] == wanted and message["action"] for message in self.messages):
            self._emit("action", wanted)
