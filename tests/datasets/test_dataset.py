"""The canonical data set: what it refuses, what it shows, what it does not copy."""

import pickle
import tracemalloc
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from explorer.datasets import DatasetError
from explorer.datasets.dataset import ARRAYS, class_means, split_indices


def test_a_column_of_X_is_one_image_row_by_row_divided_by_255(small_dataset):
    column = small_dataset.X_train[:, 3]
    assert column[28 * 5 + 9] == np.float32(small_dataset.train_images[3, 5, 9] / 255)
    assert np.array_equal(column, small_dataset.train_images[3].ravel() / np.float32(255))
    assert (small_dataset.X_train.min(), small_dataset.X_train.max()) == (0, 1)


def test_a_column_of_Y_is_one_hot_at_its_label(small_dataset):
    for split in ("train", "test"):
        labels, Y = getattr(small_dataset, f"{split}_labels"), getattr(small_dataset, f"Y_{split}")
        assert np.array_equal(Y.argmax(axis=0), labels)
        assert np.array_equal(np.sort(Y, axis=0)[-2:], np.repeat([[0], [1]], len(labels), axis=1))


def test_X_is_sample_major_in_memory_and_made_once(small_dataset):
    assert small_dataset.X_train.T.flags.c_contiguous
    assert small_dataset.Y_train.T.flags.c_contiguous
    assert small_dataset.X_train is small_dataset.X_train
    assert np.shares_memory(small_dataset.train_images.reshape(600, 784), small_dataset.train_images)


@pytest.mark.parametrize("name", [*ARRAYS, "X_train", "Y_train", "X_test", "Y_test"])
@pytest.mark.parametrize("n_validation", [0, 100])
def test_nothing_can_be_written(small_dataset, name, n_validation):
    small_dataset = small_dataset.hold_out(n_validation, 0)
    with pytest.raises(ValueError, match="read-only"):
        getattr(small_dataset, name)[0] = 0
    with pytest.raises((FrozenInstanceError, AttributeError)):
        setattr(small_dataset, name, None)


def test_what_a_caller_changes_later_is_not_in_the_data_whose_images_are_contiguous(small_dataset):
    images, labels = np.asfortranarray(small_dataset.train_images), small_dataset.train_labels.copy()
    dataset = replace(small_dataset, train_images=images, train_labels=labels)
    labels[:] = 99
    assert dataset.train_labels.max() == 9
    assert dataset.train_images.flags.c_contiguous


def test_head_keeps_the_first_images_without_a_copy(small_dataset):
    head = small_dataset.head(25)
    assert np.array_equal(head.train_labels, small_dataset.train_labels[:25])
    assert np.shares_memory(head.train_images, small_dataset.train_images)
    assert np.shares_memory(head.train_labels, small_dataset.train_labels)
    assert head.test_images.shape == small_dataset.test_images.shape
    assert head.X_train.shape == (784, 25)
    assert small_dataset.head(None) is small_dataset.head(600) is small_dataset.head(10**9) is small_dataset
    with pytest.raises(ValueError, match="at least 1"):
        small_dataset.head(0)


def test_many_splits_share_the_images_of_the_whole(small_dataset):
    wholes = [small_dataset.head(500 + n) for n in range(50)]
    tracemalloc.start()
    try:
        splits = [whole.hold_out(100 + seed, seed) for seed, whole in enumerate(wholes)]
        sums = [int(split.train_images.sum()) + int(split.test_images.sum()) for split in splits]
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sums == [int(whole.train_images.sum()) for whole in wholes]
    assert kept < 2 * small_dataset.train_images.nbytes  # one copy for each split would be 50 times that
    assert [(split.n_train, split.n_test) for split in splits] == [(400, 100 + n) for n in range(50)]
    assert splits[7].test_labels is splits[7].test_labels
    assert np.shares_memory(splits[7].train_images, splits[7].train_images)


