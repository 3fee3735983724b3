"""New images made from images: distorted as handwriting varies, for training, or corrupted: harder to read.

A network that sees each training image in another form every epoch learns what the forms have in common
(P. Simard, D. Steinkraus and J. Platt, "Best practices for convolutional neural networks applied to visual
document analysis", 2003: 1.6 % error on MNIST became 1.1 % with affine, 0.7 % with elastic distortions).

Every pixel of the new image looks up one point of the old one. The distortions are summed before the lookup, so an
image is interpolated only once.

How fast the accuracy falls with corruptions shows what a network relies on (D. Hendrycks and T. Dietterich,
"Benchmarking neural network robustness to common corruptions and perturbations", 2019; N. Mu and J. Gilmer,
"MNIST-C", 2019).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

SMOOTHING = 4.0  # standard deviation σ of the Gaussian that smooths the elastic displacements, in pixels
STEPS = 256  # coordinates are in steps of 1/256 pixel: fractions and gray levels multiply as integers
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
    """Return new images, uint8 of shape (n, side, side), each distorted by its own random amounts.

    Four are drawn for each image (right, down, turn, size), up to the maxima in `augmentation`, then its elastic
    displacements, which are proportional to `elastic`: changing one maximum leaves the other amounts unchanged.
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

    Images are uint8 of shape (n, side, side); each amount is one for all, or float64 of shape (n,): `right` and
    `down` in pixels, `degrees` anticlockwise, `size` a factor above 0. `elastic` is as in `Augmentation`; `rng`
    draws its displacements. Bilinear interpolation in steps of 1/256 pixel; 0 outside.
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
    center, smoothing = np.float32((images.shape[-1] - 1) / 2), _smoothing(images.shape[-1])
    v, u = np.indices(images.shape[1:], dtype=np.float32).reshape(2, -1) - center
    pixels = np.stack([u, v, np.ones_like(u)])  # (3, n_pixels)
    changed = np.empty_like(images)
    for start in range(0, len(images), BLOCK):
        block = slice(start, start + BLOCK)
        places = factors[:, block] @ pixels  # (2, n, n_pixels)
        if elastic and rng is not None:
            places += np.float32(elastic) * _displacements(places.shape[1], smoothing, rng)
        changed[block] = look_up(images[block], places + center)
    return changed


def _smoothing(side: int) -> Floats:
    """Return the weights of the noise points of a row (or column) for each of its pixels, (side, n_points)."""
    points = np.arange(-2 * SPACING, side + 2 * SPACING + 1, SPACING)
    weights = np.exp(-((np.arange(side)[:, None] - points) ** 2) / (2 * SMOOTHING**2))
    # The squares of a pixel's weights sum to 1: the weighted sum of noise with variance 1 has variance 1 too.
    return np.asarray(weights / np.sqrt((weights**2).sum(axis=1, keepdims=True)), np.float32)


def _displacements(n: int, smoothing: Floats, rng: np.random.Generator) -> Floats:
    """Return noise smoothed by a Gaussian along both axes: (2, n, n_pixels), variance 1."""
    n_points = smoothing.shape[1]
    noise = rng.standard_normal((2, n, n_points, n_points), np.float32)
    return (smoothing @ (noise @ smoothing.T)).reshape(2, n, -1)


