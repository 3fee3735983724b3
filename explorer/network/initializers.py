"""Initial weights: float64 of shape (n_out, n_in), the units of the layer, and of the one before.

If they are too small, the signal dies; if too large, the units saturate. Glorot and He choose the spread from the
number of inputs, so that a layer neither shrinks nor amplifies its signal.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Initializer = Callable[[np.random.Generator, int, int], NDArray[np.float64]]


def glorot(rng: np.random.Generator, n_in: int, n_out: int) -> NDArray[np.float64]:
    """Return weights from U[−r, r) with r = √(6 / (n_in + n_out)) (Glorot & Bengio, 2010, equation 16)."""
    limit = np.sqrt(6.0 / (n_in + n_out))
    return rng.uniform(-limit, limit, (n_out, n_in))


def he(rng: np.random.Generator, n_in: int, n_out: int) -> NDArray[np.float64]:
    """Return weights from N(0, 2 / n_in), made for relu (He et al., 2015, equation 10); shape (n_out, n_in)."""
    return rng.normal(0.0, np.sqrt(2.0 / n_in), (n_out, n_in))


def normal(rng: np.random.Generator, n_in: int, n_out: int) -> NDArray[np.float64]:
    """Return weights from N(0, 1), whatever the number of inputs; shape (n_out, n_in)."""
    return rng.normal(0.0, 1.0, (n_out, n_in))


def uniform(rng: np.random.Generator, n_in: int, n_out: int) -> NDArray[np.float64]:
    """Return weights from U[0, 1), a mistake worth seeing.

    No pixel is negative either: the weighted sums of 784 inputs are near 50, and every sigmoid unit saturates.
    """
    return rng.uniform(0.0, 1.0, (n_out, n_in))


INITIALIZERS: Mapping[str, Initializer] = MappingProxyType(
    {"glorot": glorot, "he": he, "normal": normal, "uniform": uniform}
)
"""The initializers, by name."""
