"""Whether one of two networks classifies the same test images better than the other, or was merely lucky.

Images that both classify correctly, or both misclassify, say nothing about which is better. The others are like
tosses of a coin: if the networks were equally good, each would be as likely to go one way as the other.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.wording import counted, grouped

__all__ = ["Paired", "mcnemar", "paired", "verdict"]

_DOUBTFUL = 0.05  # from here on a difference may well be chance
_CLEAR = 0.01
_RAREST = 1e-9  # beyond, the exact number says nothing more


@dataclass(frozen=True, slots=True)
class Paired:
    """How two networks, A and B, classify the same images.

    Parameters
    ----------
    both_right, only_a, only_b, both_wrong : int
        Images that are classified correctly by both, by A alone, by B alone, by neither.
    p_value : float
        Two-sided p-value of the exact McNemar test, 0 to 1.
    """

    both_right: int
    only_a: int
    only_b: int
    both_wrong: int
    p_value: float


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided p-value of McNemar's test, in its exact form.

    With n = only_a + only_b and k = min(only_a, only_b) it is 2 · Σ_{i ≤ k} C(n, i) / 2ⁿ, at most 1: the
    probability that n tosses of a fair coin fall at least as unequally. The test is that of Q. McNemar (1947),
    Psychometrika 12, 153–157; for the exact form and how it compares with others see M. W. Fagerland,
    S. Lydersen and P. Laake (2013), BMC Medical Research Methodology 13:91.

    Parameters
    ----------
    only_a, only_b : int
        Samples that only the one, or only the other, gets right; at least 0.

    Returns
    -------
    float
        In [0, 1], with a relative error below 1e-9; 0 where it is too small for a float.

    Raises
    ------
    ValueError
        If a count is negative.
    """
    if min(only_a, only_b) < 0:
        raise ValueError(f"only_a is {only_a} and only_b is {only_b}; expected 0 or more")
    n, k = only_a + only_b, min(only_a, only_b)
    i = np.arange(1, k + 1, dtype=np.float64)
    log_terms = np.concatenate([[0.0], np.cumsum(np.log((n - i + 1) / i))])  # log C(n, i) for i = 0 … k
    largest = float(log_terms[-1])  # the terms rise up to n / 2
    log_sum = largest + math.log(float(np.exp(log_terms - largest).sum()))
    return min(1.0, 2.0 * math.exp(log_sum - n * math.log(2.0)))


def paired(outputs_a: NDArray[Any], outputs_b: NDArray[Any], labels: NDArray[np.integer]) -> Paired:
    """Return how networks A and B classify the same images, and how surprising the difference is.

    Parameters
    ----------
    outputs_a, outputs_b : ndarray, shape (n_classes, n_samples)
        The outputs of both; the largest of a column decides.
    labels : ndarray of int, shape (n_samples,)
        The true classes.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if outputs_a.shape != outputs_b.shape or outputs_a.shape[1:] != labels.shape:
        shapes = f"{outputs_a.shape}, {outputs_b.shape} and {labels.shape}"
        raise ValueError(
            f"outputs and labels have shapes {shapes}; both networks must classify the same samples"
        )
    a, b = outputs_a.argmax(axis=0) == labels, outputs_b.argmax(axis=0) == labels
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    return Paired(int((a & b).sum()), only_a, only_b, int((~a & ~b).sum()), mcnemar(only_a, only_b))


def verdict(pair: Paired, a: str = "A", b: str = "B") -> str:
    """Return what the comparison says, in words.

    Parameters
    ----------
    pair : Paired
        The counts and their p-value.
    a, b : str
        What to call the two.

    Returns
    -------
    str
        Two sentences: what was counted, and what may be concluded.
    """
    if not pair.only_a + pair.only_b:
        return f"{a} and {b} classify the same images correctly. Nothing tells them apart."
    of_b, of_a = counted(pair.only_b, "image"), grouped(pair.only_a)
    seen = f"{b} classifies {of_b} correctly that {a} misclassifies, and {a} {of_a} that {b} misclassifies."
    if pair.p_value >= _DOUBTFUL:
        return f"{seen} That could well be chance (p = {pair.p_value:.2f})."
    better = b if pair.only_b > pair.only_a else a
    ends = f"{better} is better" if pair.p_value < _CLEAR else f"{better} is probably better"
    rare = _how_rare(pair.p_value)
    return f"{seen} If the two were equally good, a gap this large would appear by chance {rare}: {ends}."


def _how_rare(p_value: float) -> str:
    """Return how often a small p-value happens, to two digits: ``"once in 2 700 tests"``."""
    if p_value < _RAREST:
        return "less than once in a billion tests"
    tests = 1 / p_value
    unit = 10 ** max(0, math.floor(math.log10(tests)) - 1)
    return f"once in {grouped(round(tests / unit) * unit)} tests"