def look_up(images: Images, places: Floats) -> Images:
    """Sample the images, uint8 (n, side, side), bilinearly at `places`, float32 (2, n, n_pixels); 0 outside.

    They are the column and the row that each pixel of a new image shows; 0 is the center of the first.
    """
    side, frame = images.shape[-1], images.shape[-1] + 2  # -1 and `side` can be looked up too; they are blank
    steps = np.clip((places + 1) * STEPS + 0.5, 0, frame * STEPS - 1).astype(np.uint32)
    (right, below), (column, row) = steps % STEPS, steps // STEPS
    first = np.arange(len(images), dtype=np.uint32)[:, None] * (frame * frame)
    # Each pixel with its right, lower and lower right neighbors, packed into the bytes of a number.
    framed = np.zeros((len(images), frame + 1, frame + 1), np.uint32)
    framed[:, 1 : side + 1, 1 : side + 1] = images
    pairs = framed[:, :, :-1] + framed[:, :, 1:] * 2**8
    squares = pairs[:, :-1] + pairs[:, 1:] * 2**16  # (n, frame, frame)
    four = squares.ravel().take(first + row * frame + column)
    # Two 16-bit numbers in one of 32 bits: the upper pixels, and 65 536 times the lower ones.
    left = four & 0x00FF00FF
    pair = left * STEPS + (((four >> 8) & 0x00FF00FF) - left) * right
    upper = pair & 0xFFFF
    values = upper * STEPS + ((pair >> 16) - upper) * below
    gray: Images = ((values + 0x8000) >> 16).astype(np.uint8)
    return gray.reshape(images.shape)


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way to make images harder to read, with adjustable strength."""

    label: str
    unit: str
    amounts: tuple[float, ...]
    """In ascending order, including 0, which changes nothing."""
    step: float
    """Smallest useful difference between two amounts."""
    about: str
    """The meaning of the amount, in a sentence."""
    change: Callable[[Images, float], Images]
    """Returns changed images, uint8 of shape (n, side, side)."""


def corrupt(images: Images, kind: str, amount: float) -> Images:
    """Return new images, uint8 (n, side, side), changed by `amount` in the unit of `kind`; 0 changes nothing."""
    return CORRUPTIONS[kind].change(images, amount) if amount else images.copy()


def _shifted(images: Images, pixels: float) -> Images:
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, len(images))
    return transform(images, pixels * np.cos(angle), pixels * np.sin(angle))


def _noisy(images: Images, percent: float) -> Images:
    noise = np.random.default_rng(0).standard_normal(images.shape, np.float32)
    return _gray(images + noise * np.float32(255 * percent / 100))


def _blurred(images: Images, sigma: float) -> Images:
    distances = np.arange(images.shape[-1])[:, None] - np.arange(images.shape[-1])
    reach = np.arange(-np.ceil(4 * sigma), np.ceil(4 * sigma) + 1)  # four standard deviations
    weights = np.exp(-(distances**2) / (2 * sigma**2)) / np.exp(-(reach**2) / (2 * sigma**2)).sum()
    smoothing = weights.astype(np.float32)
    return _gray(smoothing @ images.astype(np.float32) @ smoothing)


def _rewidened(images: Images, pixels: float) -> Images:
    """Blend each pixel with the maximum or minimum of itself and its four neighbors (dilation or erosion)."""
    framed, side = np.pad(images, ((0, 0), (1, 1), (1, 1))), images.shape[-1]
    moved = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    near = np.stack([framed[:, down : down + side, right : right + side] for down, right in moved])
    changed = near.max(axis=0) if pixels > 0 else near.min(axis=0)
    share = np.float32(abs(pixels) / 2)  # strokes change by a pixel on either side
    return _gray(images + share * (changed.astype(np.float32) - images))


def _gray(values: NDArray[np.float32]) -> Images:
    gray: Images = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return gray


# fmt: off
CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {
        "rotation": Corruption(
            "Rotation", "°", (-60, -45, -30, -20, -10, 0, 10, 20, 30, 45, 60), 1,
            "Amounts above 0 turn anticlockwise.", lambda images, degrees: transform(images, degrees=degrees),
        ),
        "shift": Corruption(
            "Shift", " px", (0, 1, 2, 3, 4, 5, 6, 8), 0.5, "Each image moves in a direction of its own.", _shifted,
        ),
        "noise": Corruption(
            "Noise", " %", (0, 10, 20, 30, 40, 60, 80), 1,
            "Gaussian noise on each pixel; its standard deviation is a share of full ink.", _noisy,
        ),
        "blur": Corruption(
            "Blur", " px", (0, 0.5, 1, 1.5, 2, 2.5, 3), 0.1, "A Gaussian of this standard deviation.", _blurred,
        ),
        "stroke": Corruption(
            "Stroke width", " px", (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2), 0.1,
            "Erosion makes strokes thinner, dilation thicker; in steps between, a part of it.", _rewidened,
        ),
    }
)
# fmt: on
