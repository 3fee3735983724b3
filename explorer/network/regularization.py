"""Regularization: methods that keep a network from memorizing the training samples.

Penalties and max-norm keep the weights small, so that small changes of the inputs change the outputs little.
Dropout keeps units from relying on each other. Biases are not regularized: they multiply no input.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


def penalty(W: Array, l2: float, l1: float) -> float:
    """Return ½ λ₂ Σ W² + λ₁ Σ |W|, the penalty on weights `W` of any shape in the loss of each sample, at least 0.

    L2: Hoerl and Kennard 1970, "Ridge regression". L1: Tibshirani 1996, "Regression shrinkage and selection via
    the lasso".
    """
    return 0.5 * l2 * float(np.square(W).sum()) + l1 * float(np.abs(W).sum())


def d_penalty(W: Array, l2: float, l1: float) -> Array:
    """Return the derivative of `penalty` with respect to `W`: λ₂ W + λ₁ sign W, of its shape."""
    return l2 * W + l1 * np.sign(W)


def dropout_mask(rng: np.random.Generator, rate: float, n_units: int, n: int) -> Array:
    """Return a mask (n_units, n) for `n` samples: 0 with probability `rate`, else 1 / (1 − rate).

    The factor compensates for the dropped units: a weighted sum of the next layer is on average as large as
    without dropout, so a trained network can be used without rescaling ("inverted" dropout). Srivastava
    et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """
    return (rate <= rng.random((n, n_units), np.float32).T) * np.float32(1 / (1 - rate))


def limit_norms(W: Array, longest: float) -> Array:
    """Return weights (n_out, n_in) with rows no longer than `longest`: max-norm (Srivastava et al. 2014)."""
    lengths = np.sqrt(np.square(W).sum(axis=1, keepdims=True))  # (n_out, 1)
    return np.asarray(W * np.minimum(1, longest / np.maximum(lengths, np.finfo(W.dtype).tiny)))
