"""Open a path that a user typed or a folder holds, without trusting what stands there."""

import gzip
import io
import os
import stat
import zlib
from pathlib import Path

from explorer.datasets.dataset import DatasetError
from explorer.foreign_files import reason

__all__ = ["DAMAGED", "file_mode", "open_plain_file", "read_exactly", "unzipped"]

DAMAGED = (OSError, EOFError, zlib.error)
"""What reading a gzipped file raises when it is damaged or cut off."""

_CHUNK = 1 << 20  # bytes read at a time: a false header costs no more memory than the file holds


def file_mode(path: Path, name: str) -> int:
    """Return the mode of what stands at `path`, links followed: `stat.S_ISDIR` and the like tell its kind.

    Raises
    ------
    DatasetError
        If nothing is there, or it may not be read.
    """
    try:
        return path.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise DatasetError(name, reason(error), "an existing file or folder") from error


def open_plain_file(path: Path, name: str) -> io.BufferedReader:
    """Return the file at `path`, open for reading; a pipe or a device is refused, never waited for.

    Parameters
    ----------
    path : Path
        Where it is.
    name : str
        Name for the error.

    Raises
    ------
    DatasetError
        If there is none, it can't be read, or it is a folder, a pipe, a socket or a device.
    """
    mode = file_mode(path, name)
    if not stat.S_ISREG(mode):
        raise DatasetError(name, _kind(mode), "a file")
    try:
        return io.BufferedReader(io.FileIO(path, opener=_open_at_once))
    except OSError as error:
        raise DatasetError(name, reason(error), "a file that can be read") from error


def unzipped(stream: io.BufferedReader) -> io.BufferedReader:
    """Return the stream's content, decompressed if its first two bytes say that it is gzipped."""
    if stream.peek(2)[:2] != b"\x1f\x8b":
        return stream
    return io.BufferedReader(gzip.GzipFile(fileobj=stream))


def read_exactly(stream: io.BufferedReader, size: int) -> bytearray:
    """Return the next `size` bytes, or fewer if the stream ends before."""
    data = bytearray()
    while len(data) < size and (chunk := stream.read(min(_CHUNK, size - len(data)))):
        data += chunk
    return data


def _open_at_once(path: str, flags: int) -> int:
    # If a pipe has taken the file's place since the check, opening it still doesn't wait for a writer.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
