import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.network.activations import d_relu, d_sigmoid, d_tanh, relu, sigmoid, softmax, tanh

PAIRS = {"sigmoid": (sigmoid, d_sigmoid), "relu": (relu, d_relu), "tanh": (tanh, d_tanh)}
moderate = st.floats(-30, 30)


def any_finite(shape):
    """Arrays of both dtypes."""
    return st.one_of(
        hnp.arrays(dtype, shape, elements=st.floats(allow_nan=False, allow_infinity=False, width=width))
        for dtype, width in ((np.float32, 32), (np.float64, 64))
    )


def closed(name: str, x: float) -> tuple[float, float]:
    """Value and derivative by Python's own mathematics, one number at a time."""
    if name == "relu":
        return max(x, 0.0), float(x > 0)
    if name == "tanh":
        return math.tanh(x), 0.0 if abs(x) > 350 else math.cosh(x) ** -2
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1.0 + e), e / (1.0 + e) ** 2


def test_sigmoid_does_not_overflow():
    """The mistake that the exercise invites first: 1 / (1 + exp(−a)) at a = −1000."""
    for dtype, huge in ((np.float64, 1e308), (np.float32, 3e38)):
        a = np.array([-huge, -1000, -100, -89, 89, 100, 1000, huge], dtype=dtype)
        np.testing.assert_allclose(sigmoid(a), [0, 0, 0, 0, 1, 1, 1, 1], atol=1e-30)
        np.testing.assert_allclose(d_sigmoid(a), np.zeros(8), atol=1e-30)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_and_derivatives_on_a_grid(name, dtype):
    x = np.concatenate([np.linspace(-20, 20, 801), [-700, -40, 40, 700]]).astype(dtype)
    values, slopes = zip(*(closed(name, float(v)) for v in x), strict=True)
    value, slope = PAIRS[name]
    eps = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(value(x), values, rtol=eps, atol=eps)
    np.testing.assert_allclose(slope(x), slopes, rtol=eps, atol=eps)


@pytest.mark.parametrize("name", PAIRS)
@given(x=moderate)
def test_derivative_is_the_slope(name, x):
    value, slope = PAIRS[name]
    eps = 1e-5
    if name == "relu" and abs(x) <= eps:
        return  # the kink has no slope
    assert slope(x) == pytest.approx((value(x + eps) - value(x - eps)) / (2 * eps), abs=1e-8)


@pytest.mark.parametrize("name", PAIRS)
@given(a=any_finite(shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)))
def test_any_finite_array_of_any_shape_stays_in_bounds(name, a):
    before = a.copy()
    low, high, steepest = {"sigmoid": (0, 1, 0.25), "relu": (0, np.inf, 1), "tanh": (-1, 1, 1)}[name]
    for result, bottom, top in zip((f(a) for f in PAIRS[name]), (low, 0), (high, steepest), strict=True):
        assert np.shape(result) == a.shape
        assert np.asarray(result).dtype == a.dtype
        assert np.all((result >= bottom) & (result <= top))
    np.testing.assert_array_equal(a, before, err_msg="the input is changed in place")


@pytest.mark.parametrize("name", PAIRS)
def test_python_numbers_integers_and_what_is_not_a_number(name):
    value, slope = PAIRS[name]
    for x in (0, 1, -1, 2.5, np.int64(3)):
        assert np.ndim(value(x)) == np.ndim(slope(x)) == 0
        assert value(x) == pytest.approx(closed(name, x)[0])
        assert slope(x) == pytest.approx(closed(name, x)[1])
    np.testing.assert_allclose(value(np.array([-2, 0, 3])), [closed(name, v)[0] for v in (-2, 0, 3)])
    assert np.isnan(value(np.array([np.nan, 1.0]))[0])


def test_softmax_by_hand():
    """The columns are normalized, not the rows."""
    a = np.log(np.array([[1.0, 2.0], [3.0, 2.0], [4.0, 4.0]]))
    np.testing.assert_allclose(softmax(a), [[1 / 8, 1 / 4], [3 / 8, 1 / 4], [4 / 8, 1 / 2]], rtol=1e-15)


@given(a=any_finite(shape=(4, 3)))
def test_softmax_of_any_finite_array_sums_to_one(a):
    before = a.copy()
    y = softmax(a)
    assert y.dtype == a.dtype
    assert np.all((y >= 0) & (y <= 1))
    np.testing.assert_allclose(y.sum(axis=0), np.ones(a.shape[1]), rtol=8 * np.finfo(a.dtype).eps)
    np.testing.assert_array_equal(a, before, err_msg="the input is changed in place")


def test_softmax_ignores_a_common_shift():
    a = np.random.default_rng(1).normal(size=(5, 4))
    np.testing.assert_allclose(softmax(a + 1000), softmax(a), rtol=1e-11)
