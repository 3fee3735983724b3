"""The top of the page: its header, with run status, sharing, files and theme; and the messages to the user."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent
from explorer.widgets.run_bar import STATUSES


class Header(PagePart):
    """The page's header. It also saves and opens files, and sets the page's theme.

    The page announces a file of the user by its name and its size in bytes, and sends it in chunks, in order, each
    with its offset (a message of over 10 MB would close the connection), but none of a file that the page itself
    found too large. A chunk that does not match the last announcement is dropped, together with its file. Images
    are sent as ``images/flowers.npz``, or as ``images/flowers/`` if they are a folder's: see `sent_dataset`.
    """

    _esm = script("header")

    dataset = traitlets.Unicode().tag(sync=True)
    """The words after the page's name: the data set's name, and after the last `` · `` its sizes."""
    datasets = traitlets.Dict().tag(sync=True)
    """Names of the data sets to choose from, by the heading that they have in the menu."""
    status = traitlets.Enum(STATUSES, default_value="idle").tag(sync=True)
    query = traitlets.Unicode().tag(sync=True)
    """The settings as a query string, without the ``?``, for the shared link. On the app's own page the address
    follows it, so that a reload keeps the settings."""
    settled = traitlets.Bool(False).tag(sync=True)
    """Whether the app has read the page's address: from then on `query` sets it, even to its earlier value."""
    link_limits = traitlets.Unicode().tag(sync=True)
    """What the shared link can't reproduce, shown when the link is copied; empty if it is complete."""
    step = traitlets.Int(0).tag(sync=True)
    """A change of `query` with a higher step becomes an entry in the browser's history: Back undoes it."""
    exports = traitlets.Dict().tag(sync=True)
    """First entries of the export menu: labels by id."""
    unsaved = traitlets.Unicode().tag(sync=True)
    """A sentence on what closing the page would lose. If it isn't empty, the app's own page asks for confirmation
    before it closes, and the save button is marked."""
    suffix = traitlets.Unicode().tag(sync=True)
    """Suffix of the files of the user that the menu's last entry opens."""
    most_bytes = traitlets.Int(0).tag(sync=True)
    """Maximum size of such a file, in bytes."""
    choice = traitlets.Enum(("auto", "light", "dark"), default_value="auto").tag(sync=True, page=True)
    theme = traitlets.Enum(("light", "dark"), default_value="light").tag(sync=True, page=True)
    """The theme in use: `choice`, or for "auto" the preference of JupyterLab or the system. Set by the page,
    observed by the app."""
    size = traitlets.Enum(("", "hall"), default_value="").tag(sync=True, page=True)
    """Whether the page is enlarged for a hall, and shows only what is for one. Set by the page or the app."""
    on_export = PartEvent[[str]]("export")
    """Calls ``callback(id)`` when an entry of the export menu is chosen."""
    on_keep = PartEvent[[]]("keep")
    """Calls ``callback()`` when the app's own page requests a copy of the session to keep."""
    on_choose = PartEvent[[str]]("choose")
    """Calls ``callback(name)`` when a data set is chosen."""
    on_about = PartEvent[[]]("about")
    """Calls ``callback()`` when the user wants to know more about the data."""
    on_visit = PartEvent[[str]]("visit")
    """Calls ``callback(query)`` when the user goes back or forward to another address of the page."""

    on_save = PartEvent[[]]("save")
    on_open = PartEvent[[str, bytes | None]]("open")
    """Calls ``callback(name, content)`` when a file is opened; if it is too large, the content is None."""

    def __init__(self, **traits: Any) -> None:
        self._announced, self._content = ("", 0), bytearray()
        super().__init__(**traits)

    def download(self, filename: str, content: bytes, media_type: str = "application/octet-stream") -> None:
        """Make the browser save `content` under `filename`."""
        self.send({"download": filename, "type": media_type}, buffers=[content])

    def keep(self, words: str, content: bytes) -> None:
        """Make the browser keep a copy of the session while the tab is open; an empty one removes it."""
        self.send({"keep": words}, buffers=[content])

    def _on_page_message(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        chosen, visited = content.get("export"), content.get("visit")
        if isinstance(chosen, str) and chosen in self.exports:
            self._emit("export", chosen)
        if any(content.get("choose") in names for names in self.datasets.values()):
            self._emit("choose", content["choose"])
        for event in ("keep", "save", "about"):
            if content.get(event) is True:
                self._emit(event)
        if isinstance(visited, str):
            self._emit("visit", visited)
        match content:
            case {"open": str(name), "size": int(size), "at": int(at)} if size >= 0:
                self._receive(name, size, at, buffers)
            case {"cancel": True}:
                self._announced, self._content = ("", 0), bytearray()

    def _receive(self, name: str, size: int, at: int, buffers: Sequence[Any]) -> None:
        if at == 0:
            self._announced, self._content = (name, size), bytearray()
        is_large, here = size > self.most_bytes, (self._announced, len(self._content))
        fits = ((name, size), at) == here
        if not fits:
            self._content = bytearray()
        elif buffers and not is_large:
            self._content += buffers[0]
        taken = min(size, len(self._content)) if fits else -1
        self.send({"taken": taken})  # the page waits for this before it sends more
        if fits and (is_large or taken == size or not buffers):
            content, self._content = bytes(self._content[:size]), bytearray()
            self._emit("open", name[:200], None if is_large else content)


class OwnImages(PagePart):
    """Lets the user choose images, or draw some of each class on the pad in its box; the header sends them."""

    _esm = script("own_images")


@dataclass(frozen=True, slots=True)
class Message:
    """A hint, a warning or an error, with its reason and its fix."""

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
