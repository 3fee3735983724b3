"""Corruptions that make images harder to read: turned, moved, noisy, blurred, thinner or thicker.

How fast the accuracy falls shows what a network relies on (D. Hendrycks and T. Dietterich, "Benchmarking neural
network robustness to common corruptions and perturbations", 2019; N. Mu and J. Gilmer, "MNIST-C", 2019).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.augmentation import transform
from explorer.datasets.dataset import IMAGE_SHAPE

Images = NDArray[np.uint8]
_SEED = 0
_BLUR_REACH = 4  # standard deviations


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way to make images harder to read, with adjustable strength."""

    label: str
    unit: str
    """Name on screen, ``"Rotation"``, and unit of the amounts, ``"°"``."""
    amounts: tuple[float, ...]
    """Amounts in ascending order, including 0, which changes nothing."""
    step: float
    """Smallest useful difference between two amounts."""
    about: str
    """The meaning of the amount, in a sentence."""
    change: Callable[[Images, float], Images]
    """Returns changed images, uint8 of shape (n, 28, 28)."""


def corrupt(images: Images, kind: str, amount: float) -> Images:
    """Return new images, uint8 (n, 28, 28) like `images`, changed by `amount` in the unit of `kind`.

    Random numbers depend only on the position in `images`; 0 changes nothing. Raises `KeyError` for a kind that is
    not in `CORRUPTIONS`.
    """
    return CORRUPTIONS[kind].change(images, amount) if amount else images.copy()


def _shifted(images: Images, pixels: float) -> Images:
    angle = np.random.default_rng(_SEED).uniform(0, 2 * np.pi, len(images))
    return transform(images, pixels * np.cos(angle), pixels * np.sin(angle))


def _noisy(images: Images, percent: float) -> Images:
    noise = np.random.default_rng(_SEED).standard_normal(images.shape, np.float32)
    return _gray(images + noise * np.float32(255 * percent / 100))


def _blurred(images: Images, sigma: float) -> Images:
    distances = np.arange(IMAGE_SHAPE[0])[:, None] - np.arange(IMAGE_SHAPE[0])
    reach = np.arange(-np.ceil(_BLUR_REACH * sigma), np.ceil(_BLUR_REACH * sigma) + 1)
    weights = np.exp(-(distances**2) / (2 * sigma**2)) / np.exp(-(reach**2) / (2 * sigma**2)).sum()
    smoothing = weights.astype(np.float32)
    return _gray(smoothing @ images.astype(np.float32) @ smoothing)


def _rewidened(images: Images, pixels: float) -> Images:
    """Blend each pixel with the maximum or minimum of itself and its four neighbors (dilation or erosion)."""
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    moved = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    near = np.stack([framed[:, down : down + 28, right : right + 28] for down, right in moved])
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
"""All corruptions, by name."""
