"""Images and labels of any origin become one data set, and notes say what was changed; else a `DatasetError`."""

import posixpath
import warnings
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from math import prod
from pathlib import PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.dataset import IMAGE_SHAPE, MOST_SIDE, Dataset, DatasetError
from explorer.datasets.preprocessing import fitted
from explorer.foreign_files import explained, printable
from explorer.wording import counted

_IMAGES = "images of shape (n, height, width), (n, height, width, 3) or (n, pixels), at most 64 × 64 pixels"
_MOST_CLASSES = 200
_MOST_PIXELS = 1 << 25  # of an image file
_SPLITS = ("train", "training"), ("test", "testing", "val", "valid", "validation")  # names of folders
_DARK = 64  # images that are nowhere as bright as this have a scale of their own, such as 0 to 16
_GRAY = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue: ITU-R BT.601


def assembled(
    name: str, arrays: Sequence[tuple[str, Any]], notes: list[str], names: Sequence[str] = (), seed: int = 0
) -> Dataset:
    """Return the data set of images and labels, by what errors call them: train and test, or all."""
    images = [_shaped(*one) for one in arrays[::2]]
    labels, names = _numbered(arrays[1::2], [len(one) for one in images], names, notes)
    images, side = _gray(images, notes), max(2, *images[0].shape[1:3])
    for height, width in {one.shape[1:] for one in images} - {(side, side)}:
        notes.append(f"Images of {height} × {width} pixels were made {side} × {side}.")
    images = [np.ascontiguousarray(fitted(one, side)) for one in images]
    if np.count_nonzero(np.diff(labels[0])) < len(names):  # the first images are to be of all classes
        notes.append("Images sorted by class were shuffled.")
        for array in (images[0].reshape(len(images[0]), -1).view(f"V{side * side}")[:, 0], labels[0]):
            np.random.default_rng([seed, 5]).shuffle(array)
    if len(images) == 1:
        n_train = _drawn(images[0], labels[0], 0.15, seed)
        images, labels = np.split(images[0], [n_train]), np.split(labels[0], [n_train])
        notes.append(f"Drawn for testing: {counted(len(labels[1]), 'image')}.")
        if not len(labels[1]):
            raise DatasetError(arrays[1][0], "a single image of each class", "more of them")
    for split, used in zip(("training", "test"), labels, strict=True):
        if missing := [one for k, one in enumerate(names) if k not in used]:
            notes.append(f"No {split} image is of class {printable(', '.join(missing))}.")
    return Dataset(name, images[0], labels[0], images[1], labels[1], names, notes=tuple(dict.fromkeys(notes)))


def _shaped(place: str, images: NDArray[Any]) -> NDArray[Any]:
    """Return images in any of the usual forms as (n, height, width) or, in color, (n, height, width, 3)."""
    if images.shape[3:] == (1,):
        images = images[..., 0]
    if images.ndim == 2 and (side := round(images.shape[1] ** 0.5)) ** 2 == images.shape[1]:
        images = images.reshape(-1, side, side)
    is_any = images.ndim == 3 or images.shape[3:] == (3,)
    if images.dtype.kind not in "uifb" or not images.size or not is_any or max(images.shape[1:3]) > MOST_SIDE:
        raise DatasetError(place, f"{images.dtype} of shape {images.shape}", _IMAGES)
    if images.dtype != np.uint8 and not (images.min() >= 0 and images.max() <= 255):
        at = tuple(np.argwhere(~((images >= 0) & (images <= 255)))[0])
        where = f"{place}, image {at[0] + 1}, row {at[1] + 1}, column {at[2] + 1}"
        raise DatasetError(where, f"{images[at]}", "brightness from 0 to 255, or from 0 to 1")
    return images


