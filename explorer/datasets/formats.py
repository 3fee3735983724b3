"""Read the array in a ``.npy`` or idx file, plain or gzipped, that nobody vouches for.

The header is checked before any data is read, exactly as many bytes are read as it declares, and nothing may
follow. So no file, however small, makes the reader use more memory than the most images allowed.
"""

import io
import struct
from collections.abc import Mapping
from math import prod
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.dataset import IMAGE_SHAPE, DatasetError
from explorer.datasets.files import DAMAGED, read_exactly, unzipped
from explorer.foreign_files import NpyHeader, dtype_name, reason

__all__ = ["MOST_IMAGES", "Kind", "read_array"]

Kind = Literal["images", "labels"]

MOST_IMAGES = 1_000_000
"""Most images in one split: 784 MB."""

_EXPECTED: Mapping[Kind, str] = MappingProxyType(
    {
        "images": f"uint8 of shape (n, 28, 28), n from 1 to {MOST_IMAGES}",
        "labels": f"integers of shape (n,), n from 1 to {MOST_IMAGES}",
    }
)

_IDX_DTYPES = MappingProxyType({0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"})


def read_array(stream: io.BufferedReader, kind: Kind, file: str) -> NDArray[Any]:
    """Return the array in `stream`; the format is told from its first bytes.

    Parameters
    ----------
    stream : io.BufferedReader
        At the start of the file, which may be gzipped.
    kind : {"images", "labels"}
        What it has to hold: uint8 of shape (n, 28, 28), or integers of shape (n,); n from 1 to 1 000 000.
    file : str
        Name for the error.

    Returns
    -------
    ndarray
        The array, C-contiguous, in the file's dtype. The labels' range is not checked.

    Raises
    ------
    DatasetError
        If the content is anything else, or damaged.
    """
    try:
        stream = unzipped(stream)
        header = _read_header(stream, kind, file)
        _check_header(header, kind, file)
        data = _read_data(stream, header, file)
    except DAMAGED as error:
        raise DatasetError(file, f"damaged data, {reason(error)}", _EXPECTED[kind]) from error
    array = np.frombuffer(data, header.dtype).reshape(header.shape, order="F" if header.fortran else "C")
    return np.ascontiguousarray(array)


def _read_header(stream: io.BufferedReader, kind: Kind, file: str) -> NpyHeader:
    start = read_exactly(stream, 4)
    if not start:
        raise DatasetError(file, "an empty file", f"{kind} as .npy or idx")
    if start == b"\x93NUM":
        header = NpyHeader.read(stream, bytes(start))
        if header is None:
            raise DatasetError(file, "a .npy header of something else than a plain array", _EXPECTED[kind])
        return header
    if len(start) == 4 and start[:2] == b"\0\0" and start[2] in _IDX_DTYPES and start[3] <= 4:
        sizes = read_exactly(stream, 4 * start[3])
        if len(sizes) < 4 * start[3]:
            raise DatasetError(file, "an idx header that is cut off", _EXPECTED[kind])
        return NpyHeader(_IDX_DTYPES[start[2]], struct.unpack(f">{start[3]}I", sizes))
    raise DatasetError(file, f"a file that starts with the bytes {start.hex(' ')}", f"{kind} as .npy or idx")


def _check_header(header: NpyHeader, kind: Kind, file: str) -> None:
    dtypes = ("u1",) if kind == "images" else ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8")
    tail = IMAGE_SHAPE if kind == "images" else ()
    n = header.shape[0] if header.shape else 0
    if header.dtype.lstrip("<>|=") not in dtypes or header.shape[1:] != tail or not 1 <= n <= MOST_IMAGES:
        raise DatasetError(file, f"{dtype_name(header.dtype)} of shape {header.shape}", _EXPECTED[kind])


def _read_data(stream: io.BufferedReader, header: NpyHeader, file: str) -> bytearray:
    size = prod(header.shape) * np.dtype(header.dtype).itemsize
    data = read_exactly(stream, size)
    if len(data) < size:
        raise DatasetError(file, f"{len(data)} bytes of data", f"{size}, as its header says")
    if stream.read(1):
        raise DatasetError(file, "more data than its header says", f"{size} bytes")
    return data
