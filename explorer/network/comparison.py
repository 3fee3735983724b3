"""Comparison of two networks on the same test images: whether one is better, or merely lucky.

Images that both classify correctly, or both misclassify, say nothing about which is better. The others are like
tosses of a coin: if the networks were equally good, each would be as likely to go one way as the other.
"""

import math
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.wording import counted, grouped

__all__ = ["mcnemar", "paired", "verdict"]

_DOUBTFUL = 0.05  # a larger p-value may well be chance
_CLEAR = 0.01
_RAREST = 1e-9  # below, the exact number has no further meaning


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided p-value of McNemar's test, in its exact form.

    With n = only_a + only_b and k = min(only_a, only_b) it is 2 · Σ_{i ≤ k} C(n, i) / 2ⁿ, at most 1: the
    probability that n tosses of a fair coin fall at least as unequally. The test is that of Q. McNemar (1947),
    Psychometrika 12, 153–157; for the exact form and how it compares with others see M. W. Fagerland,
    S. Lydersen and P. Laake (2013), BMC Medical Research Methodology 13:91.

    Parameters
    ----------
    only_a, only_b : int
        Samples that only one of the two classifies correctly; raises `ValueError` below 0.

    Returns
    -------
    float
        In [0, 1], rounded once; 0 if it is too small for a float.
    """
    only_a, only_b = int(only_a), int(only_b)  # of any size
    if min(only_a, only_b) < 0:
        raise ValueError(f"only_a is {only_a} and only_b is {only_b}; expected 0 or more")
    n, k = only_a + only_b, min(only_a, only_b)
    terms = accumulate(range(k), lambda term, i: term * (n - i) // (i + 1), initial=1)  # C(n, i), exactly
    return min(1.0, 2 * sum(terms) / (1 << n))


def paired(outputs_a: NDArray[Any], outputs_b: NDArray[Any], labels: NDArray[np.integer]) -> tuple[int, int]:
    """Count the images that only network A classifies correctly, and those that only B does.

    Parameters
    ----------
    outputs_a, outputs_b : ndarray, shape (n_classes, n_samples)
        The outputs of both; the largest in a column decides.
    labels : ndarray of int, shape (n_samples,)
        The true classes. Raises `ValueError` if the shapes differ.
    """
    if outputs_a.shape != outputs_b.shape or outputs_a.shape[1:] != labels.shape:
        shapes = f"{outputs_a.shape}, {outputs_b.shape} and {labels.shape}"
        raise ValueError(
            f"outputs and labels have shapes {shapes}; both networks must classify the same samples"
        )
    a, b = outputs_a.argmax(axis=0) == labels, outputs_b.argmax(axis=0) == labels
    return int((a & ~b).sum()), int((b & ~a).sum())


def verdict(only_a: int, only_b: int) -> str:
    """State in two sentences what `paired` counted, and what can be concluded."""
    if not only_a + only_b:
        return "A and B classify the same images correctly. Nothing tells them apart."
    of_b, of_a = counted(only_b, "image"), grouped(only_a)
    seen = f"B classifies {of_b} correctly that A misclassifies, and A {of_a} that B misclassifies."
    p_value = mcnemar(only_a, only_b)
    if p_value >= _DOUBTFUL:
        return f"{seen} That could well be chance (p = {p_value:.2f})."
    better = "B" if only_b > only_a else "A"
    ends = f"{better} is better" if p_value < _CLEAR else f"{better} is probably better"
    rare = _how_rare(p_value)
    return f"{seen} If the two were equally good, a gap this large would appear by chance {rare}: {ends}."


def _how_rare(p_value: float) -> str:
    """Express a small p-value as a frequency, to two digits: ``"once in 2 700 tests"``."""
    if p_value < _RAREST:
        return "less than once in a billion tests"
    tests = 1 / p_value
    unit = 10 ** max(0, math.floor(math.log10(tests)) - 1)
    return f"once in {grouped(round(tests / unit) * unit)} tests"
