"""Views with other labels, or with some classes."""

import numpy as np
import pytest

from explorer.datasets import DatasetError
from explorer.datasets.relabeled import of_classes, random_labels, swapped_labels


def test_a_share_of_the_labels_is_drawn_and_the_rest_and_the_test_images_stay(small_dataset):
    drawn = random_labels(small_dataset, 0.5, seed=3)
    changed = np.mean(drawn.train_labels != small_dataset.train_labels)
    share = 0.5 * (1 - 1 / small_dataset.n_classes)  # some are drawn as they were
    assert changed == pytest.approx(share, abs=0.08)
    np.testing.assert_array_equal(drawn.test_labels, small_dataset.test_labels)
    again = random_labels(small_dataset, 0.5, seed=3)
    np.testing.assert_array_equal(drawn.train_labels, again.train_labels)
    np.testing.assert_array_equal(random_labels(small_dataset, 0.0).train_labels, small_dataset.train_labels)


def test_swapped_labels_are_all_wrong_and_known(small_dataset):
    wrong, chosen = swapped_labels(small_dataset, 40, seed=1)
    np.testing.assert_array_equal(np.flatnonzero(wrong.train_labels != small_dataset.train_labels), chosen)
    assert len(chosen) == 40


def test_only_some_classes_stay_with_their_labels(small_dataset):
    part = of_classes(small_dataset, {0, 2})
    assert {*part.train_labels} == {*part.test_labels} == {0, 2}
    assert part.n_classes == small_dataset.n_classes
    assert part.n_train == np.isin(small_dataset.train_labels, [0, 2]).sum()


def test_bad_shares_counts_and_classes_are_refused(small_dataset):
    with pytest.raises(ValueError, match="expected 0 to 1"):
        random_labels(small_dataset, 1.5)
    with pytest.raises(ValueError, match="expected 0 to"):
        swapped_labels(small_dataset, small_dataset.n_train + 1)
    with pytest.raises(DatasetError):
        of_classes(small_dataset, ())
