"""From images to the network's inputs: samples are columns, and pixels are between 0 and 1."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.notebook.page import Shown
from explorer.notebook.page import images as gallery

__all__ = ["as_bytes", "left_as_rows", "pictures", "reshaped", "transposed"]

Array = NDArray[Any]
_SIDE = 28  # pixels


def left_as_rows(images: Array) -> Array:
    """Return the inputs, shape (n_samples, 784). Wrong: samples are rows."""
    return images.reshape(len(images), -1) / np.float32(255)  # WRONG: (n, 784)


def reshaped(images: Array) -> Array:
    """Return the inputs, shape (784, n_samples). Wrong: reshape moves no pixel, so columns mix images."""
    return images.reshape(-1, len(images)) / np.float32(255)  # WRONG: (784, n), but of mixed pixels


def as_bytes(images: Array) -> Array:
    """Return the inputs, shape (784, n_samples). Wrong: they reach up to 255."""
    return images.reshape(len(images), -1).T.astype(np.float32)  # WRONG: 0 to 255


def transposed(images: Array) -> Array:
    """Return the inputs, shape (784, n_samples), in [0, 1]."""
    return images.reshape(len(images), -1).T / np.float32(255)  # (784, n)


def pictures(X: Array, labels: Array, words: str, n: int = 12) -> Shown:
    """Return the first `n` columns of inputs as images with their labels: what the network sees.

    The inputs are in [0, 1] and have shape (784, n_samples), the labels (n_samples,).
    """
    inks = np.rint(255 * X[:, :n].T).astype(np.uint8).reshape(-1, _SIDE, _SIDE)
    return gallery(inks, [str(label) for label in labels[:n]], words)
