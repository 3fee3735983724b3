"""Utilities for readers of untrusted files: one kind of error, printable texts, and limits on sizes.

Arrays come in a zip file, as written by `numpy.savez`. Declared sizes are checked before reading, so that a small
hostile file can't fill the memory.
"""

import os
import re
import sys
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import prod
from typing import IO, Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

# The header that numpy.save writes for a plain array. Pickles, records and anything else don't match.
_NPY_HEADER = re.compile(
    rb"\{\s*'descr':\s*'([<>|=]?[A-Za-z]\d{0,6})',\s*'fortran_order':\s*(True|False),"
    rb"\s*'shape':\s*\(((?:\d{1,12}L?,?\s*){0,4})\),?\s*\}\s*"
)
_MOST_HEADER = 4096
_CHUNK = 1 << 20  # bytes read at a time: a false size costs no more memory than the file holds
_MOST_ENTRIES = 100
_MOST_CONTENTS = 1 << 16  # bytes of the zip file's central directory
# Exceptions of zipfile and zlib for a file that is truncated, altered or malicious, or has an unknown compression
# method.
_DAMAGED = (
    OSError, EOFError, ValueError, RuntimeError, OverflowError, MemoryError,
    zlib.error, zipfile.BadZipFile,
)  # fmt: skip


class FileError(ValueError):
    """A file, or a part of it, that can't be used.

    Parameters
    ----------
    file : str
        Name of the file or folder, and of the part of it.
    found : str
        What was found, in words.
    expected : str
        What was expected, in words.
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
    """The header of a ``.npy`` file."""

    dtype: str
    """Code of the dtype, with its byte order: ``"<f4"``."""
    shape: tuple[int, ...]
    fortran: bool = False
    """Whether the first index varies fastest."""
    size: int = 0
    """Size of the header itself, in bytes."""

    @classmethod
    def read(cls, stream: IO[bytes], start: bytes = b"") -> Self | None:
        """Read the header in `stream`, whose first bytes `start` have been read already; None if there is none.

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
    """Read the next `size` bytes, or fewer if the stream ends earlier."""
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
    """Make a text from an untrusted file printable: one line, at most `most` characters."""
    shown = "".join(letter if letter.isprintable() else "�" for letter in name)
    return shown if len(shown) <= most else f"…{shown[1 - most :]}"


def reason(error: BaseException) -> str:
    """Return the message of the operating system or the decompressor, as part of a sentence."""
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return f"“{text[:1].lower() if text[1:2].islower() else text[:1]}{text[1:]}”"


@contextmanager
def explained(name: str, error: type[FileError], expected: str) -> Iterator[None]:
    """Convert any error caused by a damaged file into one kind, which states what was `expected`."""
    try:
        yield
    except error:
        raise
    except FileError as found:
        raise error(found.file, found.found, found.expected) from found
    except _DAMAGED as damage:
        raise error(name, printable(reason(damage)), expected) from damage


def archive_bytes(arrays: Mapping[str, NDArray[Any]], packed: Collection[str] = ()) -> bytes:
    """Return a ``.npz`` file without pickles and timestamps: like `numpy.savez`, but allowing any name.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        The arrays by name.
    packed : collection of str
        Names of the arrays to compress.
    """
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for key, array in arrays.items():
            info = zipfile.ZipInfo(f"{key}.npy")
            info.compress_type = zipfile.ZIP_DEFLATED if key in packed else zipfile.ZIP_STORED
            with archive.open(info, "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, version=(1, 0), allow_pickle=False)
    return stream.getvalue()


class ArrayArchive:
    """A file of arrays, opened after checking their number and declared sizes.

    Other content raises one of many errors, which `explained` converts into one.

    Parameters
    ----------
    stream : file
        The whole file.
    name : str
        Name of the file in errors.
    most_bytes : int
        Maximum of the declared sizes of all entries together.
    """

    def __init__(self, stream: BinaryIO, name: str, most_bytes: int) -> None:
        self.name = name
        _check_contents(stream, name)
        self._archive = zipfile.ZipFile(stream)
        infos = self._archive.infolist()
        self._entries = {info.filename.removesuffix(".npy"): info for info in infos}
        if len(infos) > _MOST_ENTRIES or len(self._entries) < len(infos):
            raise FileError(name, f"{len(infos)} entries", f"each name once, at most {_MOST_ENTRIES}")
        size = sum(info.file_size for info in infos)
        if size > most_bytes:
            raise FileError(name, f"{size} bytes when unpacked", f"at most {most_bytes}")

    @property
    def names(self) -> Set[str]:
        """The names of the entries."""
        return self._entries.keys()

    def size(self, key: str) -> int:
        """Return the declared size of an entry in bytes, including its header."""
        return self._entries[key].file_size

    def is_single(self, key: str) -> bool:
        """Return whether an entry's header declares a single value."""
        with self._archive.open(self._entries[key]) as stream:
            return b"'shape': ()" in stream.read(1_000)

    def array(
        self, key: str, dtypes: str, n_axes: int, expected: str, *, may_be_empty: bool = False
    ) -> NDArray[Any]:
        """Return one array, after checking that its header is as `expected` and agrees with the entry's size.

        Parameters
        ----------
        key : str
            Its name.
        dtypes : str
            Pattern of the dtype's code without its byte order: ``"f4|f8"``.
        n_axes : int
            Number of dimensions.
        expected : str
            Description of the expected array.
        may_be_empty : bool
            Whether an axis may have length 0.
        """
        entry, part = self._entries[key], f"{self.name}, {key}"
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FileError(part, f"compression method {entry.compress_type}", "stored or deflated data")
        with self._archive.open(entry) as stream:
            header = NpyHeader.read(stream)
            if header is None:
                raise FileError(part, "something else than a plain array", expected)
            shape = header.shape
            fits = re.fullmatch(dtypes, header.dtype.lstrip("<>|=")) and len(shape) == n_axes
            if not fits or (0 in shape and not may_be_empty):
                raise FileError(part, f"{dtype_name(header.dtype)} of shape {shape}", expected)
            size = prod(shape) * np.dtype(header.dtype).itemsize
            if entry.file_size != header.size + size:
                raise FileError(part, f"{entry.file_size} bytes", f"as many as shape {shape} takes")
            # Without a limit the whole entry would be unpacked; the extra byte is there if the header was cut.
            data = read_exactly(stream, size + 1)
        array = np.frombuffer(data, header.dtype).reshape(shape, order="F" if header.fortran else "C")
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        if array.dtype.kind == "U" and (array.reshape(-1).view(np.uint32) > sys.maxunicode).any():
            raise FileError(part, "letters that Unicode has not", expected)
        return array


def _check_contents(stream: BinaryIO, name: str) -> None:
    """Raise if the central directory is large: zipfile creates an object for each of its entries.

    The last 22 bytes have its size (APPNOTE.TXT 6.3.10, 4.3.16), unless there is a comment or, before them, the
    locator of a record for millions of entries: files of arrays have neither.
    """
    stream.seek(max(stream.seek(0, os.SEEK_END) - 42, 0))
    tail = stream.read()
    if tail[-22:-18] != b"PK\5\6" or tail[-2:] != b"\0\0":
        raise zipfile.BadZipFile("File is not a zip file")
    size = int.from_bytes(tail[-10:-6], "little")
    if size > _MOST_CONTENTS or tail.startswith(b"PK\6\7"):
        raise FileError(name, f"{size} bytes of names of entries", f"at most {_MOST_ENTRIES} entries")
