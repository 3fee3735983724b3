from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.network import accuracy, confusion_matrix, hardest_classes, most_confused, per_class

TRUE = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
PREDICTED = np.array([0, 1, 1, 1, 0, 2, 2, 2, 1])
MATRIX = np.array([[1, 2, 0], [1, 1, 0], [0, 1, 3]])

pairs_of_labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


def columns(pairs):
    return tuple(np.array(column) for column in zip(*pairs, strict=True))


def test_accuracy_by_hand():
    assert accuracy(TRUE, PREDICTED) == pytest.approx(5 / 9)
    assert accuracy(TRUE, TRUE) == 1
    assert accuracy([0, 1], [1, 0]) == 0


def test_rows_are_the_true_class():
    matrix = confusion_matrix(TRUE, PREDICTED, 3)
    np.testing.assert_array_equal(matrix, MATRIX)
    assert matrix.dtype == np.int64
    np.testing.assert_array_equal(confusion_matrix([0], [2], 3), [[0, 0, 1], [0, 0, 0], [0, 0, 0]])


def test_classes_that_do_not_occur_have_empty_rows_and_columns():
    matrix = confusion_matrix(TRUE, PREDICTED, 5)
    np.testing.assert_array_equal(matrix[:3, :3], MATRIX)
    assert matrix.shape == (5, 5)
    assert matrix.sum() == 9


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
    assert np.trace(matrix) / matrix.sum() == pytest.approx(accuracy(true, predicted))
    np.testing.assert_array_equal(confusion_matrix(predicted, true, 5), matrix.T)


def test_scores_by_hand():
    scores = per_class(MATRIX)
    np.testing.assert_allclose(scores.recall, [1 / 3, 1 / 2, 3 / 4])
    np.testing.assert_allclose(scores.precision, [1 / 2, 1 / 4, 1])
    np.testing.assert_allclose(scores.f1, [2 / 5, 1 / 3, 6 / 7])
    np.testing.assert_array_equal(scores.support, [3, 2, 4])


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


def test_a_class_that_is_never_predicted_has_precision_0_and_no_warning():
    scores = per_class(np.array([[3, 0], [2, 0]]))
    np.testing.assert_array_equal(scores.precision, [0.6, 0])
    np.testing.assert_array_equal(scores.recall, [1, 0])
    np.testing.assert_array_equal(scores.f1, [0.75, 0])


def test_a_class_without_samples_has_recall_0_and_no_warning():
    scores = per_class(np.array([[3, 1], [0, 0]]))
    np.testing.assert_array_equal(scores.recall, [0.75, 0])
    np.testing.assert_array_equal(scores.precision, [1, 0])


def test_the_most_confused_pairs_come_first():
    pairs = most_confused(MATRIX)
    assert [(pair.true, pair.predicted, pair.count) for pair in pairs] == [(0, 1, 2), (1, 0, 1), (2, 1, 1)]
    assert [pair.share for pair in pairs] == pytest.approx([2 / 3, 1 / 2, 1 / 4])


def test_the_number_of_pairs_is_a_limit():
    assert [(p.true, p.predicted) for p in most_confused(MATRIX, 1)] == [(0, 1)]
    assert most_confused(MATRIX, 0) == ()


def test_nothing_is_confused_where_everything_is_right():
    assert most_confused(np.diag([3, 4])) == ()
    matrix = MATRIX.copy()
    most_confused(matrix)
    np.testing.assert_array_equal(matrix, MATRIX)


def test_a_diagonal_is_no_mistake_however_large():
    assert [(p.true, p.predicted) for p in most_confused(np.array([[900, 1], [5, 900]]))] == [(1, 0), (0, 1)]


@pytest.mark.parametrize(
    ("true", "predicted"),
    [
        ([0, 1], [0, 1, 1]),
        ([], []),
        (np.eye(2), np.eye(2)),  # one-hot
        ([0.0, 1.0], [0.0, 1.0]),
        ([[0, 1]], [[0, 1]]),
        ([True, False], [True, False]),
    ],
)
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
