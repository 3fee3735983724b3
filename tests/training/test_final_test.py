"""The test set, opened for a network that was trained and chosen without it."""

import pytest

from explorer.training import FinalTest, TrainingConfig, TrainingRun, complete, open_test_set

CONFIG = TrainingConfig(hidden_sizes=8, epochs=2, batch_size=32, learning_rate=0.05)


@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize("n_train", [None, 400])
def test_it_is_what_a_run_without_a_split_says_of_the_same_weights(small_dataset, l2, n_train):
    config = CONFIG.replace(l2=l2, n_train=n_train)
    run = TrainingRun(config.replace(n_validation=150), small_dataset)
    final = complete(run).end.final
    judge = TrainingRun(config, small_dataset)
    judge.set_weights(run.network.weights())
    expected = judge.evaluate()
    split = small_dataset.head(n_train).hold_out(150, config.seed)
    found = open_test_set(run.network, split)
    assert (found.accuracy, found.n_images) == (expected.test_accuracy, 200)
    assert found.loss == pytest.approx(expected.test_loss, rel=1e-5)
    assert found == open_test_set(run.network, small_dataset)
    assert found.accuracy != final.test_accuracy


@pytest.mark.parametrize(
    ("number", "words"), [(1, "once"), (2, "for the 2nd time"), (13, "for the 13th time")]
)
def test_how_often_is_said(number, words):
    assert FinalTest(0.1, 0.9, 200, number).times == words