def test_a_split_draws_the_same_images_whenever_it_is_read(small_dataset):
    first, second = (small_dataset.hold_out(150, seed) for seed in (3, 4))
    kept = {name: getattr(first, name).copy() for name in ARRAYS}
    assert not np.array_equal(second.test_labels, first.test_labels)
    small_dataset.hold_out(20, 5).train_labels.sum()  # others take the place of what was copied for the first
    assert all(np.array_equal(getattr(first, name), array) for name, array in kept.items())
    trained, held_out = split_indices(small_dataset.train_labels, 150, 3)
    assert sorted([*trained, *held_out]) == list(range(600))
    assert np.array_equal(first.test_images, small_dataset.train_images[held_out])
    assert np.array_equal(first.train_labels, small_dataset.train_labels[trained])


def test_a_split_is_a_data_set_like_any_other(small_dataset):
    split = small_dataset.hold_out(150, 3)
    assert repr(split) == "<Dataset patterns: 450 train and 150 test images, 10 classes>"
    assert split.held_out == "validation"
    assert (split.X_train.shape, split.Y_test.shape) == ((784, 450), (10, 150))
    assert np.array_equal(split.head(25).train_images, split.train_images[:25])
    again = split.hold_out(50, 0)
    assert (again.n_train, again.n_test, again.part_of) == (400, 50, split)
    assert {*map(bytes, again.test_images)} <= {*map(bytes, split.train_images)}
    for other in (replace(split), pickle.loads(pickle.dumps(split))):
        assert all(np.array_equal(getattr(other, name), getattr(split, name)) for name in ARRAYS)
        assert other.held_out == "validation"
        assert not other.compares_with(split)


def test_pickling_leaves_the_float_arrays_out(small_dataset):
    assert small_dataset.X_train.nbytes > 1e6
    data = pickle.dumps(small_dataset)
    assert len(data) < 1.02 * sum(getattr(small_dataset, name).nbytes for name in ARRAYS)
    again = pickle.loads(data)
    assert all(np.array_equal(getattr(again, name), getattr(small_dataset, name)) for name in ARRAYS)
    assert not again.train_images.flags.writeable
    assert (again.name, again.class_names) == (small_dataset.name, small_dataset.class_names)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("train_images", np.zeros((600, 784), np.uint8), r"train images: found uint8 of shape \(600, 784\)"),
        ("train_images", np.zeros((600, 28, 28), np.float32), "train images: found float32 of shape"),
        ("test_images", np.zeros((0, 28, 28), np.uint8), "test images: found .*, expected .* n at least 1"),
        ("test_images", np.zeros((200, 28, 27), np.uint8), r"test images: found .*\(200, 28, 27\)"),
        (
            "test_labels",
            np.zeros(199, int),
            r"test labels: found int64 of shape \(199,\), expected integers of shape \(200,\)",
        ),
        ("test_labels", np.zeros((200, 1), int), r"test labels: found int64 of shape \(200, 1\)"),
        ("train_labels", np.full(600, 10), "train labels: found label 10, expected labels from 0 to 9"),
        ("train_labels", np.full(600, -1), "train labels: found label -1, expected"),
        ("train_labels", np.full(600, 2**64 - 1, np.uint64), "labels: found label 18446744073709551615"),
        ("train_labels", np.zeros(600), "train labels: found float64"),
        ("train_labels", np.zeros(600, bool), "train labels: found bool"),
        ("class_names", ("0", "1", "2"), "labels: found label [3-9], expected labels from 0 to 2"),
    ],
)
def test_what_does_not_fit_is_refused(small_dataset, field, value, words):
    with pytest.raises(DatasetError, match=words):
        replace(small_dataset, **{field: value})


def test_the_mean_image_is_that_of_its_class(small_dataset):
    images, labels = small_dataset.train_images, small_dataset.train_labels
    means = class_means(images, labels, 11)
    assert (means.shape, means.dtype) == ((11, 28, 28), np.uint8)
    np.testing.assert_allclose(means[3], images[labels == 3].mean(axis=0), atol=0.5)
    assert not means[10].any()
