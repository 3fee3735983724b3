"""What each reader of foreign files needs: one kind of error, texts fit for it, sizes that are bearable."""

import re
from dataclasses import dataclass
from typing import IO, Self

__all__ = ["FileError", "NpyHeader", "dtype_name", "printable", "read_exactly", "reason"]

# What numpy.save writes for a plain array. Anything else, a pickle or a record above all, does not match.
_NPY_HEADER = re.compile(
    rb"\{\s*'descr':\s*'([<>|=]?[A-Za-z]\d{0,6})',\s*'fortran_order':\s*(True|False),"
    rb"\s*'shape':\s*\(((?:\d{1,12}L?,?\s*){0,4})\),?\s*\}\s*"
)
_MOST_HEADER = 4096
_CHUNK = 1 << 20  # bytes read at a time: a false size costs no more memory than the file holds


class FileError(ValueError):
    """A file, or a part of it, that can't be used.

    Parameters
    ----------
    file : str
        Name of the file or folder, and of the part of it.
    found : str
        What is there, in words.
    expected : str
        What should be there, in words.
    """

    def __init__(self, file: str, found: str, expected: str) -> None:
        self.file = file
        self.found = found
        self.expected = expected
        super().__init__(file, found, expected)

    def __str__(self) -> str:
        return f"{self.file}: found {self.found}, expected {self.expected}."


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """What a ``.npy`` file says of its array."""

    dtype: str
    """Code of the dtype, with its byte order: ``"<f4"``."""
    shape: tuple[int, ...]
    fortran: bool = False
    """Whether the first index runs fastest."""
    size: int = 0
    """Bytes of the header itself."""

    @classmethod
    def read(cls, stream: IO[bytes], start: bytes = b"") -> Self | None:
        """Return the header in `stream`, of which `start` has been read, or None if there is none.

        Version 1 of the format has a length of 2 bytes, versions 2 and 3 have 4.
        """
        start = start + stream.read(8 - len(start))
        width = 2 if start[6:7] == b"\x01" else 4
        length = int.from_bytes(stream.read(width), "little")
        found = _NPY_HEADER.fullmatch(stream.read(min(length, _MOST_HEADER)))
        if start[:6] != b"\x93NUMPY" or found is None:
            return None
        shape = tuple(int(size) for size in re.findall(rb"\d+", found[3]))
        return cls(found[1].decode(), shape, found[2] == b"True", len(start) + width + length)


def read_exactly(stream: IO[bytes], size: int) -> bytearray:
    """Return the next `size` bytes, or fewer if the stream ends before."""
    data = bytearray()
    while len(data) < size and (chunk := stream.read(min(_CHUNK, size - len(data)))):
        data += chunk
    return data


def dtype_name(code: str) -> str:
    """Return the dtype of a `NpyHeader` in words: ``"float32"``."""
    letter, size = code.lstrip("<>|=")[0], code.lstrip("<>|=")[1:]
    word = {"u": "uint", "i": "int", "f": "float", "c": "complex"}.get(letter)
    if word and size:
        return f"{word}{8 * int(size)}"
    return "Python objects" if letter == "O" else f"dtype {code}"


def printable(name: str, most: int = 80) -> str:
    """Return a text from a foreign file fit for a message: one line, of so many characters at most."""
    shown = "".join(letter if letter.isprintable() else "�" for letter in name)
    return shown if len(shown) <= most else f"…{shown[1 - most :]}"


def reason(error: BaseException) -> str:
    """Return what the operating system or the decompressor says, as part of a sentence."""
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return f"“{text[:1].lower() if text[1:2].islower() else text[:1]}{text[1:]}”"
