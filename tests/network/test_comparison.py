"""McNemar's exact test against a sum in whole numbers, published values and cases worked by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.network.comparison import Paired, mcnemar, paired, verdict


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


@pytest.mark.slow
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
    assert paired(a, b, labels) == Paired(both_right=2, only_a=1, only_b=2, both_wrong=1, p_value=1.0)
    assert paired(b, a, labels) == Paired(both_right=2, only_a=2, only_b=1, both_wrong=1, p_value=1.0)


def test_other_images_are_refused():
    with pytest.raises(ValueError, match="the same samples"):
        paired(np.zeros((3, 5)), np.zeros((3, 6)), np.zeros(5, int))
    with pytest.raises(ValueError, match="the same samples"):
        paired(np.zeros((3, 6)), np.zeros((3, 6)), np.zeros(5, int))


def words(only_a, only_b):
    return verdict(Paired(9000, only_a, only_b, 100, mcnemar(only_a, only_b)), "run 1", "run 2")


def test_a_clear_difference_is_said_with_its_chance():
    assert slow(80, 132) == pytest.approx(1 / 2300, rel=0.02)
    assert words(80, 132) == (
        "run 2 classifies 132 images correctly that run 1 misclassifies, and run 1 80 that run 2 misclassifies."
        " If the two were equally good, a gap this large would appear by chance once in 2\u202f300 tests:"
        " run 2 is better."
    )
    assert words(132, 80).endswith("tests: run 1 is better.")


def test_doubt_is_said():
    assert words(100, 110).endswith("That could well be chance (p = 0.53).")
    assert words(10, 23).endswith("once in 29 tests: run 2 is probably better.")
    assert words(1, 1).startswith("run 2 classifies 1 image correctly")


def test_the_rarest_and_the_same():
    assert "less than once in a billion tests" in words(0, 1000)
    assert words(0, 0) == "run 1 and run 2 classify the same images correctly. Nothing tells them apart."
