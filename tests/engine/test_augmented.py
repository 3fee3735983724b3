"""Distorted images made ahead: the same however they are taken, new each epoch, and no thread is left."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.datasets.augmentation import Augmentation, distort
from explorer.engine import inputs
from explorer.engine.inputs import CHUNK_ROWS, AugmentedImages

SOME = Augmentation(shift=2, rotation=10, elastic=1)
N = 2 * CHUNK_ROWS + 300


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 256, (N, 784), dtype=np.uint8)


@pytest.fixture(scope="module")
def order():
    return np.random.default_rng(2).permutation(N)


def taken(source, pieces=(0, N)):
    out = np.zeros((N, 784), np.uint8)
    for start, stop in itertools.pairwise(pieces):
        source.take(start, stop, out[start:stop])
    return out


@pytest.fixture
def source(images):
    source = AugmentedImages(images, SOME, 5)
    yield source
    source.close()


@pytest.fixture(scope="module")
def whole(images, order):
    source = AugmentedImages(images, SOME, 5)
    source.begin(3, order)
    out = taken(source)
    source.close()
    return out


def test_a_chunk_can_be_made_by_itself(images, order, whole):
    for chunk, start in enumerate(range(0, N, CHUNK_ROWS)):
        rows = order[start : start + CHUNK_ROWS]
        rng = np.random.default_rng([5, 2, 3, chunk])
        expected = distort(images[rows].reshape(-1, 28, 28), SOME, rng).reshape(-1, 784)
        np.testing.assert_array_equal(whole[start : start + CHUNK_ROWS], expected)


@pytest.mark.slow
@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, N), max_size=6))
def test_any_pieces_give_the_same(images, order, whole, cuts):
    source = AugmentedImages(images, SOME, 5)
    source.begin(3, order)
    np.testing.assert_array_equal(taken(source, sorted({0, *cuts, N})), whole)
    source.close()


def test_what_was_taken_can_be_taken_again(source, order, whole):
    source.begin(3, order)
    taken(source)
    out = np.empty((9, 784), np.uint8)
    source.take(5, 14, out)
    np.testing.assert_array_equal(out, whole[5:14])


def test_an_epoch_has_images_of_its_own_and_may_begin_before_the_last_is_through(source, order, whole):
    source.begin(2, order)
    source.take(0, 10, np.empty((10, 784), np.uint8))
    source.begin(3, order)
    np.testing.assert_array_equal(taken(source), whole)
    source.begin(4, order)
    assert (taken(source) != whole).any(axis=1).all()


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("augmentation")]


def test_the_thread_lives_from_the_first_epoch_to_the_end(images, order):
    source = AugmentedImages(images, SOME, 5)
    assert threads() == []
    source.begin(0, order)
    source.take(0, 10, np.empty((10, 784), np.uint8))
    assert len(threads()) == 1
    source.close()
    assert threads() == []
    source.close()


def test_the_next_chunks_are_made_meanwhile(source, order, monkeypatch):
    made = threading.Semaphore(0)

    def distort_and_say(*arguments):
        new = distort(*arguments)
        made.release()
        return new

    monkeypatch.setattr(inputs, "distort", distort_and_say)
    source.begin(0, order)
    for _ in range(3):  # before anything is taken
        assert made.acquire(timeout=60)


def test_what_goes_wrong_in_the_thread_reaches_who_takes(source, order, monkeypatch):
    def fail(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(inputs, "distort", fail)
    source.begin(0, order)
    with pytest.raises(MemoryError, match="no room"):
        source.take(0, 10, np.empty((10, 784), np.uint8))
