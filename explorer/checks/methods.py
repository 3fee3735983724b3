"""Checks of methods beyond the exercise: optimizers, dropout, an honest split, early stopping, augmentation."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks.results import CheckError, Passed, check, compare, expect, name_of, numbers

if TYPE_CHECKING:
    from explorer.datasets import Dataset

__all__ = ["adam", "augmentation", "dropout", "early_stopping", "momentum", "split"]

Array = NDArray[Any]

_RATE, _STEPS, _SHAPE = 0.01, 12, (2, 3)
_EXACT = 1e-12  # float64, a few operations
_ROUNDED = 1e-5  # a sum in float32
_MASK = 60, 500  # units, samples
_AMOUNTS = MappingProxyType({"shift": 3.0, "rotation": 30.0, "scale": 0.2})
_IMAGES = 400
_BLURRED = 0.1  # tolerance of an amount, for the rounding to pixels and gray levels


@check
def momentum(f: Callable[..., Any]) -> Passed:
    """Check momentum, ``change, (v,) = f(g, lr, t, v)``, against a sum: 0.9ᵏ times the gradient k steps ago."""
    return _changes(f, 1, lambda gradients: _RATE * _weighted(gradients, 0.9))


@check
def adam(f: Callable[..., Any]) -> Passed:
    """Check Adam, ``change, (m, s) = f(g, lr, t, m, s)``, against weighted means over all gradients so far.

    Correcting the bias of m and s is the same as dividing by the sum of the weights.
    """

    def expected(gradients: Array) -> Array:
        mean, square = _mean(gradients, 0.9), _mean(gradients**2, 0.999)
        return _RATE * mean / (np.sqrt(square) + 1e-8)

    return _changes(f, 2, expected)


@check
def dropout(draw: Callable[..., Any]) -> Passed:
    """Check masks ``draw(rng, rate, n_units, n)``: a share `rate` is 0, the others are 1 / (1 − rate)."""
    name, worst = name_of(draw), 0.0
    for rate in (0.2, 0.5):
        mask = numbers(name, draw(np.random.default_rng(0), rate, *_MASK))
        expect(name, f"shape {mask.shape}", f"shape {_MASK}")
        kept, share = mask[mask != 0], float(np.mean(mask == 0))
        compare(f"what {name} keeps at rate {rate}", kept, np.full(kept.shape, 1 / (1 - rate)), _ROUNDED)
        if abs(share - rate) > 5 * math.sqrt(rate * (1 - rate) / mask.size):
            raise CheckError(f"share of zeros at rate {rate}: expected about {rate}, got {share:.4f}")
        if any((part == part[:1]).all() for part in (mask, mask.T)):
            said = "expected units of each sample to be drawn by themselves, got one draw for all"
            raise CheckError(f"{name}: {said}")
        worst = max(worst, abs(share - rate))
    return Passed(f"the share of zeros in {mask.size} places of {name} against its rate", worst)


@check
def split(part: "Dataset", whole: "Dataset") -> Passed:
    """Check a split: each training image, with its label, is in exactly one part, and nothing else is."""
    expected = Counter(_labelled(whole.train_images, whole.train_labels))
    found = Counter(_labelled(part.train_images, part.train_labels))
    found.update(_labelled(part.test_images, part.test_labels))
    expect("training images in neither part", (expected - found).total(), 0)
    expect("images in both parts, or from elsewhere", (found - expected).total(), 0)
    return Passed(f"{expected.total()} images against those of two parts, counted one by one")


@check
def early_stopping(losses: Sequence[float], patience: int, kept: float) -> Passed:
    """Check a run that stopped early: `patience` epochs after its lowest loss, with the weights of that epoch.

    Parameters
    ----------
    losses : sequence of float
        The validation loss after each epoch.
    patience : int
        Epochs without a lower loss after which a run ends.
    kept : float
        The validation loss of the weights that the run kept.
    """
    best = 0
    for epoch, loss in enumerate(losses):
        best = epoch if loss < losses[best] else best
    expect("epochs since the one with the lowest loss", len(losses) - 1 - best, patience)
    worst = compare("loss of the weights that are kept", float(kept), losses[best], _ROUNDED)
    what = f"{len(losses)} epochs: the weights of epoch {best + 1} are kept, which had the lowest loss"
    return Passed(what, worst)


@check
def augmentation(distort: Callable[..., Any]) -> Passed:
    """Check ``distort(images, augmentation, rng)`` by measuring distorted images of a bar of ink.

    The bar's center gives the shift, its direction the rotation, and its amount of ink the scale. Amounts that are
    uniform up to a limit have a standard deviation of limit / √3.
    """
    from explorer.datasets.augmentation import Augmentation  # here, so that the checks load NumPy alone

    bars, name, worst = np.zeros((_IMAGES, 28, 28), np.uint8), name_of(distort), 0.0
    bars[:, 11:17, 7:21] = 250
    still = distort(bars.copy(), Augmentation(), np.random.default_rng(0))
    compare("images that nothing is done to", still, bars, 0.0)
    for kind, limit in _AMOUNTS.items():
        changed = numbers(name, distort(bars.copy(), Augmentation(**{kind: limit}), np.random.default_rng(0)))
        expect(name, f"shape {changed.shape}", f"shape {bars.shape}")
        for measure, amounts in _measured(changed, bars[0]).items():
            up_to = limit if measure == kind else 0.0
            largest, spread = float(np.abs(amounts).max()), float(np.std(amounts))
            slack = _BLURRED * _AMOUNTS[measure]
            if largest > up_to + slack or abs(spread - up_to / math.sqrt(3)) > slack:
                got = f"{largest:.3g}, with a spread of {spread:.3g}"
                raise CheckError(f"{kind} = {limit:g}: expected {measure} of up to {up_to:g}, got {got}")
            worst = max(worst, (largest - up_to) / _AMOUNTS[measure])
    what = f"how far {name} moves, turns and scales {_IMAGES} bars against its limits, in shares of them"
    return Passed(what, worst)


def _weighted(values: Array, kept: float) -> Array:
    """Return the sum of values, shape (n, …), each weighted by `kept` to the power of its age."""
    return np.asarray(sum(kept**age * value for age, value in enumerate(values[::-1])))


def _mean(values: Array, kept: float) -> Array:
    """Return the mean of values, shape (n, …), with the same weights."""
    return _weighted(values, kept) / math.fsum(kept**age for age in range(len(values)))


def _changes(f: Callable[..., Any], n_memories: int, expected: Callable[[Array], Array]) -> Passed:
    """Check an optimizer's changes for a series of gradients, each step against all gradients up to it."""
    gradients = np.random.default_rng(0).normal(0, 1, (_STEPS, *_SHAPE))
    memory, worst = (np.zeros(_SHAPE),) * n_memories, 0.0
    for t in range(1, _STEPS + 1):
        change, memory = f(gradients[t - 1].copy(), _RATE, t, *memory)
        worst = max(worst, compare(f"change {t}", change, expected(gradients[:t]), _EXACT))
    return Passed(f"{_STEPS} steps of {name_of(f)} against weighted sums over all gradients so far", worst)


def _labelled(images: Array, labels: Array) -> list[tuple[bytes, int]]:
    return [(image.tobytes(), label) for image, label in zip(images, labels.tolist(), strict=True)]


def _measured(images: Array, bar: Array) -> dict[str, Array]:
    """Return the shift (both axes), rotation (degrees) and scale (share) of images of a bar."""
    y, x = np.indices(bar.shape) - (len(bar) - 1) / 2
    ink = images.astype(float) / images.sum(axis=(1, 2), keepdims=True)
    right, down = ((ink * axis).sum(axis=(1, 2)) for axis in (x, y))
    xx, yy, xy = ((ink * product).sum(axis=(1, 2)) for product in (x * x, y * y, x * y))
    turned = np.degrees(np.arctan2(2 * (xy - right * down), xx - right**2 - yy + down**2)) / 2
    size = np.sqrt(images.sum(axis=(1, 2)) / bar.sum(dtype=float)) - 1
    return {"shift": np.concatenate([right, down]), "rotation": turned, "scale": size}
