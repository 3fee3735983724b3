"""Images as the inputs of a network: the input of the bias, which is always 1, and after it the pixels.

Most of an image is blank, the edges in nearly all. A network whose first layer is wide has its pixels in the order
of how many images have ink there, so that an image's last ones are blank; and the images of each mini-batch in the
order of where their ink ends. The products of the first layer then leave out what is blank in the first half or in
all of them, a third of the inputs.
"""

from __future__ import annotations

from copy import copy
from threading import Lock
from typing import ClassVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.engine.kernels import Array

PIXEL_SCALE = 1.0 / 255.0
"""What the first layer's sums are multiplied by, as its inputs are 255 times too large."""

_WIDE = 150_000
"""Weights of the first layer from which on it pays to sort its pixels."""


def ink_ends(images: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return how many pixels each image, a row, has up to the last that isn't 0."""
    from_the_end = images[:, ::-1] != 0
    ends = np.where(from_the_end.any(axis=1), images.shape[1] - from_the_end.argmax(axis=1), 0)
    return ends.astype(np.uint16)


class InkedFirst:
    """Training images, shape (n, n_pixels), with those pixels first that are not 0 in most of them.

    `of` gives those of a data set, made once for all networks that are trained on it.
    """

    _KNOWN: ClassVar = WeakKeyDictionary[Dataset, "InkedFirst"]()

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self._images, self._lock = images, Lock()
        self._ends: NDArray[np.uint16] | None = None
        n_inked = np.count_nonzero(images, axis=0)
        self.order = np.argsort(-n_inked, kind="stable")
        """Which pixel of an image comes first, second, …, shape (n_pixels,), intp."""
        self.n_blank = int(np.count_nonzero(n_inked == 0))
        """How many pixels, the last ones, are 0 in all images."""

    @classmethod
    def of(cls, dataset: Dataset) -> InkedFirst:
        """Return the training images of a data set, in this order."""
        if (known := cls._KNOWN.get(dataset)) is None:
            images = dataset.train_images.reshape(-1, dataset.n_inputs)
            known = cls._KNOWN.setdefault(dataset, cls(images))  # another thread's, if that was first
        return known

    @staticmethod
    def pays(n_weights: int, *, needs_order: bool) -> bool:
        """Return whether a network with so many weights in its first layer is to have its pixels sorted.

        Dropout, L2, L1, max-norm and augmentation need the order that images, pixels or weights come in.
        """
        return n_weights >= _WIDE and not needs_order

    @property
    def images(self) -> NDArray[np.uint8]:
        """The images, their pixels in this order: made when first read, by one of several threads."""
        self._sort()
        return self._images

    def by_ink(self, indices: NDArray[np.int64], *groups: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the `indices` of images, those of each group in the order of where their ink ends.

        `groups` say which group each belongs to, then which group of groups, in ascending order.
        """
        keys: list[NDArray[np.integer]] = [self._sort()[indices], *groups]
        return indices[np.lexsort(keys)]

    def _sort(self) -> NDArray[np.uint16]:
        """Sort the pixels, if no thread has done so before, and return where the ink of each image ends."""
        with self._lock:
            if self._ends is None:
                self._images = np.take(self._images, self.order, axis=1)
                self._ends = ink_ends(self._images)
        return self._ends


class Inputs:
    """Room for `rows` images of `n_pixels` pixels in an order, or as they are.

    ``X``, shape (rows, n_pixels + 1), of the network's dtype, has a column of 255 and the pixels from 0 to 255.
    """

    def __init__(
        self, rows: int, n_pixels: int, dtype: np.dtype[np.floating], order: NDArray[np.intp] | None
    ) -> None:
        self._order = order
        self._pixels = np.empty((rows, n_pixels), np.uint8)
        self.X: Array = np.empty((rows, n_pixels + 1), dtype)
        self.X[:, 0] = 1 / PIXEL_SCALE

    def __getitem__(self, rows: slice) -> Inputs:
        """Return some of the rows; what is written there is written here."""
        part = copy(self)
        part.X, part._pixels = self.X[rows], self._pixels[rows]
        return part

    def write(self, images: NDArray[np.uint8], rows: slice) -> None:
        """Write images as they are into some of the rows."""
        pixels = images
        if self._order is not None:
            pixels = np.take(images, self._order, 1, self._pixels[rows], "clip")
        np.copyto(self.X[rows, 1:], pixels)

    def gather(self, images: NDArray[np.uint8], indices: NDArray[np.int64], rows: slice) -> None:
        """Write some of the `images`, whose pixels are in the order, into some of the rows."""
        np.copyto(self.X[rows, 1:], np.take(images, indices, 0, self._pixels[rows], "clip"))

    def n_inked(self, rows: slice) -> int:
        """Return how many columns of ``X[rows]`` there are up to the last that isn't 0, if there is an order."""
        inked = np.flatnonzero(np.bitwise_or.reduce(self._pixels[rows], axis=0))
        return 2 + int(inked[-1]) if inked.size else 1
