"""Read a data set from an archive or a folder with four files, detected by content; list available data sets.

Nothing is unpickled, nothing in an archive is written to disk, and every problem raises a `DatasetError`.
"""

import gzip
import hashlib
import io
import json
import os
import stat
import struct
import tarfile
import tomllib
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import IO, Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.dataset import ARRAYS, Dataset, DatasetError
from explorer.datasets.mnist import load_mnist
from explorer.datasets.plane import KINDS, PREFIX, Plane, dataset_of
from explorer.foreign_files import HEADER_BYTES, ArrayHeader, explained, file_mode, open_plain_file, printable
from explorer.safe_write import own_folder

_Arrays: TypeAlias = dict[str, tuple[str, NDArray[Any]]]  # file name and content, by role

_ROLES = ("train images", "train labels", "test images", "test labels")
_EXPECTED = MappingProxyType({"images": "uint8 of shape (n, 28, 28)", "labels": "integers of shape (n,)"})
_EXPECTED_ARCHIVE = "a .tgz or .tar with the four files, or their folder"
_IDX_DTYPES = MappingProxyType({0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"})
_SMALL = 50_000_000  # bytes that any file may unpack to: MNIST's training images
_MOST_PACKED = 30  # maximum compression ratio of a larger one; MNIST's is 5
_MOST_MEMBERS = 1000
_MOST_REST = 100_000_000  # bytes of an archive besides one array

_NAMES = "names.json"  # in the folder of a shared data set

_FASHION_MNIST = "Fashion-MNIST", Path("/usr/share/datasets/fashion-mnist")  # of Debian's package

_TABLE = tomllib.loads((files("explorer.datasets") / "published.toml").read_text(encoding="utf-8"))
_NAMINGS: Sequence[Mapping[str, str]] = tuple(_TABLE["namings"])
_ROLE_OF = MappingProxyType({file: role for naming in _NAMINGS for role, file in naming.items()})


def load_dataset(path: str | os.PathLike[str]) -> Dataset:
    """Read a data set in MNIST's shape: 28 × 28 gray images in ten classes.

    The path is that of a ``.tgz`` or ``.tar`` archive, or a folder, with four files, plain or gzipped:
    ``mnist-train-images.npy``, ``mnist-train-labels.npy``, ``mnist-test-images.npy``, ``mnist-test-labels.npy``;
    or, as MNIST and Fashion-MNIST are published, ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
    ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte`` (or ``.idx3-ubyte`` and ``.idx1-ubyte``). A ``~`` at
    the start is the home folder. Points in a plane are ``"plane:"`` and the text of a `Plane`.

    The data set is named after the path, but complete copies of MNIST and Fashion-MNIST have their own names; the
    test images alone determine the names of the classes. Raises `DatasetError`.
    """
    if isinstance(path, str) and path.startswith(PREFIX):
        return dataset_of(Plane.parse(path.removeprefix(PREFIX)))
    with explained(printable(repr(path)), DatasetError, "a path as text that isn't empty"):
        if not path:
            raise ValueError("nothing")
        folder_or_file = Path(path).expanduser()
    name = printable(folder_or_file.name or str(folder_or_file))
    with explained(name, DatasetError, "a smaller data set"):
        read = _read_folder if stat.S_ISDIR(file_mode(folder_or_file, name)) else _read_archive
        arrays = read(folder_or_file, name)
        values: dict[str, Any] = {role.replace(" ", "_"): array for role, (_, array) in arrays.items()}
        try:
            return _recognized(Dataset(name=name, source=str(folder_or_file.absolute()), **values))
        except DatasetError as error:  # the same sentence, with the file's name instead of the role
            raise DatasetError(arrays[error.file][0], error.found, error.expected) from None


def _read_folder(folder: Path, name: str) -> _Arrays:
    with explained(name, DatasetError, "a folder that can be read"), os.scandir(folder) as entries:
        present = {entry.name for entry in entries if _role(entry.name) and not entry.is_dir()}
    chosen = max((_chosen(naming, present) for naming in _NAMINGS), key=len)
    _check_complete(name, chosen)
    arrays: _Arrays = {}
    for role, file in chosen.items():
        shown = f"{name}/{file}"
        with open_plain_file(folder / file, shown) as stream:
            arrays[role] = shown, _read_array(stream, role, shown, _most_bytes(stream))
    return arrays


def _role(file: str) -> str | None:
    return _ROLE_OF.get(file.removesuffix(".gz"))


def _chosen(naming: Mapping[str, str], present: Collection[str]) -> dict[str, str]:
    """Return the available files of one naming, by role, preferring plain files over gzipped ones."""
    spelled = ((role, spelling) for role, file in naming.items() for spelling in (f"{file}.gz", file))
    return {role: file for role, file in spelled if file in present}


def _most_bytes(file: io.BufferedReader) -> int:
    return max(_SMALL, _MOST_PACKED * os.fstat(file.fileno()).st_size)


def _read_archive(path: Path, name: str) -> _Arrays:
    arrays: _Arrays = {}
    with (
        explained(name, DatasetError, _EXPECTED_ARCHIVE, "damaged data, "),
        open_plain_file(path, name) as file,
    ):
        if not file.peek(1):
            raise DatasetError(name, "an empty file", _EXPECTED_ARCHIVE)
        most = _most_bytes(file)
        for member, stream in _members(_unzipped(file), name, most + _MOST_REST):
            role = _role(member)
            if role in arrays:
                raise DatasetError(name, f"two files for the {role}", "one of each")
            if role is not None:
                shown = f"{name}/{member}"
                arrays[role] = shown, _read_array(stream, role, shown, most)
    _check_complete(name, arrays)
    return arrays


class _Capped:
    def __init__(self, stream: io.BufferedReader, archive: str, most: int) -> None:
        self._stream, self._archive, self._most, self._left = stream, archive, most, most

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.check(len(data))
        self._left -= len(data)
        return data

    def check(self, n_bytes: int) -> None:
        if not 0 <= n_bytes <= self._left:
            found = f"more than {self._most // 1_000_000} MB when unpacked"
            raise DatasetError(self._archive, found, "the four files of a data set")


def _members(stream: io.BufferedReader, archive: str, most: int) -> Iterator[tuple[str, io.BufferedReader]]:
    """Yield the name, without its folder, and the content, valid until the next, of each file of a tar archive."""
    capped = _Capped(stream, archive, most)
    try:
        # As a stream: there is no way back to an earlier header, and so no endless loop.
        with tarfile.open(fileobj=cast("IO[bytes]", capped), mode="r|") as members:
            for number, member in enumerate(members):
                if number == _MOST_MEMBERS:
                    raise DatasetError(archive, f"more than {number} members", "the four files of a data set")
                capped.check(member.size)
                _check_member(member, archive)
                content = members.extractfile(member)
                if content is not None:
                    yield PurePosixPath(member.name).name, cast("io.BufferedReader", content)
    except (tarfile.TarError, RecursionError) as error:
        found = "something else than a tar archive, or a damaged one"
        raise DatasetError(archive, found, _EXPECTED_ARCHIVE) from error
    while capped.read(1 << 20):  # gzip compares the checksum at the stream's end
        pass


def _check_member(member: tarfile.TarInfo, archive: str) -> None:
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE) or member.issparse():
        found = f"{printable(member.name)}, a link or special file"
        raise DatasetError(archive, found, "plain files only")
    parts = PurePosixPath(member.name.replace("\\", "/")).parts
    if parts[:1] == ("/",) or ".." in parts or ":" in "".join(parts[:1]):
        found = f"{printable(member.name)}, a path that leaves the archive"
        raise DatasetError(archive, found, "paths inside it")


def _unzipped(stream: io.BufferedReader) -> io.BufferedReader:
    is_gzip = stream.peek(2)[:2] == b"\x1f\x8b"
    return io.BufferedReader(gzip.GzipFile(fileobj=stream)) if is_gzip else stream


def _read_array(stream: io.BufferedReader, role: str, file: str, most_bytes: int) -> NDArray[Any]:
    kind = role.split()[1]
    with explained(file, DatasetError, _EXPECTED[kind], "damaged data, "):
        stream = _unzipped(stream)
        head = stream.read(HEADER_BYTES)
        header = _read_header(head, kind, file)
        if header.dtype.hasobject:
            raise DatasetError(file, str(header), _EXPECTED[kind])
        if header.n_bytes > most_bytes:
            found = f"{header.n_bytes} bytes of data"
            raise DatasetError(file, found, f"at most {most_bytes} in a file of this size")
        return np.ascontiguousarray(header.read(stream, head, file))


def _read_header(head: bytes, kind: str, file: str) -> ArrayHeader:
    if not head:
        raise DatasetError(file, "an empty file", f"{kind} as .npy or idx")
    if head[:4] == b"\x93NUM":
        return ArrayHeader.of_npy(head, file, _EXPECTED[kind])
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _IDX_DTYPES or head[3] > 4:
        found = f"a file that starts with the bytes {head[:4].hex(' ')}"
        raise DatasetError(file, found, f"{kind} as .npy or idx")
    size = 4 + 4 * head[3]
    if len(head) < size:
        raise DatasetError(file, "an idx header that is cut off", _EXPECTED[kind])
    return ArrayHeader(np.dtype(_IDX_DTYPES[head[2]]), struct.unpack(f">{head[3]}I", head[4:size]), size)


def _check_complete(source: str, roles: Collection[str]) -> None:
    missing = [role for role in _ROLES if role not in roles]
    if missing:
        found = f"no {' and no '.join(missing)}" if roles else "none of the four files"
        names = ", ".join(_NAMINGS[0].values())
        raise DatasetError(source, found, f"{names}, or idx files named as MNIST's")


def _recognized(dataset: Dataset) -> Dataset:
    """Return a data set with the classes of a published one, and its name if all four files are the same."""
    digest = hashlib.sha256(struct.pack(">4I", 0x0803, *dataset.test_images.shape))
    digest.update(dataset.test_images.data)
    known = _TABLE["known"].get(digest.hexdigest())
    if known is None:
        return dataset
    others = {role: getattr(dataset, role.replace(" ", "_")) for role in known["checksums"]}
    checksums = {role: zlib.crc32(array.astype("u1", copy=False).data) for role, array in others.items()}
    name = known["name"] if checksums == known["checksums"] else dataset.name
    return replace(dataset, name=name, class_names=known["class_names"])


@dataclass(frozen=True, slots=True)
class DatasetOffer:
    """A data set offered for selection, with its name on screen and in URLs."""

    name: str
    load: Callable[[], Dataset]
    """Returns the data set; raises `DatasetError` if it can't be read."""


def offer_file(name: str, path: str | Path, shared: Path | None = None) -> DatasetOffer:
    """Offer the data set at a path under a name; the first process to read it stores it in `shared`, if given."""

    def load() -> Dataset:
        dataset = load_dataset(path) if shared is None else shared_dataset(shared, lambda: load_dataset(path))
        return dataset if dataset.name == name else replace(dataset, name=name)

    return DatasetOffer(name, load)


def usual_offers(shared: Path | None = None, *, but: Iterable[str] = ()) -> tuple[DatasetOffer, ...]:
    """Return the default offers, `but` those names: MNIST, Fashion-MNIST if installed, points in a plane."""
    offers, (name, path) = [DatasetOffer("MNIST", load_mnist)], _FASHION_MNIST
    if path.is_dir():
        offers.append(offer_file(name, path, None if shared is None else shared / name))
    offers += [DatasetOffer(kind.capitalize(), partial(dataset_of, Plane(kind))) for kind in KINDS]
    return tuple(offer for offer in offers if offer.name not in {*but})


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Write a data set for `map_dataset` to an existing folder; `OSError` without space or permission."""
    for name in ARRAYS:
        np.save(folder / f"{name}.npy", getattr(dataset, name), allow_pickle=False)
    names = {"name": dataset.name, "class_names": dataset.class_names, "source": dataset.source}
    (folder / _NAMES).write_text(json.dumps(names), encoding="utf-8")


def map_dataset(folder: Path) -> Dataset:
    """Return the data set written by `write_dataset`, with mapped arrays. `OSError` if a file is missing."""
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS}
    return Dataset(**arrays, **json.loads((folder / _NAMES).read_text(encoding="utf-8")))


def shared_dataset(folder: Path, load: Callable[[], Dataset]) -> Dataset:
    """Return the data set in `folder`; if there is none yet, `load` it and, if possible, store it in one step."""
    with suppress(OSError):
        return map_dataset(folder)
    dataset = load()
    with suppress(OSError), own_folder("part-", folder.parent) as parts:
        part = parts / folder.name
        part.mkdir()
        write_dataset(dataset, part)
        part.rename(folder)  # fails if another process was faster
    with suppress(OSError):
        return map_dataset(folder)
    return dataset
