"""Read a data set from a folder, an archive or a table, detected by content; list available data sets.

Nothing is unpickled, nothing in an archive is written to disk, and every problem raises a `DatasetError`.
"""

import gzip
import io
import json
import os
import stat
import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from itertools import chain
from math import isqrt
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.dataset import ARRAYS, DIGITS, Dataset, DatasetError
from explorer.datasets.images import assembled, image_of, of_folders, of_table
from explorer.datasets.mnist import N_TRAIN, load_mnist
from explorer.datasets.plane import KINDS, PREFIX, Plane, dataset_of
from explorer.datasets.preprocessing import preprocess
from explorer.foreign_files import explained, open_plain_file, open_zip, printable, read_array
from explorer.safe_write import own_folder
from explorer.wording import counted, enumerated

_Entries: TypeAlias = Iterable[tuple[str, Callable[[], Any]]]
"""The paths of files, with ``/``, and what opens each until the next one is taken."""
_Found: TypeAlias = tuple[Sequence[tuple[str, Any]], Sequence[str]]  # as `assembled` takes them

NO_UPLOADS = "EXPLORER_NO_UPLOADS"  # variable of kernels: set if their server refuses images of visitors
_EXPECTED = "a folder of images for each class, or a .npz, .csv, .zip or .tgz file with images and labels"
_SMALL = 50_000_000  # bytes that any file may unpack to: MNIST's training images
_MOST_PACKED = 30  # maximum compression ratio of a larger one; MNIST's is 5
_MOST_MEMBERS = 1000
_MOST_NAMES = 1 << 23  # bytes of the names in a zip file: those of 65 535 images, the most without ZIP64

_NAMES = "names.json"  # in the folder of a shared data set

_FASHION_MNIST = "Fashion-MNIST", Path("/usr/share/datasets/fashion-mnist")  # of Debian's package

_TABLE = tomllib.loads((files("explorer.datasets") / "published.toml").read_text(encoding="utf-8"))
_CLASS_NAMES = "class_names.npy"
_ARRAY_FILES = frozenset(chain(*_TABLE["arrays"], [_CLASS_NAMES]))
_DTYPES, _ARRAY = r"[ui][1248]|f[248]|b1|U\d+", "an array of numbers or texts"


def load_dataset(
    path: str | os.PathLike[str],
    content: bytes | None = None,
    *,
    class_names: Sequence[str] = (),
    seed: int = 0,
) -> Dataset:
    """Read a data set of images, gray or in color, up to 64 × 64 pixels: see the guide, *Your own images*.

    It may be a folder, or a ``.zip`` of it, with a folder of image files for each class, perhaps in ``train`` and
    ``test``; ``.npz`` or ``.csv``; MNIST's four files, IDX or ``.npy``, in a folder, ``.tgz`` or ``.tar``; or
    ``"plane:"`` and the text of a `Plane`. With a `content`, `path` is a name only. Without a split, `seed`
    draws 15 % of each class for testing. Classes are called `class_names`, or as in ``classes.txt``, or as the
    labels. Raises `DatasetError`.
    """
    if content is None and isinstance(path, str) and path.startswith(PREFIX):
        return dataset_of(Plane.parse(path.removeprefix(PREFIX)))
    with explained(printable(repr(path)), DatasetError, "a path as text that isn't empty"):
        if not path:
            raise ValueError("nothing")
        place = Path(path).expanduser()
    name, notes = printable(place.name or str(place)), list[str]()
    with explained(name, DatasetError, _EXPECTED, "damaged data, "):
        if content is None and place.is_dir():
            arrays, names = _of_files(name, _in_folder(name, place), None, notes)
        else:
            memory: Any = None if content is None else io.BufferedReader(io.BytesIO(content))
            with memory or open_plain_file(place, name) as stream:
                arrays, names = _of_stream(name, stream, notes)
        dataset = assembled(name, arrays, notes, class_names or names, seed)
    source = str(place.absolute()) if content is None and not class_names and seed == 0 else ""
    published = _TABLE["known"] if dataset.n_train == N_TRAIN else ()
    known: Any = next((one["names"] for one in published if one["checksums"] == dataset.checksums), {})
    return replace(dataset, source=source, **known)


def sent_dataset(name: str, content: bytes | None, most: int = 64 << 20) -> Dataset:
    """Return the data set in a file that a page has sent, or in a folder, whose name ends in a slash.

    A folder's first line is JSON, ``{"files": [[path, size], …]}``, and the files follow; with ``"drawn": true``
    they are squares of ink, a byte for a pixel. Raises `DatasetError`, also for None: more than `most` bytes.
    """
    shown = printable(name.strip("/"))
    with explained(shown, DatasetError, "the files of a folder"):
        if content is None:
            raise DatasetError(shown, "more than fits", f"at most {most >> 20} MB")
        if os.environ.get(NO_UPLOADS):
            raise DatasetError(shown, "images of a visitor", "those that this server offers")
        if name.endswith("/"):
            stream = io.BytesIO(content)
            about = json.loads(stream.readline())
            sent = [(f"{path}", stream.read(size)) for path, size in about["files"]]
            if about.get("drawn"):
                inks = [np.frombuffer(ink, np.uint8).reshape(2 * [isqrt(len(ink))]) for _, ink in sent]
                labels = np.array([path.rpartition("/")[0] for path, _ in sent])
                arrays = [(shown, np.stack([*map(preprocess, inks)])), (f"{shown}, labels", labels)]
                return assembled(f"{shown} (yours)", arrays, [])
            with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
                for path, file in sent:
                    archive.writestr(path, file)
            content = packed.getvalue()
        return replace(load_dataset(shown, content), name=f"{shown} (yours)")


