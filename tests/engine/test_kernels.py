import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.engine.kernels import perform, product

sizes = st.integers(1, 40)


@settings(deadline=None)
@given(
    n_rows=st.integers(1, 200), n_inner=sizes, n_columns=sizes, small=st.integers(0, 50_000), data=st.data()
)
def test_a_product_is_the_product_however_it_is_cut(n_rows, n_inner, n_columns, small, data):
    rng = np.random.default_rng(0)
    left = rng.normal(size=(n_rows, n_inner))
    right = rng.normal(size=(n_inner, n_columns))
    if data.draw(st.booleans(), "left transposed"):
        left = np.ascontiguousarray(left.T).T
    if data.draw(st.booleans(), "right transposed"):
        right = np.ascontiguousarray(right.T).T
    out = np.full((n_rows, n_columns), np.nan)
    calls = product(left, right, out, small)
    assert np.isnan(out).all(), "nothing is done before the calls are made"
    perform(calls)
    np.testing.assert_allclose(out, left @ right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("transposed", "n_units"), [(False, 32), (True, 32), (False, 128), (True, 128)])
def test_a_large_product_is_made_of_small_ones(transposed, n_units):
    """None of the calls has more multiplications than asked for, and nothing is copied."""
    X = np.ones((512, 785), np.float32)
    left = X.T if transposed else X
    right, out = np.ones((left.shape[1], n_units), np.float32), np.empty((left.shape[0], n_units), np.float32)
    calls = product(left, right, out, 1_000_000)
    for call in calls:
        part, _, result = call.args
        assert part.shape[-2] * part.shape[-1] * n_units <= 1_000_000
        assert np.shares_memory(part, X)
        assert np.shares_memory(result, out)
    assert len(calls) <= 2
    assert len(product(left, right, out)) == 1
