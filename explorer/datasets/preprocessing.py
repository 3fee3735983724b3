"""Preprocessing of a drawing to an MNIST image: crop, scale, center.

The makers of MNIST scaled each digit into a box of 20 × 20 pixels, keeping its aspect ratio, with gray edges
from anti-aliasing, and put the center of mass of its ink at the center of 28 × 28 pixels (Y. LeCun, C. Cortes and
C. J. C. Burges, "The MNIST database of handwritten digits", 1998). A network trained on such images reads
others only if they are prepared in the same way.
"""

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.dataset import IMAGE_SHAPE

BOX = 20  # longest side of a scaled digit, in pixels
CENTER = 14  # row and column of the center of mass, counted from 0; true of all MNIST images, ± ½

Image = NDArray[np.uint8]


def preprocess(ink: Image, side: int = 28) -> Image:
    """Convert a drawing, uint8 (height, width), 0 for no ink to 255, to an image as MNIST's, (side, side)."""
    image = center(scale(crop(ink))) if ink.any() else np.zeros(IMAGE_SHAPE, np.uint8)
    return image if side == len(image) else fitted(image[None], side)[0]


def crop(ink: Image) -> Image:
    """Return the bounding box of the ink; there must be some."""
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def scale(ink: Image) -> Image:
    """Return `ink` with a longest side of 20 pixels, each the mean of the area that it covers."""
    height, width = (max(1, round(side * BOX / max(ink.shape))) for side in ink.shape)
    # The sums are exact, so that halves of a gray level round as in a published page.
    sums = _coverage(ink.shape[0], height) @ ink @ _coverage(ink.shape[1], width).T  # (height, width)
    means = sums / ink.size
    scaled: Image = np.rint(means).astype(np.uint8)
    # The mean over a large area may round to no ink at all, which can't be centered: the strongest spot stays.
    strongest = np.unravel_index(means.argmax(), means.shape)
    scaled[strongest] = max(1, scaled[strongest])
    return scaled


def center(ink: Image) -> Image:
    """Return `ink`, at most 28 × 28, moved by whole pixels so that its center of mass is nearest to (14, 14)."""
    image = np.zeros(IMAGE_SHAPE, np.uint8)
    top, left = _corner(ink)
    image[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return image


def frame(ink: Image) -> tuple[float, float, float]:
    """Return the left, top and side of `preprocess`'s image in a square drawing, as shares of its width."""
    if not ink.any():
        return 0.0, 0.0, 1.0
    top, left = _corner(scale(crop(ink)))
    first_row, first_column = (int(ink.any(axis=axis).argmax()) for axis in (1, 0))
    pixel = max(crop(ink).shape) / BOX  # in pixels of the drawing
    corner = first_column - left * pixel, first_row - top * pixel
    return corner[0] / len(ink), corner[1] / len(ink), IMAGE_SHAPE[0] * pixel / len(ink)


def _corner(ink: Image) -> tuple[int, int]:
    """Return the row and the column of 28 × 28 pixels to put a scaled digit at."""
    masses = (np.indices(ink.shape) * ink).sum(axis=(1, 2)) / ink.sum()  # row and column, the first is at 0
    top, left = (
        min(max(round(CENTER - mass), 0), room - side)
        for mass, room, side in zip(masses.tolist(), IMAGE_SHAPE, ink.shape, strict=True)
    )
    return top, left


def fitted(images: Image, side: int) -> Image:
    """Return images (n, height, width) as (n, side, side): on the gray of their edges, and scaled."""
    shape, longest = images.shape[1:], max(images.shape[1:])
    if min(shape) < longest:
        edges = images[:, [0, -1]] if shape[0] < longest else images[:, :, [0, -1]]
        gaps = [((longest - length) // 2, (longest - length + 1) // 2) for length in shape]
        ground = np.median(edges, axis=(1, 2), keepdims=True).astype(np.uint8)
        images = np.pad(images - ground, [(0, 0), *gaps]) + ground  # modulo 256
    if longest == side:
        return images
    cover = _coverage(longest, side)
    return np.stack([np.rint(cover @ image @ cover.T / longest**2).astype(np.uint8) for image in images])


def _coverage(n_old: int, n_new: int) -> NDArray[np.float64]:
    """Return `n_new` times the share of each old pixel on each new one, whole numbers, shape (n_new, n_old)."""
    ends = np.arange(n_new + 1) * n_old  # of the new pixels, and likewise those of the old ones
    old = np.arange(n_old) * n_new
    overlap = np.minimum(ends[1:, None], old + n_new) - np.maximum(ends[:-1, None], old)
    covered: NDArray[np.float64] = np.maximum(overlap, 0).astype(np.float64)
    return covered
