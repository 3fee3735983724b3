"""Data sets as files: the exercise's four, and the formats that each may have."""

import io
import tarfile

import numpy as np


def write(dataset, folder, n=None):
    """Write the files, of each split the first `n` images or all; return their folder."""
    for split in ("train", "test"):
        for part in ("images", "labels"):
            np.save(folder / f"mnist-{split}-{part}.npy", getattr(dataset, f"{split}_{part}")[:n])
    return folder


def npy(array):
    np.save(stream := io.BytesIO(), array)
    return stream.getvalue()


def idx(array):
    """An idx file of bytes: two zeros, type 8, the number of dimensions, the big-endian sizes, the data."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def member(name, content=b"", **fields):
    """A tar member; `fields` set attributes of its header."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar(members, mode="w:gz"):
    with tarfile.open(fileobj=(stream := io.BytesIO()), mode=mode) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()
