from __future__ import annotations

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.network.metrics import answered, confidences, probabilities, sample_losses, select_samples

OUTPUTS = np.array([[0.9, 0.6, 0.1, 0.2, 0.5], [0.1, 0.3, 0.8, 0.7, 0.5], [0.0, 0.1, 0.1, 0.1, 0.0]])
LABELS = np.array([0, 1, 1, 0, 0])  # decided: 0, 0, 1, 1, 0; wrong are samples 1 and 3

some_outputs = hnp.arrays(np.float64, (3, 5), elements=st.floats(1e-6, 1))


@pytest.mark.parametrize("loss", reference.LOSSES)
@given(y=some_outputs)
def test_the_losses_of_the_samples(loss, y):
    d = np.eye(3)[:, LABELS]
    expected = [reference.loss(loss, y[:, [n]], d[:, [n]]) for n in range(5)]
    np.testing.assert_allclose(sample_losses(y, LABELS, loss), expected, atol=1e-12)


def test_a_sure_and_wrong_answer_costs_much_but_not_infinity():
    (loss,) = sample_losses(np.array([[0.0], [1.0]], np.float32), np.array([0]), "cross_entropy")
    assert 80 < loss < np.inf


def test_not_a_number_stays_visible():
    y = OUTPUTS.copy()
    y[:, 2] = np.nan
    for loss in reference.LOSSES:
        np.testing.assert_array_equal(np.isnan(sample_losses(y, LABELS, loss)), [0, 0, 1, 0, 0])


def test_an_unknown_loss_is_refused_and_the_known_are_listed():
    with pytest.raises(ValueError, match=r"squared_error.*cross_entropy"):
        sample_losses(OUTPUTS, LABELS, "hinge")


@given(y=some_outputs)
def test_probabilities_sum_to_one_and_keep_the_order(y):
    p = probabilities(y)
    np.testing.assert_allclose(p.sum(axis=0), np.ones(5))
    np.testing.assert_allclose(p * y.sum(axis=0), y)


def test_where_all_outputs_are_0_every_class_gets_the_same():
    np.testing.assert_array_equal(probabilities(np.zeros((4, 2))), np.full((4, 2), 0.25))


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ({}, [3, 1, 4, 2, 0]),
        ({"true": 0}, [3, 4, 0]),
        ({"predicted": 0}, [1, 4, 0]),
        ({"true": 0, "predicted": 1}, [3]),
        ({"true": 2}, []),
        ({"mistakes_only": True}, [3, 1]),
        ({"mistakes_only": True, "true": 0, "predicted": 0}, []),
    ],
)
def test_the_samples_of_a_cell_the_worst_first(which, expected):
    for loss in reference.LOSSES:
        selected = select_samples(OUTPUTS, LABELS, loss=loss, **which)
        assert selected.tolist() == expected
        assert selected.dtype == np.int64


def test_the_surest_first():
    assert select_samples(OUTPUTS, LABELS, order="confidence").tolist() == [0, 2, 3, 1, 4]
    assert select_samples(OUTPUTS, LABELS, order="confidence", mistakes_only=True).tolist() == [3, 1]


SUMS_OTHER_THAN_1 = np.array([[0.9, 0.6, 0.0], [0.9, 0.1, 0.0]])  # shares .5, 6/7 and, of nothing, .5


def test_confidence_is_the_largest_share_not_the_largest_output():
    np.testing.assert_allclose(confidences(SUMS_OTHER_THAN_1), [0.5, 6 / 7, 0.5])
    assert select_samples(SUMS_OTHER_THAN_1, np.zeros(3, int), order="confidence").tolist() == [1, 0, 2]


def test_a_threshold_is_compared_with_the_same_confidence():
    kept = answered(SUMS_OTHER_THAN_1, np.array([0, 1, 0]), 0.6)
    assert (kept.n, kept.n_right, kept.n_samples) == (1, 0, 3)
    everything = answered(SUMS_OTHER_THAN_1, np.array([0, 1, 0]), 0.5)
    assert (everything.coverage, everything.accuracy) == (1.0, 2 / 3)


def test_of_no_number_there_is_no_share_and_no_answer():
    y = OUTPUTS.copy()
    y[1, 2] = np.nan
    np.testing.assert_array_equal(np.isnan(confidences(y)), [0, 0, 1, 0, 0])
    assert select_samples(y, LABELS, order="confidence").tolist()[-1] == 2
    assert answered(y, LABELS, 0.0).n == 4


def test_equals_stay_in_their_order():
    assert select_samples(np.full((2, 4), 0.5), np.zeros(4, int)).tolist() == [0, 1, 2, 3]
