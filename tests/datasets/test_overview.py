"""What a data set looks like before anything has learned it."""

from __future__ import annotations

import numpy as np

from explorer.datasets.dataset import class_counts, class_means, few_of_each


def test_each_class_is_counted_also_one_without_images():
    assert class_counts(np.array([2, 0, 2]), 4).tolist() == [1, 0, 2, 0]


def test_the_mean_image_is_that_of_its_class(small_dataset):
    images, labels = small_dataset.train_images, small_dataset.train_labels
    means = class_means(images, labels, 11)
    assert (means.shape, means.dtype) == ((11, 28, 28), np.uint8)
    np.testing.assert_allclose(means[3], images[labels == 3].mean(axis=0), atol=0.5)
    assert not means[10].any()


def test_the_mean_of_many_bright_images_does_not_overflow():
    images = np.full((70_000, 1, 1), 255, np.uint8)
    assert class_means(images, np.zeros(70_000, np.int64), 1).tolist() == [[[255]]]


def test_a_few_of_each_class_are_of_it_and_different_ones():
    labels = np.array([0] * 50 + [1] * 3)
    first, second, none = few_of_each(labels, 3, 10, np.random.default_rng(0))
    assert len({*first.tolist()} & {*range(50)}) == 10
    assert (second.tolist(), none.tolist()) == ([50, 51, 52], [])
    again = few_of_each(labels, 3, 10, np.random.default_rng(1))[0]
    assert again.tolist() != first.tolist()