def _of_stream(name: str, stream: io.BufferedReader, notes: list[str]) -> _Found:
    head = stream.peek()
    first = head.partition(b"\n")[0].decode("utf-8-sig", "replace")
    mark = max(",;\t", key=first.count)
    if not head:
        raise DatasetError(name, "an empty file", _EXPECTED)
    if b"\0" not in head and mark in first:
        return of_table(name, stream, mark, _TABLE["columns"]), ()
    most = _most_bytes(stream)
    entries = _in_zip(name, stream, most) if head[:2] == b"PK" else _in_tar(name, stream, most)
    return _of_files(name, entries, most, notes)


def _of_files(name: str, entries: _Entries, most: int | None, notes: list[str]) -> _Found:
    """Return what is in a folder's files: images and labels as arrays, of `most` bytes, or image files."""
    arrays, images = dict[str, tuple[str, NDArray[Any]]](), dict[str, NDArray[np.uint8]]()
    names, others = list[str](), list[str]()
    for path, opened in entries:
        parts, place = PurePosixPath(path).parts, f"{name}/{printable(path)}"
        file = parts[-1].casefold().removesuffix(".gz")
        is_read = file in _ARRAY_FILES or file == "classes.txt" or file.endswith(tuple(_TABLE["images"]))
        if not is_read or any(part[0] == "." or part == "__MACOSX" for part in parts):
            others.append(path)
        elif file in arrays:
            raise DatasetError(name, f"two files called {file}", "one of each")
        else:
            with explained(place, DatasetError, "an image or an array", "damaged data, "), opened() as stream:
                if file in _ARRAY_FILES:
                    limit = most or _most_bytes(stream)
                    arrays[file] = place, read_array(_unzipped(stream), place, _DTYPES, None, _ARRAY, limit)
                elif file == "classes.txt":
                    names = stream.read(_MOST_NAMES).decode("utf-8-sig", "replace").strip().splitlines()
                else:
                    images[path] = image_of(stream, place, notes)
    if _CLASS_NAMES in arrays:
        names = [*map(str, arrays.pop(_CLASS_NAMES)[1].ravel())]
    if four := next((four for four in _TABLE["arrays"] if {*four} <= arrays.keys()), None):
        found = [arrays[file] for file in four]
        if "-" not in four[0]:  # other names than MNIST's
            notes.append(f"Images and labels were read from {enumerated(four).replace('.npy', '')}.")
        elif all(one.dtype.kind in "iu" and one.max() < len(DIGITS) for _, one in found[1::2]):
            names = names or [*DIGITS]
        return found, names
    if not images:
        seen = printable(", ".join(sorted([*arrays, *others])))
        raise DatasetError(name, f"only {seen}" if seen else "no images", _EXPECTED)
    if others:
        notes.append(f"{counted(len(others), 'file')} of other kinds: left out.")
    return of_folders(name, images, notes), names


def _most_bytes(file: IO[bytes]) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    is_sent = isinstance(getattr(file, "raw", file), io.BytesIO)  # perhaps to a seat, one of many
    return max(_SMALL, 2 * size if is_sent else _MOST_PACKED * size)


def _in_folder(name: str, folder: Path) -> _Entries:
    os.scandir(folder).close()  # `walk` passes over an error
    places = {Path(place, file) for place, _, files in os.walk(folder) for file in files}
    for place in places:
        path = place.relative_to(folder).as_posix()
        if place.suffix != ".gz" or place.with_suffix("") not in places:  # a plain file goes before it
            yield path, partial(open_plain_file, place, f"{name}/{printable(path)}")


def _in_zip(name: str, stream: io.BufferedReader, most: int) -> _Entries:
    packed = open_zip(stream, name, most, _MOST_NAMES)
    for entry in packed.infolist():
        _check_path(entry.filename, name, is_plain=not stat.S_ISLNK(entry.external_attr >> 16))
        if not entry.is_dir():
            yield entry.filename, partial(packed.open, entry)


class _Capped:
    def __init__(self, stream: io.BufferedReader, archive: str, most: int) -> None:
        self._stream, self._archive, self._most, self._left = stream, archive, most, most

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise DatasetError(self._archive, f"more than {self._most} bytes when unpacked", "a smaller one")
        return data


def _in_tar(name: str, stream: io.BufferedReader, most: int) -> _Entries:
    capped: Any = _Capped(_unzipped(stream), name, 3 * most)
    try:
        # As a stream: there is no way back to an earlier header, and so no endless loop.
        with tarfile.open(fileobj=capped, mode="r|") as members:
            for number, member in enumerate(members):
                if number == _MOST_MEMBERS:
                    raise DatasetError(name, f"more than {number} members", "a .zip for so many files")
                is_plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)
                _check_path(member.name, name, is_plain=is_plain and not member.issparse())
                if member.isfile():
                    yield member.name, partial(members.extractfile, member)
    except (tarfile.TarError, RecursionError) as error:
        raise DatasetError(name, "a file of another kind, or a damaged one", _EXPECTED) from error
    while capped.read(1 << 20):  # gzip compares the checksum at the stream's end
        pass


def _check_path(path: str, archive: str, *, is_plain: bool = True) -> None:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    if not is_plain:
        raise DatasetError(archive, f"{printable(path)}, a link or special file", "plain files only")
    if parts[:1] == ("/",) or ".." in parts or ":" in "".join(parts[:1]):
        raise DatasetError(archive, f"{printable(path)}, a path that leaves the archive", "paths inside it")


def _unzipped(stream: io.BufferedReader) -> io.BufferedReader:
    is_gzip = stream.peek(2)[:2] == b"\x1f\x8b"
    return io.BufferedReader(gzip.GzipFile(fileobj=stream)) if is_gzip else stream


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
    names = {name: getattr(dataset, name) for name in ("name", "class_names", "source", "notes")}
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
