"""The lines of text that stand for the figures."""

import math

import numpy as np
import pytest

from explorer.figures.confusion import confusion_summary, difficulty
from explorer.figures.curves import curves_summary
from explorer.training.records import EpochRecord, RunEnd


def _epoch(history, epoch, accuracy, confusion, loss=0.0612):
    return history.followed_by(EpochRecord(epoch, loss, loss, 0.9, accuracy, 1.0, confusion))


def test_the_curves_in_one_line(make_history, counts):
    history = _epoch(make_history(4), 5, 0.932, counts)
    assert curves_summary(history) == "epoch 5 of 10, test accuracy 93.2 %, test loss 0.0612"


def test_the_matrix_in_one_line(counts, digits):
    said = "1\u202f879 of 1\u202f909 test images right, most confused: 9 read as 4 (28 times)"
    assert confusion_summary(counts, digits) == said


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_diverged_run_says_since_when(make_history, counts, loss):
    history = _epoch(make_history(2), 3, 0.098, counts, loss)
    history = _epoch(history, 4, 0.098, counts, loss)
    said = "epoch 4 of 10, test accuracy 9.8 %, the loss has not been a number since epoch 3"
    assert curves_summary(history) == said


def test_the_sentence_names_the_hardest_classes_and_the_commonest_mistakes():
    confusion = np.array([[8, 2, 0], [0, 10, 0], [3, 0, 7]])
    assert difficulty(confusion, ("a", "b", "c")) == (
        "Hardest classes: c (70.0 % recognized), a, b. "
        "Most common mix-ups: c read as a (3 times), a read as b (2 times)."
    )
    assert difficulty(np.eye(3, dtype=int), ("a", "b", "c")) == "No test image is misclassified."


def test_within_the_first_epoch_a_run_is_under_way_until_it_ends(make_history):
    history = make_history(0).followed_by(make_history(1).batches[1])  # 0.3 × half an epoch
    assert curves_summary(history) == "epoch 1 of 10 under way, train accuracy so far 15.0 %"
    for status in ("stopped", "failed"):
        ended = history.followed_by(RunEnd(status, "the loss has not been a number since epoch 1."))
        assert curves_summary(ended) == f"{status} in epoch 1 of 10, train accuracy so far 15.0 %"
