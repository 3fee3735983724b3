"""What is fast must not be felt: no trace of silenced warnings, of what was abandoned, or in memory."""

import gc
import itertools
import tracemalloc

import numpy as np
import pytest
from thinned import one_in

from explorer.engine import Model, minibatches
from explorer.network import NeuralNetwork
from explorer.training import TrainingConfig, TrainingRun

BY_MEAN = {"reduction": "mean", "learning_rate": 0.3}
CONFIG = TrainingConfig(hidden_sizes=(20, 12), n_train=587, epochs=2, seed=3, **BY_MEAN)


@pytest.mark.parametrize("batch_size", [2, 16, 520])
def test_numpys_errors_stay_as_they_were_for_whoever_asks(small_dataset, batch_size):
    with np.errstate(over="raise", divide="warn"):
        before = np.geterr()
        for _ in TrainingRun(CONFIG.replace(batch_size=batch_size), small_dataset):
            assert np.geterr() == before


def test_a_look_at_a_run_that_goes_wrong_is_silent(small_dataset):
    """Within a block: the first layer's delta is infinite, its step no number, and NumPy says nothing."""
    config = CONFIG.replace(batch_size=3, output="softmax", loss="cross_entropy")
    training = TrainingRun(config, small_dataset)
    weights = [np.zeros_like(w) for w in training.snapshot().weights]
    _, _, W2, _, W3, _ = weights
    W2[0, ::2], W2[0, 1::2] = 1e30, -1e30  # the first unit's sum is 0, its slope 1/4
    W3[0, 0] = 1e30
    training.set_weights(weights)
    next(training)
    assert np.isnan(training.snapshot().weights[0]).any()


def test_a_large_mini_batch_that_was_abandoned_leaves_no_trace(small_dataset):
    """Its first part is not added to the next run through the data."""
    order = np.arange(len(small_dataset.train_labels))
    model = Model(NeuralNetwork(784, (20, 12), 10, seed=3))
    batches = minibatches.MiniBatches(model, small_dataset, len(order), 0.3, "mean")
    started = batches.epoch(order)
    next(started)  # the first part of two, whose gradients are in the sum now
    started.close()
    before = model.parameters.weights()
    list(batches.epoch(order))
    stepped = model.parameters.weights()
    model.parameters.set_weights(before)
    list(batches.epoch(order))
    np.testing.assert_equal(stepped, model.parameters.weights())
    assert any((w != v).any() for w, v in zip(before, stepped, strict=True))


@pytest.mark.parametrize("options", one_in(2, [{"optimizer": "adam"}, {"l2": 0.001}]))
def test_single_images_share_the_calls_of_an_update_and_their_memory(small_dataset, options):
    run = TrainingRun(CONFIG.replace(hidden_sizes=(200, 200), batch_size=1, **options), small_dataset)
    tracemalloc.start()
    try:
        for _ in itertools.islice(run, 10):
            pass
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 50 << 20  # 1 MB for the calls of one mini-batch, of which a load has 512


@pytest.mark.parametrize("batch_size", [1, 16, 600])
@pytest.mark.parametrize("n_hidden", [16, 512])
def test_what_a_run_takes_is_free_as_soon_as_it_is_left(small_dataset, n_hidden, batch_size):
    """Without a search for circles, which Python makes rarely."""
    config = TrainingConfig(hidden_sizes=n_hidden, batch_size=batch_size, epochs=1)

    def alive():
        return [one for one in gc.get_objects() if isinstance(one, Model | minibatches.MiniBatches)]

    gc.collect()
    gc.disable()
    try:
        before = {*map(id, alive())}  # other tests'
        list(TrainingRun(config, small_dataset))
        left = [one for one in alive() if id(one) not in before]
    finally:
        gc.enable()
    assert left == []
