"""A file of the reader on its way from the page, in pieces: a message of over 10 MB would end the connection."""

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from explorer.widgets.page_part import PagePart, PartEvent


class Upload:
    """Puts the pieces of one file together.

    The page announces a file by its name and size and sends its pieces in order. What does not fit to what was
    announced last is dropped, and so is the file that it belongs to.
    """

    taken = 0
    """Bytes of the newest file so far; -1 where it was dropped."""

    def __init__(self) -> None:
        self._name = ""
        self._size = 0
        self._content = bytearray()

    def take(
        self, message: Mapping[str, Any], buffers: Sequence[Any], most_bytes: int
    ) -> tuple[str, bytes | None] | None:
        """Take a message of the page; return name and content of a file that is whole now, else None.

        The message has ``open``, the file's name, ``size``, its bytes, and ``at``, where the piece begins. Its
        buffer is the piece: none for a file that the page itself found too large. Of one of over `most_bytes`,
        None takes the place of the content.
        """
        name, size, at = message.get("open"), message.get("size"), message.get("at")
        if not (isinstance(name, str) and isinstance(size, int) and isinstance(at, int)) or size < 0:
            return None
        if size > most_bytes:
            return name[:200], None
        if at == 0:
            self._name, self._size, self._content = name, size, bytearray()
        if (name, size, at) != (self._name, self._size, len(self._content)):
            self._content, self.taken = bytearray(), -1
            return None
        self._content += buffers[0] if buffers else b""
        self.taken = min(size, len(self._content))
        if len(self._content) < size and buffers:
            return None
        del self._content[size:]
        content, self._content = bytes(self._content), bytearray()
        return name[:200], content


class FilePart(PagePart):
    """A part that lets the browser save files, and that is given files of the reader."""

    most_bytes = traitlets.Int(0).tag(sync=True)
    """Largest file that is opened."""
    on_save = PartEvent[[]]("save")
    """Calls ``callback()`` when something is to be saved."""
    on_open = PartEvent[[str, bytes | None]]("open")
    """Calls ``callback(name, content)`` when a file is opened; the content of one too large is None."""

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
        if "open" in content:  # the page waits for that before it sends more
            self.send({"taken": -1 if is_refused else self._upload.taken})
        if file is not None and not is_refused:  # it is whole
            self._tell("open", *file)

    def _offers(self, event: str) -> bool:
        """Return whether `event`, "save" or "open", may happen now: here, always."""
        return True
