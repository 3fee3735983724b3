"""Read a data set from an archive or a folder with four files, detected by content; list available data sets.

Nothing is written to disk, nothing is unpickled, and every problem raises a `DatasetError`.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from numpy.typing import NDArray

from explorer.datasets.archive import members
from explorer.datasets.dataset import DIGITS, Dataset, DatasetError
from explorer.datasets.files import DAMAGED, ArrayKind, file_mode, open_plain_file, read_array, unzipped
from explorer.datasets.mnist import load_mnist
from explorer.datasets.shared import shared_dataset
from explorer.foreign_files import printable, reason

_Arrays: TypeAlias = dict[str, tuple[str, NDArray[Any]]]  # file name and content, by role

_KINDS: Mapping[str, ArrayKind] = MappingProxyType(
    {"train images": "images", "train labels": "labels", "test images": "images", "test labels": "labels"}
)
"""The content of the four files, by role."""

_FASHION_MNIST = "Fashion-MNIST", Path("/usr/share/datasets/fashion-mnist")
"""Name, and the folder of Debian's package ``dataset-fashion-mnist``."""


def _naming(train: str, test: str, images: str, labels: str) -> Mapping[str, str]:
    return dict(zip(_KINDS, (train + images, train + labels, test + images, test + labels), strict=True))


_NAMINGS = (  # the exercise's file names, and the two spellings of the published ones
    _naming("mnist-train-", "mnist-test-", "images.npy", "labels.npy"),
    _naming("train-", "t10k-", "images-idx3-ubyte", "labels-idx1-ubyte"),
    _naming("train-", "t10k-", "images.idx3-ubyte", "labels.idx1-ubyte"),
)

_ROLES = MappingProxyType({file: role for naming in _NAMINGS for role, file in naming.items()})
"""The role of each file name."""

_CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

# By the SHA-256 of the test images as an idx file: name, classes, and the CRC-32 of the bytes of the other three,
# in the order of `_KINDS`. The name requires all four files: a part or a changed copy keeps its own. The classes
# require only the test images.
_KNOWN = MappingProxyType(
    {
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7": (
            "MNIST", DIGITS, (0xF3639B56, 0xBA07E8EF, 0xEE8604D9),
        ),
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b": (
            "Fashion-MNIST", _CLOTHES, (0xAE65DCCD, 0x2ED6E46A, 0x242BC73F),
        ),
    }
)  # fmt: skip


def load_dataset(path: str | os.PathLike[str]) -> Dataset:
    """Read a data set in MNIST's shape: 28 × 28 grey images in ten classes.

    Parameters
    ----------
    path : str or path-like
        A ``.tgz`` or ``.tar`` archive, or a folder, with four files, plain or gzipped:
        ``mnist-train-images.npy``, ``mnist-train-labels.npy``, ``mnist-test-images.npy`` and
        ``mnist-test-labels.npy``; or, as MNIST and Fashion-MNIST are published, ``train-images-idx3-ubyte``,
        ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte`` (or
        ``.idx3-ubyte`` and ``.idx1-ubyte``). A ``~`` at the start is the home folder.

    Returns
    -------
    Dataset
        Named after the path. Complete copies of MNIST and Fashion-MNIST are recognised and get their names; their
        test images alone determine the names of the classes.

    Raises
    ------
    DatasetError
        If there is no such file, or its content is not as above. The message names the file, what was found and
        what was expected.
    """
    folder_or_file = _as_path(path)
    name = printable(folder_or_file.name or str(folder_or_file))
    try:
        read = _read_folder if stat.S_ISDIR(file_mode(folder_or_file, name)) else _read_archive
        return _dataset(name, str(folder_or_file.absolute()), read(folder_or_file, name))
    except MemoryError as error:
        raise DatasetError(name, "more than fits into memory", "a smaller data set") from error


def _as_path(path: str | os.PathLike[str]) -> Path:
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else path
    if not isinstance(text, str) or not text:
        raise DatasetError(printable(repr(path)), f"{type(path).__name__}", "a path as text that isn't empty")
    try:
        return Path(text).expanduser()
    except (RuntimeError, ValueError) as error:  # ValueError: half a surrogate pair in the user's name
        raise DatasetError(printable(text), "no home folder for its “~”", "a full path") from error


