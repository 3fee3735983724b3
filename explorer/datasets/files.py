"""Open and read an untrusted ``.npy`` or idx file, plain or gzipped.

The header is checked before any data is read, exactly as many bytes are read as it declares, and nothing may
follow. So no file, however small, makes the reader use more memory than the maximum number of images.
"""

import gzip
import io
import os
import re
import stat
import struct
import zlib
from collections.abc import Mapping
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.dataset import IMAGE_SHAPE, DatasetError
from explorer.foreign_files import NpyHeader, dtype_name, read_exactly, reason

ArrayKind = Literal["images", "labels"]

DAMAGED = (OSError, EOFError, zlib.error)
"""Exceptions from reading a damaged or truncated gzip file."""

_MOST_IMAGES = 1_000_000  # in one split: 784 MB
_EXPECTED: Mapping[ArrayKind, str] = MappingProxyType(
    {
        "images": f"uint8 of shape (n, 28, 28), n from 1 to {_MOST_IMAGES}",
        "labels": f"integers of shape (n,), n from 1 to {_MOST_IMAGES}",
    }
)
_IDX_DTYPES = MappingProxyType({0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"})
_SMALL = 50_000_000  # bytes of an array that any file may unpack to: MNIST's training images
_MOST_PACKED = 30  # maximum compression ratio of a larger one; MNIST's is 5


def file_mode(path: Path, name: str) -> int:
    """Return the mode of the file at `path`, following links; `DatasetError` if there is none."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise DatasetError(name, reason(error), "an existing file or folder") from error


def open_plain_file(path: Path, name: str) -> io.BufferedReader:
    """Open the file at `path` for reading; pipes and devices are refused without blocking.

    Raises `DatasetError`, with the `name`, if there is none, it can't be read, or it is not a regular file.
    """
    mode = file_mode(path, name)
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        raise DatasetError(name, kinds.get(stat.S_IFMT(mode), "a device"), "a file")
    try:
        return io.BufferedReader(io.FileIO(path, opener=_open_at_once))
    except OSError as error:
        raise DatasetError(name, reason(error), "a file that can be read") from error


def _open_at_once(path: str, flags: int) -> int:
    # If a pipe has replaced the file since the check, opening it still doesn't wait for a writer.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def unzipped(stream: io.BufferedReader) -> io.BufferedReader:
    """Return the stream, decompressed if its first two bytes are those of gzip."""
    if stream.peek(2)[:2] != b"\x1f\x8b":
        return stream
    return io.BufferedReader(gzip.GzipFile(fileobj=stream))


def read_array(stream: io.BufferedReader, kind: ArrayKind, file: str) -> NDArray[Any]:
    """Read the array in `stream`, C-contiguous, in the file's dtype; the labels' range is not checked.

    It is uint8 of shape (n, 28, 28), or integers of shape (n,); n from 1 to 1 000 000. The stream must be at the
    start of the file, which may be gzipped; its first bytes identify the format. Its `fileno` must be the file on
    disk, whose size limits the memory to use. `file` is the name for the `DatasetError` if the content is anything
    else.
    """
    try:
        stream = unzipped(stream)
        header = _read_header(stream, kind, file)
        data = _read_data(stream, header, file)
    except DAMAGED as error:
        raise DatasetError(file, f"damaged data, {reason(error)}", _EXPECTED[kind]) from error
    array = np.frombuffer(data, header.dtype).reshape(header.shape, order="F" if header.fortran else "C")
    return np.ascontiguousarray(array)


def _read_header(stream: io.BufferedReader, kind: ArrayKind, file: str) -> NpyHeader:
    """Read the header of an array and check that it fits `kind`."""
    start = read_exactly(stream, 4)
    if not start:
        raise DatasetError(file, "an empty file", f"{kind} as .npy or idx")
    if start == b"\x93NUM":
        header = NpyHeader.read(stream, bytes(start))
        if header is None:
            raise DatasetError(file, "a .npy header of something else than a plain array", _EXPECTED[kind])
    elif len(start) == 4 and start[:2] == b"\0\0" and start[2] in _IDX_DTYPES and start[3] <= 4:
        sizes = read_exactly(stream, 4 * start[3])
        if len(sizes) < 4 * start[3]:
            raise DatasetError(file, "an idx header that is cut off", _EXPECTED[kind])
        header = NpyHeader(_IDX_DTYPES[start[2]], struct.unpack(f">{start[3]}I", sizes))
    else:
        found = f"a file that starts with the bytes {start.hex(' ')}"
        raise DatasetError(file, found, f"{kind} as .npy or idx")
    dtypes, tail = (r"u1", IMAGE_SHAPE) if kind == "images" else (r"[ui][1248]", ())
    n = header.shape[0] if header.shape else 0
    fits = re.fullmatch(dtypes, header.dtype.lstrip("<>|=")) and header.shape[1:] == tail
    if not fits or not 1 <= n <= _MOST_IMAGES:
        raise DatasetError(file, f"{dtype_name(header.dtype)} of shape {header.shape}", _EXPECTED[kind])
    return header


def _read_data(stream: io.BufferedReader, header: NpyHeader, file: str) -> bytearray:
    size = prod(header.shape) * np.dtype(header.dtype).itemsize
    packed = os.fstat(stream.fileno()).st_size
    if size > max(_SMALL, _MOST_PACKED * packed):
        found, most = f"{size} bytes in a file of {packed}", f"at most {_MOST_PACKED} times as many"
        raise DatasetError(file, found, most)
    data = read_exactly(stream, size)
    if len(data) < size:
        raise DatasetError(file, f"{len(data)} bytes of data", f"{size}, as its header says")
    if stream.read(1):
        raise DatasetError(file, "more data than its header says", f"{size} bytes")
    return data
