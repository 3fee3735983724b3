"""Images as inputs: sorted by their ink they give the same numbers; distorted ones are made ahead."""

import itertools
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.datasets import Dataset
from explorer.datasets.augmentation import Augmentation, distort
from explorer.engine import Model, Scorer, inputs
from explorer.engine.inputs import CHUNK_ROWS, AugmentedImages, InkedFirst
from explorer.engine.minibatches import MiniBatches
from explorer.network import NeuralNetwork
from explorer.training import TrainingConfig, TrainingRun, train
from explorer.training.learners import finished


def network(n_hidden=400, **methods):
    return NeuralNetwork(784, (n_hidden,), 10, seed=2, **methods)


def outputs(model, images):
    return finished(Scorer(model).scoring(images, np.zeros(len(images), np.int64))).outputs


def pictures(n, *pixels):
    """Return `n` images that have ink at `pixels` and nowhere else."""
    images = np.zeros((n, 784), np.uint8)
    images[:, list(pixels)] = 200
    return images.reshape(n, 28, 28)


def test_pixels_with_ink_come_first():
    images = np.array([[0, 9, 0, 3], [0, 1, 0, 0], [0, 255, 8, 0]], np.uint8)
    inked = InkedFirst(images)
    assert (inked.order.tolist(), inked.n_blank) == ([1, 2, 3, 0], 1)
    inked.sort()
    assert inked.images.tolist() == [[9, 0, 3, 0], [1, 0, 0, 0], [255, 8, 0, 0]]


