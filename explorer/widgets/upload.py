"""A user's file sent by the page in chunks: a message of over 10 MB would close the connection."""

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from explorer.widgets.page_part import PagePart, PartEvent


class Upload:
    """Assembles the chunks of one file.

    The page announces a file by its name and size and sends its chunks in order. A chunk that does not match the
    last announcement is dropped, together with its file.
    """

    taken = 0
    """Bytes of the newest file so far; -1 if it was dropped."""

    def __init__(self) -> None:
        self._announced, self._content = ("", 0), bytearray()

    def take(
        self, message: Mapping[str, Any], buffers: Sequence[Any], most_bytes: int
    ) -> tuple[str, bytes | None] | None:
        """Process a message of the page; return name and content of a file that is now complete, else None.

        The message has ``open``, the file's name, ``size``, its size in bytes, and ``at``, the chunk's offset. Its
        buffer is the chunk; it is missing for a file that the page itself found too large. For a file of over
        `most_bytes`, the content is None.
        """
        match message:
            case {"open": str(name), "size": int(size), "at": int(at)} if size >= 0:
                if size > most_bytes:
                    return name[:200], None
                if at == 0:
                    self._announced, self._content = (name, size), bytearray()
                if ((name, size), at) != (self._announced, len(self._content)):
                    self._content, self.taken = bytearray(), -1
                    return None
                self._content += buffers[0] if buffers else b""
                self.taken = min(size, len(self._content))
                if self.taken == size or not buffers:
                    content, self._content = bytes(self._content[:size]), bytearray()
                    return name[:200], content
        return None


class FilePart(PagePart):
    """A part that lets the browser save files, and receives files of the user."""

    most_bytes = traitlets.Int(0).tag(sync=True)
    """Maximum size of a file to open, in bytes."""
    on_save = PartEvent[[]]("save")
    """Calls ``callback()`` when the user saves."""
    on_open = PartEvent[[str, bytes | None]]("open")
    """Calls ``callback(name, content)`` when a file is opened; if it is too large, the content is None."""

    def __init__(self, **traits: Any) -> None:
        self._upload = Upload()
        super().__init__(**traits)

    def download(self, filename: str, content: bytes, media_type: str = "application/octet-stream") -> None:
        """Make the browser save `content` under `filename`."""
        self.send({"download": filename, "type": media_type}, buffers=[content])

    def _hear(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        if content.get("save") is True and self._offers("save"):
            self._tell("save")
        file = self._upload.take(content, buffers, self.most_bytes)
        is_refused = file is not None and not self._offers("open")
        if "open" in content:  # the page waits for this before it sends more
            self.send({"taken": -1 if is_refused else self._upload.taken})
        if file is not None and not is_refused:  # it is whole
            self._tell("open", *file)

    def _offers(self, event: str) -> bool:
        """Return whether `event`, "save" or "open", is currently possible; by default, always."""
        return True
