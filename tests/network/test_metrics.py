"""Accuracy, confusion and what follows from it, worked out and counted; the misclassified samples."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.network import accuracy, confusion_matrix, hardest_classes, most_confused, per_class
from explorer.network.metrics import answered, confidences, probabilities, sample_losses, select_samples

MATRIX = np.array([[1, 2, 0], [1, 1, 0], [0, 1, 3]])

pairs_of_labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


def columns(pairs):
    return tuple(np.array(column) for column in zip(*pairs, strict=True))


def test_labels_of_a_small_dtype_do_not_overflow():
    """9 · 10 + 9 fits in uint8, 15 · 16 + 15 too, but 200 · 201 + 200 does not."""
    labels = np.arange(201, dtype=np.uint8)
    np.testing.assert_array_equal(confusion_matrix(labels, labels, 201), np.eye(201))


@given(pairs=pairs_of_labels)
def test_counts_one_by_one(pairs):
    true, predicted = columns(pairs)
    expected = np.zeros((5, 5), int)
    for t, p in pairs:
        expected[t, p] += 1
    matrix = confusion_matrix(true, predicted, 5)
    np.testing.assert_array_equal(matrix, expected)
    assert matrix.dtype == np.int64
    assert np.trace(matrix) / matrix.sum() == pytest.approx(accuracy(true, predicted))
    np.testing.assert_array_equal(confusion_matrix(predicted, true, 5), matrix.T)


@given(pairs=pairs_of_labels)
def test_scores_class_by_class(pairs):
    true, predicted = columns(pairs)
    scores = per_class(confusion_matrix(true, predicted, 5))
    for k in range(5):
        hits = np.sum((true == k) & (predicted == k))
        support, decided = np.sum(true == k), np.sum(predicted == k)
        recall, precision = hits / support if support else 0, hits / decided if decided else 0
        both = precision + recall
        assert scores.support[k] == support
        assert scores.recall[k] == pytest.approx(recall)
        assert scores.precision[k] == pytest.approx(precision)
        assert scores.f1[k] == pytest.approx(2 * precision * recall / both if both else 0)


def test_the_most_confused_pairs_come_first():
    pairs = most_confused(MATRIX)
    assert [(pair.true, pair.predicted, pair.count) for pair in pairs] == [(0, 1, 2), (1, 0, 1), (2, 1, 1)]
    assert [pair.share for pair in pairs] == pytest.approx([2 / 3, 1 / 2, 1 / 4])
    assert most_confused(MATRIX, 1) == pairs[:1]
    assert most_confused(MATRIX, 0) == most_confused(np.diag([3, 4])) == ()


@pytest.mark.parametrize(("true", "predicted"), [
    ([0, 1], [0, 1, 1]),
    ([], []),
    (np.eye(2), np.eye(2)),  # one-hot
    ([0.0, 1.0], [0.0, 1.0]),
    ([[0, 1]], [[0, 1]]),
    ([True, False], [True, False]),
])  # fmt: skip
def test_what_is_no_list_of_labels_is_refused(true, predicted):
    with pytest.raises(ValueError, match=r"samples|shape"):
        accuracy(true, predicted)
    with pytest.raises(ValueError, match=r"samples|shape"):
        confusion_matrix(true, predicted, 2)


@pytest.mark.parametrize(
    ("true", "predicted", "name"), [([3], [0], "true"), ([0], [3], "predicted"), ([-1], [0], "true")]
)
def test_a_class_out_of_range_is_refused(true, predicted, name):
    """−1 would count in the last class, silently."""
    with pytest.raises(ValueError, match=f"{name}.*0 to 2"):
        confusion_matrix(true, predicted, 3)


def test_the_hardest_classes_are_those_of_the_lowest_recall_that_there_are():
    confusion = np.array([[9, 1, 0, 0], [0, 0, 0, 0], [2, 2, 4, 0], [0, 0, 0, 5]])
    assert hardest_classes(confusion) == (2, 0, 3)  # 50, 90 and 100 %; no sample is of class 1
    assert hardest_classes(np.zeros((2, 2), int)) == ()


OUTPUTS = np.array([[0.9, 0.6, 0.1, 0.2, 0.5], [0.1, 0.3, 0.8, 0.7, 0.5], [0.0, 0.1, 0.1, 0.1, 0.0]])
LABELS = np.array([0, 1, 1, 0, 0])  # decided: 0, 0, 1, 1, 0; wrong are samples 1 and 3

some_outputs = hnp.arrays(np.float64, (3, 5), elements=st.floats(1e-6, 1))


@pytest.mark.parametrize("loss", reference.LOSSES)
@given(y=some_outputs)
def test_the_losses_of_the_samples(loss, y):
    d = np.eye(3)[:, LABELS]
    expected = [reference.loss(loss, y[:, [n]], d[:, [n]]) for n in range(5)]
    np.testing.assert_allclose(sample_losses(y, LABELS, loss), expected, atol=1e-12)


def test_a_sure_and_wrong_answer_costs_much_but_not_infinity_and_an_unknown_loss_is_refused():
    (loss,) = sample_losses(np.array([[0.0], [1.0]], np.float32), np.array([0]), "cross_entropy")
    assert 80 < loss < np.inf
    with pytest.raises(ValueError, match=r"squared_error.*cross_entropy"):
        sample_losses(OUTPUTS, LABELS, "hinge")


@given(y=some_outputs)
def test_probabilities_sum_to_one_and_keep_the_order(y):
    p = probabilities(y)
    np.testing.assert_allclose(p.sum(axis=0), np.ones(5))
    np.testing.assert_allclose(p * y.sum(axis=0), y)


def test_where_all_outputs_are_0_every_class_gets_the_same():
    np.testing.assert_array_equal(probabilities(np.zeros((4, 2))), np.full((4, 2), 0.25))


@pytest.mark.parametrize(("which", "expected"), [
    ({}, [3, 1, 4, 2, 0]),
    ({"true": 0}, [3, 4, 0]),
    ({"predicted": 0}, [1, 4, 0]),
    ({"true": 0, "predicted": 1}, [3]),
    ({"true": 2}, []),
    ({"mistakes_only": True}, [3, 1]),
    ({"mistakes_only": True, "true": 0, "predicted": 0}, []),
])  # fmt: skip
def test_the_samples_of_a_cell_the_worst_first(which, expected):
    for loss in reference.LOSSES:
        selected = select_samples(OUTPUTS, LABELS, loss=loss, **which)
        assert selected.tolist() == expected
        assert selected.dtype == np.int64


def test_the_surest_first_and_equals_in_their_order():
    assert select_samples(OUTPUTS, LABELS, order="confidence").tolist() == [0, 2, 3, 1, 4]
    assert select_samples(OUTPUTS, LABELS, order="confidence", mistakes_only=True).tolist() == [3, 1]
    assert select_samples(np.full((2, 4), 0.5), np.zeros(4, int)).tolist() == [0, 1, 2, 3]


SUMS_OTHER_THAN_1 = np.array([[0.9, 0.6, 0.0], [0.9, 0.1, 0.0]])  # shares .5, 6/7 and, of nothing, .5


def test_confidence_is_the_largest_share_not_the_largest_output_and_so_is_a_threshold():
    np.testing.assert_allclose(confidences(SUMS_OTHER_THAN_1), [0.5, 6 / 7, 0.5])
    assert select_samples(SUMS_OTHER_THAN_1, np.zeros(3, int), order="confidence").tolist() == [1, 0, 2]
    assert answered(SUMS_OTHER_THAN_1, np.array([0, 1, 0]), 0.6) == (1, 0)
    assert answered(SUMS_OTHER_THAN_1, np.array([0, 1, 0]), 0.5) == (3, 2)


def test_of_no_number_there_is_no_share_and_no_answer():
    y = OUTPUTS.copy()
    y[1, 2] = np.nan
    np.testing.assert_array_equal(np.isnan(confidences(y)), [0, 0, 1, 0, 0])
    assert select_samples(y, LABELS, order="confidence").tolist()[-1] == 2
    assert answered(y, LABELS, 0.0)[0] == 4
