"""The test set, opened for a network that was trained and chosen without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.training import TrainingConfig, TrainingRun, complete, open_test_set

CONFIG = TrainingConfig(hidden_sizes=8, epochs=2, batch_size=32, learning_rate=0.05)


@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize("n_train", [None, 400])
def test_it_is_what_a_run_without_a_split_says_of_the_same_weights(small_dataset, l2, n_train):
    config = CONFIG.replace(l2=l2, n_train=n_train)
    run = complete(TrainingRun(config.replace(n_validation=150), small_dataset))
    judge = TrainingRun(config, small_dataset)
    judge.set_weights(run.network.weights())
    expected = judge.evaluate()
    split = small_dataset.head(n_train).hold_out(150, config.seed)
    found = open_test_set(run.network, split)
    assert (found.accuracy, found.n_images) == (expected.test_accuracy, 200)
    assert found.loss == pytest.approx(expected.test_loss, rel=1e-5)
    assert found == open_test_set(run.network, small_dataset)
    assert found.accuracy != run.final.test_accuracy


def test_a_split_knows_the_data_that_it_is_of(small_dataset):
    split = small_dataset.head(400).hold_out(100, 3)
    assert split.unsplit is small_dataset.head(400)
    assert small_dataset.unsplit is small_dataset
    assert not np.may_share_memory(split.test_images, small_dataset.test_images)
    assert split.unsplit.compares_with(small_dataset)


@pytest.mark.parametrize(
    ("number", "words"), [(1, "once"), (2, "for the 2nd time"), (13, "for the 13th time")]
)
def test_how_often_is_said(small_dataset, number, words):
    found = open_test_set(TrainingRun(CONFIG, small_dataset).network, small_dataset)
    assert found.times == "once"
    assert replace(found, number=number).times == words
