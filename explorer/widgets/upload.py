"""A file of the reader on its way from the page, in pieces: a message of over 10 MB would end the connection."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Upload"]


class Upload:
    """Puts the pieces of one file together.

    The page announces a file by its name and size and sends its pieces in order. What does not fit to what was
    announced last is dropped, and so is the file that it belongs to.
    """

    def __init__(self) -> None:
        self._name = ""
        self._size = 0
        self._content = bytearray()

    def take(
        self, message: Mapping[str, Any], buffers: Sequence[Any], most_bytes: int
    ) -> tuple[str, bytes | None] | None:
        """Take a message of the page.

        Parameters
        ----------
        message : mapping
            ``open``, the file's name; ``size``, its bytes; ``at``, where the piece begins.
        buffers : sequence of bytes-like
            The piece; none for a file that the page itself found too large.
        most_bytes : int
            Largest file that is taken.

        Returns
        -------
        tuple of str and bytes, or None
            Name and content of the file that is whole now; None in place of the content of one too large.
        """
        name, size, at = message.get("open"), message.get("size"), message.get("at")
        if not isinstance(name, str) or not isinstance(size, int) or not isinstance(at, int):
            return None
        if size < 0:
            return None
        if size > most_bytes:
            return name[:200], None
        if at == 0:
            self._name, self._size, self._content = name, size, bytearray()
        if (name, size, at) != (self._name, self._size, len(self._content)):
            self._content = bytearray()
            return None
        self._content += bytes(buffers[0]) if buffers else b""
        if len(self._content) < size and buffers:
            return None
        content, self._content = bytes(self._content[:size]), bytearray()
        return name[:200], content
