"""A data set that several processes map lies once in memory, and is the same in each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.datasets.loading import map_dataset, shared_dataset, write_dataset

CLOTHES = tuple("abcdefghij")


@pytest.fixture
def own(small_dataset):
    return replace(small_dataset, name="Clothes “at night”", class_names=CLOTHES, source="/data/clothes.tgz")


def mapped_file(array):
    """The file that an array lies in, if any."""
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return None if array is None else Path(array.filename)


def assert_same(found, dataset):
    assert (found.name, found.class_names) == (dataset.name, dataset.class_names)
    assert found.source == dataset.source
    for split in ("train", "test"):
        for part in ("images", "labels"):
            array, expected = (getattr(one, f"{split}_{part}") for one in (found, dataset))
            assert array.dtype == expected.dtype
            np.testing.assert_array_equal(array, expected)


def test_what_was_written_is_mapped_and_the_same(own, tmp_path):
    write_dataset(own, tmp_path)
    found = map_dataset(tmp_path)
    assert_same(found, own)
    arrays = [found.train_images, found.train_labels, found.test_images, found.test_labels]
    assert {mapped_file(array).parent for array in arrays} == {tmp_path}
    assert mapped_file(found.head(10).train_images) == mapped_file(found.train_images)
    assert not any(array.flags.writeable for array in arrays)


def test_the_first_to_need_it_shares_it_in_one_step(own, tmp_path):
    folder = tmp_path / "clothes"
    assert_same(shared_dataset(folder, lambda: own), own)
    assert [path.name for path in tmp_path.iterdir()] == ["clothes"]
    found = shared_dataset(folder, lambda: pytest.fail("it is there already"))
    assert mapped_file(found.train_images).parent == folder


def test_whoever_was_faster_is_the_one_that_all_map(own, tmp_path):
    folder = tmp_path / "clothes"

    def load():
        shared_dataset(folder, lambda: own)
        return own

    assert mapped_file(shared_dataset(folder, load).train_images).parent == folder
    assert [path.name for path in tmp_path.iterdir()] == ["clothes"]


def test_with_no_room_it_is_kept_by_the_one_that_read_it(own, tmp_path):
    assert shared_dataset(tmp_path / "no" / "such", lambda: own) is own