@given(
    arrays(np.uint8, (30, 12), elements=st.sampled_from([0, 0, 0, 7])),
    st.permutations(range(30)),
    st.integers(1, 31),
)
def test_each_group_of_images_is_in_the_order_of_where_its_ink_ends(images, indices, size):
    inked, order = InkedFirst(images), np.array(indices)
    found = inked.by_ink(order, np.arange(30) // size)
    ends = [max(np.flatnonzero(image) + 1, default=0) for image in images[:, inked.order]]
    for start in range(0, 30, size):
        group = order[start : start + size]
        assert found[start : start + size].tolist() == sorted(group, key=ends.__getitem__)


def test_runs_in_several_threads_sort_the_images_once(mnist):
    images = mnist.train_images[:2000].reshape(-1, 784)
    for _ in range(20):
        inked, begin = InkedFirst(images), Barrier(4)

        def read(inked=inked, begin=begin):
            begin.wait()
            inked.sort()
            return inked.images

        with ThreadPoolExecutor(4) as threads:
            found = [future.result() for future in [threads.submit(read) for _ in range(4)]]
        assert all(each is found[0] for each in found)
        np.testing.assert_array_equal(found[0], images[:, inked.order])


@pytest.mark.parametrize("batch_size", [16, 600, 1000])
def test_a_large_set_is_trained_on_as_a_small_one_and_stays_in_its_file(
    mnist, tmp_path, monkeypatch, batch_size
):
    np.save(tmp_path / "images.npy", mnist.train_images[:4000])
    config = TrainingConfig(hidden_sizes=200, epochs=1, batch_size=batch_size, learning_rate=0.01)
    found, most = [], []
    for limit in (inputs.MOST_COPIED, 1_000_000):
        monkeypatch.setattr(inputs, "MOST_COPIED", limit)
        images = np.load(tmp_path / "images.npy", mmap_mode="r")
        held_out = mnist.test_images[:50], mnist.test_labels[:50]
        dataset = Dataset("some", images, mnist.train_labels[:4000], *held_out)
        tracemalloc.start()
        try:
            found.append(list(train(config, dataset)))
            most.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert found[0] == found[1]
    assert most[1] < most[0] - 0.8 * images.nbytes


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_model_with_sorted_pixels_gives_the_outputs_of_one_without(mnist, n_threads):
    """Of few images and many; with ink where no training image has any, in all, in some or nowhere."""
    sorted_model = Model(network(), n_threads=n_threads, dataset=mnist.head(600))
    model = Model(network())
    assert (sorted_model.order is None, model.order) == (False, None)
    digits, corner = mnist.test_images, pictures(3, 0, 783)
    mixed = np.concatenate([pictures(300), corner, digits[:300]])
    for images in (digits[:1], digits[:7], digits[:520], corner, pictures(1), pictures(40), mixed):
        found, expected = outputs(sorted_model, images), outputs(model, images)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_weights_are_in_the_networks_order(mnist):
    model = Model(network(), dataset=mnist.head(600))
    before = network().parameters
    assert not np.array_equal(model.parameters.layers[0][0].T, before[0])
    np.testing.assert_equal(model.parameters.weights(), before)
    model.parameters.set_weights([2 * v for v in before])
    for w, v in zip(model.parameters.weights(), before, strict=True):
        np.testing.assert_array_equal(w, 2 * v)


@pytest.mark.parametrize("batch_size", [5, 40, 75])
def test_sorted_pixels_give_the_same_weights_after_each_mini_batch(mnist, batch_size):
    """Also within a block of tiny ones, whose steps are still to be applied to the first layer."""
    data = mnist.head(75)
    models = Model(network(1100), dataset=data), Model(network(1100))
    batches = [MiniBatches(model, data, batch_size, 0.01, "sum") for model in models]
    epochs = (each.epoch(np.random.default_rng(1).permutation(75)) for each in batches)
    for _ in zip(*epochs, strict=True):
        with batches[0].settled(), batches[1].settled():
            found, expected = (model.parameters.weights() for model in models)
        for w, v in zip(found, expected, strict=True):
            np.testing.assert_allclose(w, v, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("shift", [0, 4])
def test_weights_of_pixels_without_ink_change_only_where_images_are_moved(mnist, shift):
    data = mnist.head(200)
    blank = ~data.train_images.any(axis=0).reshape(-1)
    config = TrainingConfig(hidden_sizes=400, optimizer="adam", learning_rate=0.001, shift=shift, epochs=1)
    run = TrainingRun(config, data)
    before = run.weights()[0]
    list(run)
    changed = (run.weights()[0] != before).any(axis=0)
    assert changed[~blank].all()
    assert changed[blank].any() == bool(shift)


@pytest.mark.parametrize(
    "settings",
    [{"n_hidden": 128}, *({name: 0.2} for name in ("dropout", "input_dropout", "l2", "l1", "max_norm"))],
)
def test_pixels_stay_as_they_are(mnist, settings):
    """In a narrow network, and with a method that goes through images, pixels or weights in their order."""
    assert Model(network(**settings), dataset=mnist.head(600)).order is None


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
    return AugmentedImages(images, SOME, 5)


@pytest.fixture(scope="module")
def whole(images, order):
    source = AugmentedImages(images, SOME, 5)
    source.begin(3, order)
    return taken(source)


def test_a_chunk_can_be_made_by_itself(images, order, whole):
    for chunk, start in enumerate(range(0, N, CHUNK_ROWS)):
        rows = order[start : start + CHUNK_ROWS]
        rng = np.random.default_rng([5, 2, 3, chunk])
        expected = distort(images[rows].reshape(-1, 28, 28), SOME, rng).reshape(-1, 784)
        np.testing.assert_array_equal(whole[start : start + CHUNK_ROWS], expected)


@pytest.mark.slow
@settings(max_examples=6)
@given(cuts=st.lists(st.integers(0, N), max_size=6))
def test_any_pieces_give_the_same(images, order, whole, cuts):
    source = AugmentedImages(images, SOME, 5)
    source.begin(3, order)
    np.testing.assert_array_equal(taken(source, sorted({0, *cuts, N})), whole)


def test_an_epoch_has_images_of_its_own_and_may_begin_before_the_last_is_through(source, order, whole):
    source.begin(2, order)
    source.take(0, 10, np.empty((10, 784), np.uint8))
    source.begin(3, order)
    np.testing.assert_array_equal(taken(source), whole)
    source.begin(4, order)
    assert (taken(source) != whole).any(axis=1).all()


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
