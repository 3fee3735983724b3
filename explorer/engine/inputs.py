"""Images as the inputs of a network: the input of the bias, which is always 1, and after it the pixels.

Most of an image is blank, the edges in nearly all. A network whose first layer is wide has its pixels in the order
of how many images have ink there. So in a mini-batch the last inputs are all 0, some fifth of them, and the
products of the first layer leave them out.
"""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from explorer.engine.kernels import Array

__all__ = ["PIXEL_SCALE", "Inputs", "inked_first"]

PIXEL_SCALE = 1.0 / 255.0
"""What the first layer's sums are multiplied by, as its inputs are 255 times too large."""


def inked_first(images: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the pixels of images (n, n_pixels), those first that are not 0 in most of them."""
    return np.argsort(-np.count_nonzero(images, axis=0), kind="stable")


class Inputs:
    """Room for `rows` images of `n_pixels` pixels in an order, or as they are.

    ``X``, shape (rows, n_pixels + 1), has a column of 255 and the pixels from 0 to 255.
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

    def write(self, pixels: NDArray[np.uint8], rows: slice) -> None:
        """Write images into some of the rows."""
        if self._order is not None:
            pixels = np.take(pixels, self._order, 1, self._pixels[rows], "clip")
        np.copyto(self.X[rows, 1:], pixels)

    def n_inked(self, rows: slice) -> int:
        """Return how many columns of ``X[rows]`` there are up to the last that isn't 0, if there is an order."""
        inked = np.flatnonzero(np.bitwise_or.reduce(self._pixels[rows], axis=0))
        return 2 + int(inked[-1]) if inked.size else 1
