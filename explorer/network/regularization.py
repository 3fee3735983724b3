"""Regularization: what keeps a network from learning the training samples by heart.

Penalties and max-norm keep the weights small, so that outputs change little where inputs do. Dropout keeps units
from relying on each other. Biases are left alone: they multiply no input.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["d_penalty", "dropout_mask", "limit_norms", "penalty"]

Array = NDArray[np.floating[Any]]


def penalty(W: Array, l2: float, l1: float) -> float:
    """Return ½ λ₂ Σ W² + λ₁ Σ |W|, what weights `W` of any shape add to the loss of each sample, at least 0.

    L2: Hoerl and Kennard 1970, "Ridge regression". L1: Tibshirani 1996, "Regression shrinkage and selection via
    the lasso".
    """
    return 0.5 * l2 * float(np.square(W).sum()) + l1 * float(np.abs(W).sum())


def d_penalty(W: Array, l2: float, l1: float) -> Array:
    """Return the derivative of `penalty` with respect to `W`: λ₂ W + λ₁ sign W, of its shape."""
    return l2 * W + l1 * np.sign(W)


def dropout_mask(rng: np.random.Generator, rate: float, n_units: int, n: int) -> Array:
    """Return a mask (n_units, n) for `n` samples: 0 at the share `rate` of its places, else 1 / (1 − rate).

    The factor makes up for the units that are missing: a weighted sum of the next layer is on average as large as
    without dropout, so nothing has to be rescaled when a trained network is used ("inverted" dropout). Srivastava
    et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """
    kept = rate <= rng.random((n, n_units), np.float32).T
    return kept * np.float32(1 / (1 - rate))


def limit_norms(W: Array, longest: float) -> Array:
    """Return weights (n_out, n_in) with each unit's row shortened to the length `longest` where it is longer.

    Max-norm (Srivastava et al. 2014, as above): large steps can't blow the weights up.
    """
    lengths = np.sqrt(np.square(W).sum(axis=1, keepdims=True))  # (n_out, 1)
    limited: Array = W * np.minimum(1, longest / np.maximum(lengths, np.finfo(W.dtype).tiny))
    return limited