def _read_folder(folder: Path, name: str) -> _Arrays:
    try:
        with os.scandir(folder) as entries:
            present = {entry.name for entry in entries if _role(entry.name) and not entry.is_dir()}
    except OSError as error:
        raise DatasetError(name, reason(error), "a folder that can be read") from error
    chosen = max((_chosen(naming, present) for naming in _NAMINGS), key=len)
    _check_complete(name, chosen)
    arrays: _Arrays = {}
    for role, file in chosen.items():
        shown = f"{name}/{file}"
        with open_plain_file(folder / file, shown) as stream:
            arrays[role] = shown, read_array(stream, _KINDS[role], shown)
    return arrays


def _role(file: str) -> str | None:
    return _ROLES.get(file.removesuffix(".gz"))


def _chosen(naming: Mapping[str, str], present: Collection[str]) -> dict[str, str]:
    """Return the available files of one naming, by role, preferring plain files over gzipped ones."""
    files = ((role, spelling) for role, file in naming.items() for spelling in (f"{file}.gz", file))
    return {role: file for role, file in files if file in present}


def _read_archive(path: Path, name: str) -> _Arrays:
    expected = "a .tgz or .tar with the four files, or their folder"
    arrays: _Arrays = {}
    with open_plain_file(path, name) as file:
        try:
            if not file.peek(1):
                raise DatasetError(name, "an empty file", expected)
            for member, stream in members(unzipped(file), name):
                role = _role(member)
                if role in arrays:
                    raise DatasetError(name, f"two files for the {role}", "one of each")
                if role is not None:
                    shown = f"{name}/{member}"
                    arrays[role] = shown, read_array(stream, _KINDS[role], shown)
        except DAMAGED as error:
            raise DatasetError(name, f"damaged data, {reason(error)}", expected) from error
    _check_complete(name, arrays)
    return arrays


def _check_complete(source: str, roles: Collection[str]) -> None:
    missing = [role for role in _KINDS if role not in roles]
    if missing:
        found = f"no {' and no '.join(missing)}" if roles else "none of the four files"
        names = ", ".join(_NAMINGS[0].values())
        raise DatasetError(source, found, f"{names}, or idx files named as MNIST's")


def _dataset(name: str, source: str, arrays: _Arrays) -> Dataset:
    name, class_names = _recognised(name, arrays)
    values: dict[str, Any] = {role.replace(" ", "_"): array for role, (_, array) in arrays.items()}
    try:
        return Dataset(name=name, class_names=class_names, source=source, **values)
    except DatasetError as error:  # the same sentence, with the file's name instead of the role
        raise DatasetError(arrays[error.file][0], error.found, error.expected) from None


def _recognised(name: str, arrays: _Arrays) -> tuple[str, tuple[str, ...]]:
    """Return name and classes of a data set: `name` unless all four files are those of a published one."""
    test_images = arrays["test images"][1]
    digest = hashlib.sha256(struct.pack(">4I", 0x0803, *test_images.shape))
    digest.update(test_images.data)
    known = _KNOWN.get(digest.hexdigest())
    if known is None:
        return name, DIGITS
    published, class_names, checksums = known
    others = (arrays[role][1].astype("u1", copy=False) for role in _KINDS if role != "test images")
    is_whole = tuple(zlib.crc32(array.data) for array in others) == checksums
    return published if is_whole else name, class_names


@dataclass(frozen=True, slots=True)
class DatasetOffer:
    """A data set offered for selection."""

    name: str
    """Name on screen and in URLs."""
    load: Callable[[], Dataset]
    """Returns the data set; raises `DatasetError` if it can't be read."""

    @classmethod
    def of(cls, dataset: Dataset) -> DatasetOffer:
        """Offer a data set that is already loaded."""
        return cls(dataset.name, lambda: dataset)


def offer_file(name: str, path: str | Path, shared: Path | None = None) -> DatasetOffer:
    """Offer the data set that `load_dataset` reads at a path, under a given name.

    The first process to read it stores it in the folder `shared`, created if necessary, and all processes map it.
    """

    def load() -> Dataset:
        dataset = load_dataset(path) if shared is None else shared_dataset(shared, lambda: load_dataset(path))
        return dataset if dataset.name == name else replace(dataset, name=name)

    return DatasetOffer(name, load)


def usual_offers(shared: Path | None = None, *, but: Iterable[str] = ()) -> tuple[DatasetOffer, ...]:
    """Return the default offers: MNIST, and Fashion-MNIST if Debian's package is installed.

    The folder `shared` is as in `offer_file`; `but` are names to leave out because they are offered already.
    """
    offers, (name, path) = [DatasetOffer("MNIST", load_mnist)], _FASHION_MNIST
    if path.is_dir():
        offers.append(offer_file(name, path, None if shared is None else shared / name))
    return tuple(offer for offer in offers if offer.name not in {*but})
