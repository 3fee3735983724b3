import math

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.network.losses import cross_entropy, d_cross_entropy, d_squared_error, squared_error

PAIRS = {"squared_error": (squared_error, d_squared_error), "cross_entropy": (cross_entropy, d_cross_entropy)}
Y = np.array([[0.7, 0.1, 0.25], [0.2, 0.6, 0.25], [0.1, 0.3, 0.5]])
D = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize("name", PAIRS)
def test_no_loss_is_zero_without_a_sign_and_not_a_number_stays_visible(name):
    loss, y = PAIRS[name][0], Y.copy()
    assert (loss([1.0], [1.0]), math.copysign(1.0, loss([1.0], [1.0]))) == (0.0, 1.0)
    y[0, 0] = np.nan
    assert math.isnan(loss(y, D))


@pytest.mark.parametrize("name", PAIRS)
def test_derivative_is_the_slope(name):
    value, slope = PAIRS[name]
    rng = np.random.default_rng(3)
    y, d = rng.uniform(0.05, 0.95, (4, 5)), rng.uniform(0, 1, (4, 5))
    (expected,) = reference.central_differences(lambda: value(y, d), [y], eps=1e-6)
    np.testing.assert_allclose(slope(y, d), expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", PAIRS)
@given(data=st.data())
def test_against_the_reference(name, data):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2))
    y = data.draw(hnp.arrays(np.float64, shape, elements=st.floats(1e-6, 1)))
    d = data.draw(hnp.arrays(np.float64, shape, elements=st.floats(0, 1)))
    assert PAIRS[name][0](y, d) == pytest.approx(reference.loss(name, y, d), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_cross_entropy_of_a_perfect_answer_is_zero(dtype):
    """0 · log 0 counts as 0, and so does its slope: no NaN, no warning."""
    d = D.astype(dtype)
    assert cross_entropy(d, d) == 0
    slope = d_cross_entropy(d, d)
    assert slope.dtype == dtype
    np.testing.assert_array_equal(slope, -D)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_cross_entropy_of_a_sure_and_wrong_answer(dtype):
    """Probability 0 for the true class costs infinitely much, or what the dtype's smallest number says."""
    y, d = np.array([[0.0], [1.0]], dtype=dtype), np.array([[1.0], [0.0]], dtype=dtype)
    assert cross_entropy(y, d) >= 80
    slope = d_cross_entropy(y, d)
    assert slope[0, 0] < -1e20
    assert slope[1, 0] == 0


def test_cross_entropy_does_not_hide_a_small_probability():
    """A guard against log 0 must not blur what is merely improbable."""
    y, d = np.array([[1e-30], [1.0]]), np.array([[1.0], [0.0]])
    assert cross_entropy(y, d) == pytest.approx(30 * math.log(10))
    assert d_cross_entropy(y, d)[0, 0] == pytest.approx(-1e30)


def test_many_float32_terms_keep_their_sum():
    """60 000 samples of ten outputs in float32: the sum keeps six digits, whatever the processor."""
    y, d = np.full((10, 60_000), 0.1, np.float32), np.zeros((10, 60_000), np.float32)
    assert squared_error(y, d) == pytest.approx(3000.0, rel=1e-6)
    assert cross_entropy(y, d + 1) == pytest.approx(600_000 * math.log(10), rel=1e-6)