def _gray(images: list[NDArray[Any]], notes: list[str]) -> list[NDArray[np.uint8]]:
    """Return `_shaped` images as brightness from 0 to 255, uint8 of shape (n, height, width), in the same list."""
    highest = max(1.0, *(float(one.max()) for one in images))
    factor = np.float32(255 / highest if highest < _DARK else 1)
    if factor != 1:
        notes.append(f"Brightness from 0 to {highest:g} was scaled to 255.")
    for k, one in enumerate(images):
        if one.ndim == 4:
            notes.append("Color was turned into gray.")
        if one.ndim == 4 or one.dtype != np.uint8 or factor != 1:
            images[k] = np.empty(one.shape[:3], np.uint8)
            for at in range(0, len(one), 1000):  # as floats all would take four times the memory
                block = one[at : at + 1000]
                images[k][at : at + 1000] = np.rint((block @ _GRAY if one.ndim == 4 else block) * factor)
    return images


def _numbered(
    arrays: Sequence[tuple[str, NDArray[Any]]], counts: Sequence[int], given: Sequence[str], notes: list[str]
) -> tuple[list[NDArray[np.int64]], tuple[str, ...]]:
    """Return the labels as numbers of classes, and the classes' names: those `given`, or the labels."""
    for (place, labels), n in zip(arrays, counts, strict=True):
        if labels.shape not in ((n,), (n, 1)):
            raise DatasetError(place, f"labels of shape {labels.shape}", f"{n}, one for each image")
        if labels.dtype.kind == "f" and len(wrong := labels[labels != np.floor(labels)]):
            raise DatasetError(place, f"label {wrong[0]}", "a whole number or a text for each image")
    kinds, numbers = np.unique(np.concatenate([labels.ravel() for _, labels in arrays]), return_inverse=True)
    texts = [printable(f"{kind:.0f}" if kinds.dtype.kind == "f" else str(kind)) for kind in kinds]
    # In the order of the alphabet, or of numbers: 2 before 10.
    found = sorted({*texts}, key=lambda text: (len(text) * text.isdecimal(), text))
    place, names = " and ".join(place for place, _ in arrays), tuple(given or found)
    if not 2 <= len(names) <= _MOST_CLASSES:
        raise DatasetError(place, f"{counted(len(names), 'kind')} of labels", f"2 to {_MOST_CLASSES}")
    positions = [str(k) for k in range(len(names))]
    known = names if {*found} <= {*names} else positions
    if unknown := [text for text in found if text not in known]:
        raise DatasetError(place, f"label {unknown[0]}", f"one of {printable(', '.join(names))}")
    if not given and found != positions:
        notes.append("The classes are named after the labels.")
    numbers = np.array([known.index(text) for text in texts])[numbers]
    return np.split(numbers, counts[:1])[: len(counts)], names


def _drawn(images: NDArray[np.uint8], labels: NDArray[Any], share: float, seed: int) -> int:
    """Move a share of each class, at least one image of two, to the end, in place; return how many come before."""
    rng, is_drawn = np.random.default_rng([seed, 6]), np.zeros(len(labels), bool)
    for k in range(labels.max() + 1):
        of_class = rng.permutation(np.flatnonzero(labels == k))
        is_drawn[of_class[: min(max(round(share * len(of_class)), 1), len(of_class) - 1)]] = True
    n = int(np.count_nonzero(~is_drawn))
    early, late = np.flatnonzero(is_drawn[:n]), n + np.flatnonzero(~is_drawn[n:])  # they change places
    for k in range(0, len(early), 1000):  # a million images have no room for a copy
        here, there = early[k : k + 1000], late[k : k + 1000]
        for array in (images, labels):
            array[here], array[there] = array[there], array[here]
    return n


