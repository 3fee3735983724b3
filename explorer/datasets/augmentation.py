"""New images made from images by shifting, turning, scaling and bending, as handwriting varies.

A network that sees each training image in another form every epoch learns what the forms have in common
(P. Simard, D. Steinkraus and J. Platt, "Best practices for convolutional neural networks applied to visual
document analysis", 2003: 1.6 % error on MNIST became 1.1 % with affine, 0.7 % with elastic distortions).

Every pixel of the new image looks up one point of the old one. The distortions are summed before the lookup, so an
image is interpolated only once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SMOOTHING = 4.0
"""Standard deviation σ of the Gaussian that smooths the elastic displacements, in pixels."""

SIDE = 28
CENTER = (SIDE - 1) / 2
STEPS = 256  # coordinates are in steps of 1/256 pixel: fractions and gray levels multiply as integers
FRAME = SIDE + 2  # the coordinates just outside an image, -1 and 28, can be looked up too; they are blank
SPACING = 4  # pixels between two points of noise: a Gaussian of σ = 4 leaves nothing finer (less than 10⁻⁴)
BLOCK = 32  # images distorted at once: their coordinates fit into the processor's cache

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """The maximum distortion of each image; all 0 means none.

    Simard's elastic distortions of α = 34, σ = 4 are `elastic` = 1.4: his displacements are uniform in [-1, 1],
    whose standard deviation is 1 / √3, smoothing multiplies it by 1 / (2 √π σ), and α by 34:
    34 / √3 / (8 √π) = 1.38 pixels.
    """

    shift: float = 0.0
    """Pixels, on each axis: uniform in [-shift, shift]."""
    rotation: float = 0.0
    """Degrees about the center: uniform in [-rotation, rotation]."""
    scale: float = 0.0
    """Fraction of the size, about the center: the factor is uniform in [1 - scale, 1 + scale]; below 1."""
    elastic: float = 0.0
    """Standard deviation of each pixel's displacement on each axis, in pixels."""

    @property
    def is_on(self) -> bool:
        """Whether it changes anything."""
        return any(getattr(self, name) > 0 for name in self.__slots__)


def distort(images: Images, augmentation: Augmentation, rng: np.random.Generator) -> Images:
    """Return new images, each distorted by its own random amounts, equal for equal states of `rng`.

    Four amounts are drawn for each image (right, down, turn, size), up to the maxima in `augmentation`, then its
    elastic displacements, which are proportional to `elastic`: changing one maximum leaves the other amounts
    unchanged. Images are uint8 of shape (n, 28, 28); pixels from outside are 0.
    """
    limits = (augmentation.shift, augmentation.shift, augmentation.rotation, augmentation.scale)
    right, down, degrees, growth = rng.uniform(-1, 1, (len(images), 4)).T * np.array(limits)[:, None]
    return transform(images, right, down, degrees, 1 + growth, augmentation.elastic, rng)


def transform(
    images: Images,
    right: float | NDArray[np.float64] = 0.0,
    down: float | NDArray[np.float64] = 0.0,
    degrees: float | NDArray[np.float64] = 0.0,
    size: float | NDArray[np.float64] = 1.0,
    elastic: float = 0.0,
    rng: np.random.Generator | None = None,
) -> Images:
    """Return new images: scaled and turned about the center, then shifted, and bent.

    Images are uint8 of shape (n, 28, 28); each amount is one for all, or float64 of shape (n,): `right` and `down`
    in pixels, `degrees` anticlockwise, `size` a factor above 0. `elastic` is the standard deviation of a pixel's
    displacement on each axis, in pixels, which `rng` draws. Bilinear interpolation between the four nearest
    pixels, in steps of 1/256 pixel; 0 outside.
    """
    turn = np.deg2rad(degrees)
    cosine, sine = np.cos(turn) / size, np.sin(turn) / size
    # The point (x, y) that pixel (u, v) shows, both from the center: shifted back, then turned back.
    x = (cosine, -sine, sine * down - cosine * right)
    y = (sine, cosine, -sine * right - cosine * down)
    factors = np.empty((2, len(images), 3), np.float32)  # on u, v and 1
    for axis, terms in zip(factors, (x, y), strict=True):
        for column, term in enumerate(terms):
            axis[:, column] = term
    v, u = np.indices((SIDE, SIDE), dtype=np.float32).reshape(2, -1) - np.float32(CENTER)
    pixels = np.stack([u, v, np.ones_like(u)])  # (3, 784)
    smoothing = _smoothing()
    changed = np.empty_like(images)
    for start in range(0, len(images), BLOCK):
        block = slice(start, start + BLOCK)
        places = factors[:, block] @ pixels  # (2, n, 784)
        if elastic and rng is not None:
            places += np.float32(elastic) * _displacements(places.shape[1], smoothing, rng)
        changed[block] = look_up(images[block], places + np.float32(CENTER))
    return changed


def _smoothing() -> Floats:
    """Return the weights of the noise points of a row (or column) for each of its pixels, shape (28, n_points).

    The squares of a pixel's weights sum to 1, so the weighted sum of noise with variance 1 has variance 1 too.
    """
    points = np.arange(-2 * SPACING, SIDE + 2 * SPACING + 1, SPACING)
    weights = np.exp(-((np.arange(SIDE)[:, None] - points) ** 2) / (2 * SMOOTHING**2))
    return np.asarray(weights / np.sqrt((weights**2).sum(axis=1, keepdims=True)), np.float32)


def _displacements(n: int, smoothing: Floats, rng: np.random.Generator) -> Floats:
    """Return noise smoothed by a Gaussian along both axes: (2, n, 784), variance 1."""
    n_points = smoothing.shape[1]
    noise = rng.standard_normal((2, n, n_points, n_points), np.float32)
    return (smoothing @ (noise @ smoothing.T)).reshape(2, n, SIDE * SIDE)


def look_up(images: Images, places: Floats) -> Images:
    """Sample the images, uint8 of shape (n, 28, 28), bilinearly at `places`; 0 outside.

    `places`, float32 of shape (2, n, 784), has for each pixel of a new image the column, then the row, to show: 0
    is the center of the first.
    """
    steps = np.clip((places + 1) * STEPS + 0.5, 0, FRAME * STEPS - 1).astype(np.uint32)
    (right, below), (column, row) = steps % STEPS, steps // STEPS
    first = np.arange(len(images), dtype=np.uint32)[:, None] * (FRAME * FRAME)
    four = _squares(images).ravel().take(first + row * FRAME + column)
    # Two 16-bit numbers in one of 32 bits: the upper pixels, and 65 536 times the lower ones.
    left = four & 0x00FF00FF
    pair = left * STEPS + (((four >> 8) & 0x00FF00FF) - left) * right
    upper = pair & 0xFFFF
    values = upper * STEPS + ((pair >> 16) - upper) * below
    gray: Images = ((values + 0x8000) >> 16).astype(np.uint8)
    return gray.reshape(images.shape)


def _squares(images: Images) -> NDArray[np.uint32]:
    """Pack each pixel with its right, lower and lower right neighbors into the bytes of a number: (n, 30, 30)."""
    framed = np.zeros((len(images), FRAME + 1, FRAME + 1), np.uint32)
    framed[:, 1 : SIDE + 1, 1 : SIDE + 1] = images
    pairs = framed[:, :, :-1] + framed[:, :, 1:] * 2**8
    return np.asarray(pairs[:, :-1] + pairs[:, 1:] * 2**16, np.uint32)
