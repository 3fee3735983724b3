"""Images as network inputs: the input of the bias, which is always 1, followed by the pixels.

Most of an image is blank, and its edges nearly always. For a wide first layer, the pixels are sorted by how many
images have ink there, so that the last pixels of an image are blank; and the images of each mini-batch are sorted
by where their ink ends. The first layer's products can then skip the inputs that are blank in the first half or in
all images, a third of the inputs.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from threading import Lock
from typing import ClassVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.datasets.augmentation import Augmentation, distort
from explorer.engine.kernels import Array

PIXEL_SCALE = 1.0 / 255.0  # factor on the first layer's sums, because its inputs are 255 times too large
CHUNK_ROWS = 2048
MOST_COPIED = 1 << 26
WIDE = 150_000  # weights of the first layer from which sorting the pixels pays off


def ink_ends(images: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return for each image, a row, the number of pixels up to its last nonzero one."""
    from_the_end = images[:, ::-1] != 0
    ends = np.where(from_the_end.any(axis=1), images.shape[1] - from_the_end.argmax(axis=1), 0)
    return ends.astype(np.uint16)


class InkedFirst:
    """Training images, shape (n, n_pixels), with pixels sorted by how many images have ink there, most first.

    It keeps a sorted copy of a set of at most `MOST_COPIED` bytes, made block by block. The images of larger ones
    are sorted as they are gathered: a mapped file may exceed the memory, and other processes share it.
    """

    _KNOWN: ClassVar = WeakKeyDictionary[Dataset, "InkedFirst"]()

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self.images, self._lock = images, Lock()
        self.is_sorted = images.nbytes <= MOST_COPIED
        """Whether the pixels of `images`, once read by `by_ink`, are sorted; else they must be when gathered."""
        self._ends: NDArray[np.uint16] | None = None
        n_inked = sum(np.count_nonzero(images[rows], axis=0) for rows in _blocks(images))
        self.order = np.argsort(-n_inked, kind="stable")
        """Indices of the pixels in sorted order, shape (n_pixels,), intp."""
        self.n_blank = int(np.count_nonzero(n_inked == 0))
        """Number of pixels, at the end, that are 0 in all images."""

    @classmethod
    def of(cls, dataset: Dataset) -> InkedFirst:
        """Return the sorted training images of a data set, created once for all networks trained on it."""
        if (known := cls._KNOWN.get(dataset)) is None:
            images = dataset.train_images.reshape(-1, dataset.n_inputs)
            known = cls._KNOWN.setdefault(dataset, cls(images))  # another thread's, if that was faster
        known.sort()
        return known

    def by_ink(self, indices: NDArray[np.int64], *groups: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the `indices` of images, sorted within each group by where their ink ends.

        `groups` are the sort keys above that: the group of each image, then the group of that group, ascending.
        """
        keys: list[NDArray[np.integer]] = [self.sort()[indices], *groups]
        return indices[np.lexsort(keys)]

    def sort(self) -> NDArray[np.uint16]:
        """Sort the pixels unless that is done, in one of the threads; return where the ink of each image ends."""
        with self._lock:
            if self._ends is None:
                images = np.empty_like(self.images) if self.is_sorted else self.images
                ends = np.empty(len(images), np.uint16)
                for rows in _blocks(images):
                    block = np.take(self.images[rows], self.order, axis=1)
                    ends[rows] = ink_ends(block)
                    if self.is_sorted:
                        images[rows] = block
                self.images, self._ends = images, ends
        return self._ends


def _blocks(images: NDArray[np.uint8]) -> list[slice]:
    return [slice(start, start + CHUNK_ROWS) for start in range(0, len(images), CHUNK_ROWS)]


class Inputs:
    """A buffer for `rows` images of `n_pixels` pixels, sorted or unsorted.

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
        """Return a view of some of the rows."""
        part = copy(self)
        part.X, part._pixels = self.X[rows], self._pixels[rows]
        return part

    def write(self, images: NDArray[np.uint8], rows: slice) -> None:
        """Write images with unsorted pixels into some of the rows."""
        pixels = images
        if self._order is not None:
            pixels = np.take(images, self._order, 1, self._pixels[rows], "clip")
        np.copyto(self.X[rows, 1:], pixels)

    def gather(self, images: NDArray[np.uint8], indices: NDArray[np.int64], rows: slice) -> None:
        """Write some of the `images`, whose pixels are sorted, into some of the rows."""
        np.copyto(self.X[rows, 1:], np.take(images, indices, 0, self._pixels[rows], "clip"))

    def n_inked(self, rows: slice) -> int:
        """Return the number of columns of ``X[rows]`` up to the last nonzero one, if the pixels are sorted."""
        inked = np.flatnonzero(np.bitwise_or.reduce(self._pixels[rows], axis=0))
        return 2 + int(inked[-1]) if inked.size else 1


AHEAD = 2  # chunks computed ahead of the current one
STREAM = 2  # the run's seed gives several independent streams of random numbers; this one is for augmentation


class AugmentedImages:
    """The images of an epoch, distorted, in chunks of 2048 that a thread computes ahead.

    Each chunk has its own generator, seeded by the run's seed, the epoch and the chunk's number: slicing and
    earlier reads don't affect the images. The thread starts with the first epoch. The undistorted `images`, uint8,
    shape (n, side, side) or (n, side²), are never written to.
    """

    def __init__(self, images: NDArray[np.uint8], augmentation: Augmentation, seed: int) -> None:
        self._images = images.reshape(-1, *[round(images[0].size ** 0.5)] * 2)
        self._augmentation, self._seed = augmentation, seed
        self._thread = ThreadPoolExecutor(1, "augmentation")
        self._epoch, self._order = 0, np.empty(0, np.int64)
        self._chunks: dict[int, Future[NDArray[np.uint8]]] = {}

    def begin(self, epoch: int, order: NDArray[np.int64]) -> None:
        """Start computing an epoch's images in place of the one before; `order` has their indices, shape (n,)."""
        for made in self._chunks.values():
            made.cancel()
        self._epoch, self._order, self._chunks = epoch, order, {}
        self._make(0)

    def take(self, start: int, stop: int, out: NDArray[np.uint8]) -> None:
        """Write the images from `start` to `stop`, later ones than before, into `out`, (stop - start, n)."""
        for chunk in range(start // CHUNK_ROWS, -(-stop // CHUNK_ROWS)):
            self._make(chunk)
            first = chunk * CHUNK_ROWS
            begin, end = max(start, first), min(stop, first + CHUNK_ROWS)
            made = self._chunks[chunk].result()
            out[begin - start : end - start] = made[begin - first : end - first]
            self._chunks.pop(chunk - 1, None)

    def _make(self, chunk: int) -> None:
        """Schedule a chunk and the following ones, unless they are scheduled already."""
        n_chunks = -(-len(self._order) // CHUNK_ROWS)
        for number in range(chunk, min(chunk + 1 + AHEAD, n_chunks)):
            if number not in self._chunks:
                self._chunks[number] = self._thread.submit(self._distorted, self._epoch, self._order, number)

    def _distorted(self, epoch: int, order: NDArray[np.int64], chunk: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng([self._seed, STREAM, epoch, chunk])
        indices = order[chunk * CHUNK_ROWS : (chunk + 1) * CHUNK_ROWS]
        return distort(self._images[indices], self._augmentation, rng).reshape(len(indices), -1)