def of_table(name: str, stream: IO[bytes], mark: str, columns: Collection[str]) -> list[tuple[str, Any]]:
    """Return the images in a table, one a line, with labels in a column called one of `columns`, or the first."""
    rows = (line.decode("utf-8-sig", "replace").replace('"', "").strip().split(mark) for line in stream)
    first = next(rows)
    titles = [cell.strip().casefold() for cell in first]
    at = next((titles.index(column) for column in columns if column in titles), 0)
    are_numbers = (cell.translate(dict.fromkeys(b".e+-")).isdigit() for cell in titles[1:])
    has_titles = titles[at] in columns or not any(are_numbers)
    expected = f"a label and {counted(len(first) - 1, 'number')}, as in the first line"
    labels, images = list[str](), [np.empty((0, 1), np.float32)]
    for number, row in enumerate(rows if has_titles else chain([first], rows), 1 + has_titles):
        with explained(f"{name}, line {number}", DatasetError, expected):
            if len(row) != len(titles) and row != [""]:
                raise ValueError(counted(len(row), "value"))
            if row != [""]:
                labels.append(row.pop(at).strip())
                images.append(np.array([row], np.float32))
    names = np.array(labels)
    with suppress(ValueError):  # 5.0e+00 is called 5
        names = names if labels[:1] and labels[0].isdigit() else names.astype(np.float64)
    return [(name, np.concatenate(images[bool(labels) :])), (f"{name}, labels", names)]


def of_folders(name: str, images: Mapping[str, NDArray[Any]], notes: list[str]) -> list[tuple[str, Any]]:
    """Return the images in a folder for each class, which may be in the folders ``train`` and ``test``."""
    if len({image.shape for image in images.values()}) > 1:
        side = max(max(image.shape) for image in images.values())
        notes.append(f"Images of several sizes were made {side} × {side} pixels.")
        images = {path: fitted(image[None], side)[0] for path, image in images.items()}
    root = posixpath.commonpath([posixpath.dirname(path) for path in images])
    places = {PurePosixPath(path).relative_to(root).parts: path for path in sorted(images)}
    found = {parts[0].lower() for parts in places}
    splits = [next(filter(found.__contains__, names), "") for names in _SPLITS]
    is_split = all(splits)
    if is_split and (others := sorted(found.difference(splits))):
        notes.append(f"Left out, next to {' and '.join(splits)}: {printable(', '.join(others))}.")
    arrays = list[tuple[str, Any]]()
    for split in splits if is_split else ("",):
        used = [parts for parts in places if not is_split or parts[0].lower() == split]
        if wrong := [parts for parts in used if len(parts) != 2 + is_split]:
            place = f"{name}/{printable(places[wrong[0]])}"
            raise DatasetError(place, "an image that is in no class's folder", "a folder for each class")
        arrays.append((f"{name}/{split}".rstrip("/"), np.stack([images[places[parts]] for parts in used])))
        arrays.append((f"{name}, {split} labels", np.array([parts[is_split] for parts in used])))
    return arrays


def image_of(stream: IO[bytes], place: str, notes: list[str]) -> NDArray[np.uint8]:
    """Return an image file's gray levels, uint8 (height, width); of a large one scaled down."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise DatasetError(place, "an image file", 'Pillow: pip install "nn-explorer[images]"') from None
    with warnings.catch_warnings(action="ignore"):
        try:
            image: Any = Image.open(stream, formats=("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM"))
        except (OSError, Image.DecompressionBombError):
            raise DatasetError(place, "something else than an image, or a huge one", "an image") from None
        if prod(image.size) > _MOST_PIXELS or image.mode[0] in "IF":
            found = "{} × {} pixels of mode {}".format(*image.size, image.mode)
            raise DatasetError(place, found, f"at most {_MOST_PIXELS} pixels of 8 bits for each color")
        if image.mode not in ("1", "L"):
            notes.append("Color was turned into gray.")
        if image.has_transparency_data:
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        image = ImageOps.exif_transpose(image).convert("L")
        if max(image.size) > MOST_SIDE:
            notes.append("Images of more than 64 × 64 pixels were scaled down to fit 28 × 28.")
            image.thumbnail(IMAGE_SHAPE)
        return np.asarray(image, np.uint8)
