"""McNemar's exact test against a sum in whole numbers, published values and worked-out cases."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.network.diagnostics import mcnemar, paired, verdict


def slow(only_a, only_b):
    """The definition, in whole numbers."""
    n = only_a + only_b
    tail = sum(math.comb(n, i) for i in range(min(only_a, only_b) + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 2**n)))


@pytest.mark.parametrize(
    ("only_a", "only_b", "expected"),
    [
        (0, 0, 1.0),
        (0, 1, 1.0),
        (0, 5, 2 / 32),  # five tosses, all alike
        (1, 5, 2 * (1 + 6) / 64),
        (3, 3, 1.0),
        (1, 7, 0.0703125),  # Bentur et al. (2009), as treated by Fagerland et al. (2013): 0.070
        (2, 8, 2 * (1 + 10 + 45) / 1024),
    ],
)
def test_worked_by_hand(only_a, only_b, expected):
    assert mcnemar(only_a, only_b) == pytest.approx(expected, rel=1e-12)


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_it_is_the_sum_of_binomials(only_a, only_b):
    assert mcnemar(only_a, only_b) == pytest.approx(slow(only_a, only_b), rel=1e-9)
    assert mcnemar(only_a, only_b) == mcnemar(only_b, only_a)


@pytest.mark.long
def test_ten_thousand_images_do_not_overflow():
    assert mcnemar(4950, 5050) == pytest.approx(slow(4950, 5050), rel=1e-9)
    assert mcnemar(5000, 5000) == 1.0
    assert mcnemar(0, 10_000) == 0.0


def test_a_negative_count_is_refused():
    with pytest.raises(ValueError, match="only_b is -1"):
        mcnemar(3, -1)


def test_images_are_counted_by_who_reads_them():
    labels = np.array([0, 1, 2, 0, 1, 2])
    a = np.eye(3)[[0, 1, 2, 1, 0, 0]].T  # right on the first three
    b = np.eye(3)[[0, 0, 2, 0, 1, 1]].T  # right on 0, 2, 3, 4
    assert paired(a, b, labels) == (1, 2)
    assert paired(b, a, labels) == (2, 1)


def test_other_images_are_refused():
    with pytest.raises(ValueError, match="the same samples"):
        paired(np.zeros((3, 5)), np.zeros((3, 6)), np.zeros(5, int))
    with pytest.raises(ValueError, match="the same samples"):
        paired(np.zeros((3, 6)), np.zeros((3, 6)), np.zeros(5, int))


def test_a_clear_difference_is_said_with_its_chance():
    assert slow(80, 132) == pytest.approx(1 / 2300, rel=0.02)
    assert verdict(80, 132) == (
        "B classifies 132 images correctly that A misclassifies, and A 80 that B misclassifies."
        " If the two were equally good, a gap this large would appear by chance once in 2\u202f300 tests:"
        " B is better."
    )
    assert verdict(132, 80).endswith("tests: A is better.")


def test_doubt_is_said():
    assert verdict(100, 110).endswith("That could well be chance (p = 0.53).")
    assert verdict(10, 23).endswith("once in 29 tests: B is probably better.")
    assert verdict(1, 1).startswith("B classifies 1 image correctly")


def test_the_rarest_and_the_same():
    assert "less than once in a billion tests" in verdict(0, 1000)
    assert verdict(0, 0) == "A and B classify the same images correctly. Nothing tells them apart."
