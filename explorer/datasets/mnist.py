"""The package's MNIST: the first process to need it unpacks it into the user's cache, and all map that file."""

import gzip
import os
import shutil
import sys
import tarfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.dataset import ARRAYS, IMAGE_SHAPE, Dataset, DatasetError
from explorer.foreign_files import explained
from explorer.safe_write import own_folder

DATA = Path(__file__).parent / "data"
IMAGES = "mnist-images.npy.gz"
LABELS = "mnist-labels.npy.gz"
N_IMAGES, N_TRAIN = 70_000, 60_000  # in the package's file, and of the train split, which comes first


@cache
def load_mnist() -> Dataset:
    """Return the package's MNIST data set: 60 000 train and 10 000 test images of digits; or raise `DatasetError`.

    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition",
    Proceedings of the IEEE 86 (1998), section III.A.
    """
    images, labels = _shared_images(_cache_folder()), _read(LABELS)
    return Dataset("MNIST", images[:N_TRAIN], labels[:N_TRAIN], images[N_TRAIN:], labels[N_TRAIN:])


def _read(name: str) -> NDArray[Any]:
    with explained(name, DatasetError, "the package's own file"), gzip.open(DATA / name) as stream:
        return np.asarray(np.load(BytesIO(stream.read()), allow_pickle=False))


def _cache_folder() -> Path | None:
    """Return the program's folder in the user's cache; None if that is relative or the home folder is unknown."""
    usual = {"win32": ("LOCALAPPDATA", "~/AppData/Local"), "darwin": ("XDG_CACHE_HOME", "~/Library/Caches")}
    variable, default = usual.get(sys.platform, ("XDG_CACHE_HOME", "~/.cache"))
    try:
        folder = Path(os.environ.get(variable) or Path(default).expanduser(), "nn-explorer")
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None


def _shared_images(folder: Path | None) -> NDArray[np.uint8]:
    """Map the unpacked images, unpacking them if necessary; without a usable cache, load them into memory."""
    images = None
    if folder is not None:
        with explained(IMAGES, DatasetError, "the package's own file"):
            trailer = (DATA / IMAGES).read_bytes()[
                -8:
            ]  # CRC-32 and size in bytes, unpacked (RFC 1952, 2.3.1)
        checksum, size = int.from_bytes(trailer[:4], "little"), int.from_bytes(trailer[4:], "little")
        path = folder / f"mnist-images-{checksum:08x}.npy"
        images = _mapped(path, checksum, size)
        if images is None:
            _unpack(path)
            images = _mapped(path, checksum, size)
    return _read(IMAGES) if images is None else images


def _mapped(path: Path, checksum: int, size: int) -> NDArray[np.uint8] | None:
    """Map the images in the cache's file; None if it is missing or damaged. The checksum of 55 MB takes 15 ms."""
    try:
        if not path.is_file():
            return None
        content = np.memmap(path, np.uint8, mode="r")
    except (OSError, ValueError):
        return None
    if content.size != size or zlib.crc32(content.data) != checksum:
        return None
    return np.asarray(content[-N_IMAGES * prod(IMAGE_SHAPE) :]).reshape(-1, *IMAGE_SHAPE)


def _unpack(path: Path) -> None:
    """Write the cache's file atomically; with a read-only folder or a full disk, the images stay in memory."""
    with suppress(OSError, EOFError, zlib.error):
        path.parent.mkdir(parents=True, exist_ok=True)
        with own_folder("unpacking-", path.parent) as folder:
            part = folder / path.name
            with gzip.open(DATA / IMAGES) as packed, part.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked, 1 << 20)
            part.replace(path)


def write_archive(dataset: Dataset, stream: IO[bytes], order: Sequence[str] = ARRAYS) -> None:
    """Write the exercise's ``mnist.tgz``: four ``.npy`` files in this `order`; equal data give equal bytes."""
    with (
        # Level 7 takes a third longer to save 1.4 %.
        gzip.GzipFile("", "wb", 6, stream, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name in order:
            content = BytesIO()
            np.save(content, getattr(dataset, name).astype(np.uint8))
            member = tarfile.TarInfo(f"mnist-{name.replace('_', '-')}.npy")
            member.size = content.tell()
            content.seek(0)
            archive.addfile(member, content)
