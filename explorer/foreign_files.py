"""For readers of untrusted files: one kind of error, printable texts, arrays as ``.npy``, alone or in a zip file.

Declared sizes are checked before reading, so that a small hostile file can't fill the memory.
"""

import io
import json
import os
import re
import stat
import struct
import sys
import tarfile
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Set
from contextlib import contextmanager
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_HEADER_BYTES = 4096
_CHUNK = 1 << 20  # bytes read at a time: a false size costs no more memory than the file holds
_MOST_ENTRIES = 100
_MOST_CONTENTS = 1 << 16  # bytes of the zip file's central directory
_IDX_DTYPES = MappingProxyType({0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"})
# Exceptions of the standard library's and NumPy's readers for a file that is truncated, altered or malicious.
_DAMAGED = (
    OSError, EOFError, ValueError, TypeError, LookupError, RuntimeError, OverflowError, SyntaxError, MemoryError,
    zlib.error, struct.error, zipfile.BadZipFile, tarfile.TarError, tokenize.TokenError,
)  # fmt: skip


class FileError(ValueError):
    """A file, or a part of it, that can't be used: its name, what was found and what was expected, in words."""

    def __init__(self, file: str, found: str, expected: str) -> None:
        self.file, self.found, self.expected = file, found, expected
        super().__init__(file, found, expected)

    def __str__(self) -> str:
        return f"{self.file}: found {self.found}, expected {self.expected}."


def printable(name: str, most: int = 80) -> str:
    """Make a text from an untrusted file printable: one line, at most `most` characters."""
    shown = "".join(letter if letter.isprintable() else "�" for letter in name)
    return shown if len(shown) <= most else f"…{shown[1 - most :]}"


def reason(error: BaseException) -> str:
    """Return the message of the operating system or the decompressor, as part of a sentence."""
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return f"“{text[:1].lower() if text[1:2].islower() else text[:1]}{text[1:]}”"


@contextmanager
def explained(name: str, error: type[FileError], expected: str, lead: str = "") -> Iterator[None]:
    """Convert any error caused by a damaged file into one kind: the reason follows `lead`."""
    try:
        yield
    except error:
        raise
    except FileError as found:
        raise error(found.file, found.found, found.expected) from found
    except MemoryError as damage:
        raise error(name, "more than fits into memory", expected) from damage
    except _DAMAGED as damage:
        raise error(name, lead + printable(reason(damage)), expected) from damage


def file_mode(path: Path, name: str) -> int:
    """Return the mode of the file at `path`, following links; `FileError` if there is none."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise FileError(name, reason(error), "an existing file or folder") from error


def open_plain_file(path: Path, name: str) -> io.BufferedReader:
    """Open the regular file at `path` for reading; else `FileError`, without waiting for a pipe or a device."""
    mode = file_mode(path, name)
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        raise FileError(name, kinds.get(stat.S_IFMT(mode), "a device"), "a file")
    # If a pipe has replaced the file since the check, opening it still doesn't wait for a writer.
    at_once = getattr(os, "O_NONBLOCK", 0)
    try:
        return io.BufferedReader(io.FileIO(path, opener=lambda path, flags: os.open(path, flags | at_once)))
    except OSError as error:
        raise FileError(name, reason(error), "a file that can be read") from error


def read_array(
    stream: Any, part: str, dtypes: str, n_axes: int | None, expected: str, most: int, may_be_empty: bool = False
) -> NDArray[Any]:  # fmt: skip
    """Return the array in a ``.npy`` or IDX file, `part` in errors; for the others see `ArrayArchive.array`."""
    head = stream.read(_HEADER_BYTES)
    try:
        dtype, shape, is_fortran, n = _header(head)
    except _DAMAGED as error:
        found = "something else than a plain array" if head else "an empty file"
        raise FileError(part, found, expected) from error
    fits = re.fullmatch(dtypes, dtype.str[1:]) and n_axes in (None, len(shape))
    if not fits or (0 in shape and not may_be_empty):
        kind = "Python objects" if dtype.hasobject else dtype.name
        raise FileError(part, f"{kind} of shape {shape}", expected)
    # Without a limit a whole bomb would be unpacked. The extra byte is there if the data goes on.
    if (n_bytes := prod(shape) * dtype.itemsize) > most:
        raise FileError(part, f"{n_bytes} bytes of data, as its header says", f"at most {most}")
    data, rest = np.empty(n_bytes + 1, np.uint8), head[n : n + n_bytes + 1]
    data[: (n := len(rest))] = bytearray(rest)
    while n_read := stream.readinto(data[n : n + _CHUNK]):
        n += n_read
    if n != n_bytes:
        found = "more data than its header says" if n > n_bytes else f"{n} bytes of data"
        raise FileError(part, found, f"{n_bytes} bytes, as its header says")
    array = data[:n].view(dtype).reshape(shape, order="F" if is_fortran else "C")
    if dtype.kind == "U" and (array.reshape(-1).view(dtype.str[0] + "u4") > sys.maxunicode).any():
        raise FileError(part, "letters that Unicode has not", expected)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _header(head: bytes) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """Return an array's dtype and shape, whether it is stored by columns, and the size of its header in bytes."""
    if head[:2] == b"\0\0" and head[3] <= 4:  # MNIST's own format
        sizes = struct.unpack_from(f">{head[3]}I", head, 4)
        return np.dtype(_IDX_DTYPES[head[2]]), sizes, False, 4 + 4 * head[3]
    stream, npy = io.BytesIO(head), np.lib.format
    # Version 3 differs from 2 in the names of a record's fields only.
    read = npy.read_array_header_1_0 if npy.read_magic(stream) == (1, 0) else npy.read_array_header_2_0
    with warnings.catch_warnings(action="ignore"):  # numbers as Python 2 wrote them
        shape, is_fortran, dtype = read(stream)
    if dtype.kind not in "OSUbiufc" or min(shape, default=0) < 0:
        raise ValueError
    return dtype, shape, is_fortran, stream.tell()


def archive_bytes(arrays: Mapping[str, NDArray[Any]], packed: Collection[str] = ()) -> bytes:
    """Return a ``.npz`` file without pickles and timestamps, with the arrays named in `packed` compressed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for key, array in arrays.items():
            info = zipfile.ZipInfo(f"{key}.npy")
            info.compress_type = zipfile.ZIP_DEFLATED if key in packed else zipfile.ZIP_STORED
            with archive.open(info, "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, version=(1, 0), allow_pickle=False)
    return stream.getvalue()


class ArrayArchive:
    """A zip file, `name` in errors, of arrays of at most `most_bytes`; for other content see `explained`."""

    def __init__(self, stream: BinaryIO, name: str, most_bytes: int) -> None:
        self.name = name
        self._archive = open_zip(stream, name, most_bytes)
        infos = self._archive.infolist()
        self._entries = {info.filename.removesuffix(".npy"): info for info in infos}
        if len(infos) > _MOST_ENTRIES or len(self._entries) < len(infos):
            raise FileError(name, f"{len(infos)} entries", f"each name once, at most {_MOST_ENTRIES}")

    @property
    def names(self) -> Set[str]:
        """The names of the entries."""
        return self._entries.keys()

    def size(self, key: str) -> int:
        """Return the declared size of an entry in bytes, including its header."""
        return self._entries[key].file_size

    def text(self, key: str, most_bytes: int, expected: str) -> Any:
        """Return the content of an entry that is JSON, as one text or as its bytes in UTF-8."""
        part, words = f"{self.name}, {key}", f"a text of at most {most_bytes} bytes"
        if key not in self.names:
            raise FileError(self.name, f"no entry “{key}”", expected)
        if self.size(key) > most_bytes:
            raise FileError(part, f"{self.size(key)} bytes", words)
        array = self.array(key, r"U\d+|u1", None, words)
        try:
            return json.loads(array.tobytes() if array.dtype == np.uint8 else array.item())
        except (ValueError, RecursionError) as error:
            raise FileError(part, "a text that is not JSON", "the settings as JSON") from error

    def array(
        self, key: str, dtypes: str, n_axes: int | None, expected: str, *, may_be_empty: bool = False
    ) -> NDArray[Any]:
        """Return one array, after checking that its header is as `expected`, a description in words.

        `dtypes` is a pattern of the dtype's code without its byte order: ``"f4|f8"``; None for `n_axes` fits any.
        """
        part, most = f"{self.name}, {key}", self.size(key)
        with self._archive.open(self._entries[key]) as stream:
            return read_array(stream, part, dtypes, n_axes, expected, most, may_be_empty)


def open_zip(stream: BinaryIO, name: str, most: int, most_names: int = _MOST_CONTENTS) -> zipfile.ZipFile:
    """Open a zip file, plain or deflated, of at most `most` bytes and `most_names` of names; else `FileError`.

    zipfile creates an object for each entry of the central directory, whose size is in the last 22 bytes (APPNOTE
    6.3.10, 4.3.16), unless there is a comment or, before them, the locator of a record for millions of entries.
    """
    stream.seek(max(stream.seek(0, os.SEEK_END) - 42, 0))
    tail = stream.read()
    if tail[-22:-18] != b"PK\5\6" or tail[-2:] != b"\0\0":
        raise zipfile.BadZipFile("File is not a zip file")
    size = int.from_bytes(tail[-10:-6], "little")
    if size > most_names or tail.startswith(b"PK\6\7"):
        raise FileError(name, f"{size} bytes of names of entries", f"at most {most_names}: fewer files")
    archive = zipfile.ZipFile(stream)
    if (size := sum(entry.file_size for entry in archive.infolist())) > most:
        raise FileError(name, f"{size} bytes when unpacked", f"at most {most}")
    known = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
    if others := {entry.compress_type for entry in archive.infolist()} - known:
        raise FileError(name, f"compression method {others.pop()}", "stored or deflated files")
    return archive
