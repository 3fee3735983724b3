"""The reliability diagram, against worked-out numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.figures.reliability import reliability, reliability_data

# Six samples of two classes. Confidences .55, .6 | .9, .95, .95, 1.0; the first and the fourth are wrong.
OUTPUTS = np.array([[0.55, 0.4, 0.9, 0.05, 0.95, 1.0], [0.45, 0.6, 0.1, 0.95, 0.05, 0.0]])
LABELS = np.array([1, 1, 0, 0, 0, 0])


def test_bins_and_the_expected_calibration_error_by_hand():
    bins = reliability(OUTPUTS, LABELS, n_bins=5)
    assert bins.counts.tolist() == [0, 0, 2, 0, 4]
    assert bins.right.tolist() == [0, 0, 1, 0, 3]
    np.testing.assert_allclose(bins.confidence, [np.nan, np.nan, 0.575, np.nan, 0.95])
    np.testing.assert_allclose(bins.accuracy, [np.nan, np.nan, 0.5, np.nan, 0.75])
    # 2/6 · |0.5 − 0.575| + 4/6 · |0.75 − 0.95| = 0.025 + 0.1333…
    assert bins.error == pytest.approx(0.025 + 0.8 / 6)


def test_the_confidence_is_the_largest_outputs_share_of_the_sum():
    """As that of threshold and gallery: the same percentage stands under the same image."""
    halves, thirds = reliability(0.5 * OUTPUTS, LABELS, n_bins=5), reliability(OUTPUTS / 3, LABELS, n_bins=5)
    for bins in (halves, thirds):
        np.testing.assert_array_equal(bins.counts, [0, 0, 2, 0, 4])
        np.testing.assert_allclose(bins.confidence, [np.nan, np.nan, 0.575, np.nan, 0.95])
    both_sure = np.array([[0.9], [0.9]])
    assert reliability(both_sure, LABELS[:1]).confidence[4] == 0.5


@pytest.mark.parametrize(
    ("confidence", "right", "error"), [(1.0, 10, 0.0), (1.0, 0, 1.0), (0.7, 7, 0.0), (0.9, 5, 0.4)]
)
def test_known_errors(confidence, right, error):
    outputs = np.tile([[confidence], [1 - confidence]], 10)
    labels = np.array([0] * right + [1] * (10 - right))
    assert reliability(outputs, labels).error == pytest.approx(error, abs=1e-12)


@given(st.integers(1, 200), st.integers(1, 30), st.integers(0, 2**31))
def test_every_sample_is_counted_once_and_the_error_is_a_share(n, n_bins, seed):
    rng = np.random.default_rng(seed)
    outputs = rng.uniform(size=(4, n)).astype(np.float32)
    labels = rng.integers(0, 4, n)
    bins = reliability(outputs, labels, n_bins)
    assert bins.counts.sum() == n
    assert bins.right.sum() == np.count_nonzero(outputs.argmax(axis=0) == labels)
    assert 0 <= bins.error <= 1
    used = bins.counts > 0
    assert (bins.confidence[used] >= bins.edges[:-1][used] - 1e-6).all()
    assert (bins.confidence[used] <= bins.edges[1:][used] + 1e-6).all()


def test_samples_that_are_no_number_are_left_out():
    outputs = OUTPUTS.copy()
    outputs[:, 0] = np.nan
    assert reliability(outputs, LABELS).counts.sum() == 5
    assert math.isnan(reliability(np.full((2, 3), np.nan), LABELS[:3]).error)


def test_traces_show_percent_and_only_the_bins_in_use():
    trace = reliability_data(reliability(OUTPUTS, LABELS, n_bins=5))[0][1]
    np.testing.assert_allclose(trace["x"], [57.5, 95])
    np.testing.assert_allclose(trace["y"], [50, 75])
    assert trace["x"].dtype == trace["y"].dtype == trace["marker"]["size"].dtype == np.float32
    areas = trace["marker"]["size"] ** 2
    assert areas[1] / areas[0] == pytest.approx(2, rel=1e-5)
    assert trace["hovertext"] == [
        "confidence 40–60 %, 57.5 % on average:<br>1 of 2 right (50.0 %)",
        "confidence 80–100 %, 95.0 % on average:<br>3 of 4 right (75.0 %)",
    ]


def test_chance_is_the_mean_error_of_a_calibrated_network():
    n, p = 50, 0.7
    found = reliability(np.array([[p], [1 - p]]).repeat(n, axis=1), np.zeros(n, int)).chance
    shares = (math.comb(n, k) * p**k * (1 - p) ** (n - k) * abs(k / n - p) for k in range(n + 1))
    assert found == pytest.approx(sum(shares), rel=0.02)
