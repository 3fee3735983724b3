"""One canonical data set: images and labels, train and test, frozen and checked.

Images stay uint8 and sample-major, as on disk; the float arrays of the exercise are computed on first access.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from hashlib import sha256
from math import prod
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from explorer.foreign_files import FileError

_Scalar = TypeVar("_Scalar", bound=np.generic)
_Drawn = tuple[NDArray[np.uint8], NDArray[np.int64]]

IMAGE_SHAPE, PLANE_SHAPE = (28, 28), (1, 2)
"""Height and width in pixels: of an MNIST image, and of a point in a plane, whose pixels are x and y."""
MOST_SIDE = 64  # height and width in pixels of the largest images, which are square

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
DIGITS = tuple("0123456789")


class DatasetError(FileError):
    """Data that can't be used: a file, a folder or an array."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images and labels of a train and a test split, read-only; two are equal only if they are one object.

    Images are brightness 0 to 255, uint8 of shape (n, side, side), side 2 to 64, or (n, 1, 2) for points, and
    C-contiguous: ``images.reshape(n, n_inputs)`` is a view. Labels are integers of shape (n,), 0 to n_classes - 1,
    kept as int64. Raises `DatasetError` if a shape, dtype, label or count differs from that, or a split is empty.
    """

    name: str
    """On screen."""
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    class_names: tuple[str, ...] = DIGITS
    """Name of each class, in the order of the labels."""
    source: str = ""
    """Path that `load_dataset` reads it from; empty for the package's own data and data created in Python."""
    held_out: str = "test"
    """Kind of the test images, "test" or "validation": `hold_out` replaces them."""
    notes: tuple[str, ...] = ()
    """What was done to the images when they were read, in sentences."""

    def __post_init__(self) -> None:
        for name in ("class_names", "notes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        found: tuple[int, ...] = np.shape(self.train_images)[1:]
        shape = found if found in [PLANE_SHAPE, *((n, n) for n in range(2, MOST_SIDE + 1))] else IMAGE_SHAPE
        for split in ("train", "test"):
            images = _checked_images(getattr(self, f"{split}_images"), shape, f"{split} images")
            labels = _checked_labels(getattr(self, f"{split}_labels"), len(images), self.n_classes, split)
            object.__setattr__(self, f"{split}_images", images)
            object.__setattr__(self, f"{split}_labels", labels)

    def __repr__(self) -> str:
        counts = f"{self.n_train} train and {self.n_test} test images, {self.n_classes} classes"
        return f"<Dataset {self.name}: {counts}>"

    def __reduce__(self) -> tuple[Callable[..., Dataset], tuple[Any, ...]]:
        # The float arrays are four times as large as the images and quick to recompute.
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @cached_property
    def image_shape(self) -> tuple[int, ...]:
        """Height and width of an image in pixels."""
        return self.unsplit.test_images.shape[1:]

    @property
    def is_plane(self) -> bool:
        """Whether the images are points in a plane."""
        return self.image_shape == PLANE_SHAPE

    @cached_property
    def is_photographic(self) -> bool:
        """Whether most pixels are gray or bright, as those of photographs; of drawings, most have no ink."""
        return not self.is_plane and bool(np.median(self.unsplit.test_images[:1000]) >= 32)

    @property
    def noun(self) -> str:
        """What one of the images is called: ``"image"`` or ``"point"``."""
        return "point" if self.is_plane else "image"

    @property
    def held_out_noun(self) -> str:
        """What one of the held-out images is called: ``"test image"``, ``"validation point"``."""
        return f"{self.held_out} {self.noun}"

    @property
    def n_inputs(self) -> int:
        """Pixels in an image: the number of the network's inputs."""
        return prod(self.image_shape)

    @cached_property
    def n_train(self) -> int:
        """Number of train images."""
        return len(self.train_labels)

    @cached_property
    def n_test(self) -> int:
        """Number of test images."""
        return len(self.test_labels)

    @cached_property
    def content_hash(self) -> str:
        """A hash of all images and labels: 32 hexadecimal digits."""
        digest = sha256()
        for name in ARRAYS:
            array = getattr(self, name)
            digest.update(str(array.shape).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:32]

    @cached_property
    def checksums(self) -> list[int]:
        """The CRC-32 of the bytes of each array."""
        return [zlib.crc32(np.ascontiguousarray(getattr(self, name)).data) for name in ARRAYS]

    def compares_with(self, other: Dataset) -> bool:
        """Return whether both have the same test images in memory, as a `head` has: accuracies compare then."""
        own, others = (vars(one).get("test_images") for one in (self, other))
        return self is other or (own is not None and others is not None and np.may_share_memory(own, others))

    @cached_property
    def X_train(self) -> NDArray[np.float32]:
        """Train images as columns: (n_inputs, n_train) float32 in [0, 1]."""
        return pixel_columns(self.train_images)

    @cached_property
    def X_test(self) -> NDArray[np.float32]:
        """Test images as columns: (n_inputs, n_test) float32 in [0, 1]."""
        return pixel_columns(self.test_images)

    @cached_property
    def Y_train(self) -> NDArray[np.float32]:
        """Train labels one-hot: (n_classes, n_train) float32, one 1 in each column."""
        return one_hot_columns(self.train_labels, self.n_classes)

    @cached_property
    def Y_test(self) -> NDArray[np.float32]:
        """Test labels one-hot: (n_classes, n_test) float32, one 1 in each column."""
        return one_hot_columns(self.test_labels, self.n_classes)

    def head(self, n_train: int | None) -> Dataset:
        """Return the same data with only the first `n_train` training images, at least 1; None means all."""
        if n_train is None or n_train >= self.n_train:
            return self
        if n_train < 1:
            raise ValueError(f"n_train is {n_train}; expected a whole number of at least 1, or None")
        images, labels = self.train_images[:n_train], self.train_labels[:n_train]
        return self._shared((n_train,), lambda: replace(self, train_images=images, train_labels=labels))

    def hold_out(self, n_validation: int, seed: int) -> Dataset:
        """Return the data for choosing settings: `n_validation` training images replace the test images.

        They are drawn by `seed`, stratified by class, and the others are left for training: the simplest form of
        Stone 1974, "Cross-validatory choice and assessment of statistical predictions". Arrays are copied on
        access, so that splits take hardly any memory. Raises `ValueError` if no image would be left.
        """
        if n_validation == 0:
            return self
        if not 0 < n_validation < self.n_train:
            expected = f"a whole number from 0 to {self.n_train - 1}"
            raise ValueError(f"n_validation is {n_validation}; expected {expected}")
        return self._shared((n_validation, seed), lambda: _Split.of(self, n_validation, seed))

    def _shared(self, key: tuple[int, ...], make: Callable[[], Dataset]) -> Dataset:
        """Return a part of these data; equal requests share one object while it is in use."""
        part = self._parts.get(key)
        if part is None:
            part = self._parts[key] = make()
            vars(part)["part_of"] = self
        return part

    @cached_property
    def part_of(self) -> Dataset | None:
        """The data that these were derived from by `head` or `hold_out`; None for a whole data set."""
        return None

    @property
    def whole(self) -> Dataset:
        """The data set that these data are part of, or these."""
        return self if self.part_of is None else self.part_of.whole

    @property
    def unsplit(self) -> Dataset:
        """These data, or those they were split from, whose test images are the real ones."""
        return self if self.held_out == "test" or self.part_of is None else self.part_of.unsplit

    @cached_property
    def _parts(self) -> WeakValueDictionary[tuple[int, ...], Dataset]:
        return WeakValueDictionary()

    @cached_property
    def _drawn(self) -> Callable[[int, int, int, bool], _Drawn]:
        """Returns images and labels of splits; all heads and splits of these data share a cache of the newest."""
        if self.part_of is not None and not isinstance(self, _Split):
            return self.part_of._drawn
        images, labels = self.train_images, self.train_labels  # not `self`, which would be a circle

        @lru_cache(maxsize=2)
        def drawn(n: int, n_test: int, seed: int, is_test: bool) -> _Drawn:
            chosen = split_indices(labels[:n], n_test, seed)[is_test]
            return _read_only(images[chosen]), _read_only(labels[chosen])

        return drawn


@dataclass(frozen=True, eq=False, repr=False, init=False)
class _Split(Dataset):
    """A subset of the training images, with others as test images; copied from the whole on access."""

    @classmethod
    def of(cls, whole: Dataset, n_validation: int, seed: int) -> _Split:
        """Return a split without arrays of its own; the caller sets `part_of` to the whole."""
        split = cls.__new__(cls)
        names = {name: getattr(whole, name) for name in ("name", "class_names", "source", "notes")}
        counts = {"n_train": whole.n_train - n_validation, "n_test": n_validation}
        vars(split).update(names, **counts, held_out="validation", seed=seed)
        return split

    def __getattr__(self, name: str) -> Any:
        if name not in ARRAYS or self.part_of is None:
            raise AttributeError(name)
        split, part = name.split("_")
        drawn = self.part_of._drawn(self.part_of.n_train, self.n_test, vars(self)["seed"], split == "test")
        return drawn[part == "labels"]


def split_indices(
    labels: NDArray[np.int64], n_validation: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the training and the validation images, both in ascending order.

    The images are shuffled by `seed`, sorted by label, and picked at even intervals: each class has its share.
    """
    order = np.random.default_rng([seed, 3]).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    chosen = np.arange(n_validation) * len(labels) // max(n_validation, 1)
    return np.sort(np.delete(order, chosen)), np.sort(order[chosen])


def _read_only(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    view = array.view()
    view.flags.writeable = False
    return view


def _checked_images(images: Any, shape: tuple[int, ...], what: str) -> NDArray[np.uint8]:
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.shape[1:] != shape or not len(images):
        found = f"{images.dtype} of shape {images.shape}"
        raise DatasetError(what, found, f"uint8 of shape (n, {shape[0]}, {shape[1]}), n at least 1")
    return _read_only(np.ascontiguousarray(images))


def _checked_labels(labels: Any, n: int, n_classes: int, split: str) -> NDArray[np.int64]:
    labels, what = np.asarray(labels), f"{split} labels"
    if labels.dtype.kind not in "iu" or labels.shape != (n,):
        raise DatasetError(what, f"{labels.dtype} of shape {labels.shape}", f"integers of shape ({n},)")
    wrong = labels[(labels < 0) | (labels >= n_classes)]
    if len(wrong):
        raise DatasetError(what, f"label {wrong[0]}", f"labels from 0 to {n_classes - 1}")
    return _read_only(labels.astype(np.int64, copy=labels.flags.writeable))


def pixel_columns(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return uint8 images (n, height, width) as columns: read-only float32 in [0, 1], shape (n_inputs, n)."""
    pixels = images.reshape(len(images), -1)
    return _read_only(np.divide(pixels, np.float32(255), dtype=np.float32).T)  # (n_inputs, n)


def one_hot_columns(labels: NDArray[np.int64], n_classes: int) -> NDArray[np.float32]:
    """Return labels (n,) as one-hot columns: read-only float32, shape (n_classes, n)."""
    return _read_only(np.eye(n_classes, dtype=np.float32)[labels].T)  # (n_classes, n)


def class_means(images: NDArray[np.uint8], labels: NDArray[np.int64], n_classes: int) -> NDArray[np.uint8]:
    """Return the rounded mean image of each class, (n_classes, height, width); black for one without images."""
    means = np.zeros((n_classes, *images.shape[1:]), np.uint8)
    for k in range(n_classes):
        of_class = images[labels == k]
        if len(of_class):
            means[k] = np.rint(of_class.sum(axis=0, dtype=np.uint32) / len(of_class))
    return means


def few_of_each(
    labels: NDArray[np.int64], n_classes: int, n_each: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Return the indices of up to `n_each` images of each class, drawn without repeats, in ascending order."""
    of_classes = (np.flatnonzero(labels == k) for k in range(n_classes))
    return [np.sort(rng.choice(indices, min(n_each, len(indices)), replace=False)) for indices in of_classes]
