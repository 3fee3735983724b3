"""A trained network is that of `train`, with all its records."""

from __future__ import annotations

import numpy as np

from explorer.network import accuracy
from explorer.notebook.studies import trained
from explorer.training import TrainingConfig, train

CONFIG = TrainingConfig(hidden_sizes=(8,), epochs=3, batch_size=20)


def test_the_records_are_those_of_train(small_dataset):
    result = trained(CONFIG, small_dataset)
    assert result.history.epochs == tuple(train(CONFIG, small_dataset))
    assert result.history.batches[-1].epoch == 3.0
    assert result.history.batches[-1].step == 3 * 600 // 20


def test_the_figures_are_those_of_its_network(small_dataset):
    result = trained(CONFIG, small_dataset)
    predicted = result.network.predict(small_dataset.X_test)
    assert result.final.test_accuracy == accuracy(small_dataset.test_labels, predicted)
    np.testing.assert_array_equal(result.outputs.argmax(axis=0), predicted)
    on_train = accuracy(small_dataset.train_labels, result.network.predict(small_dataset.X_train))
    assert result.final.train_accuracy == on_train
    assert repr(result).endswith(
        f"after 3 epochs: train accuracy {100 * on_train:.2f} %, "
        f"test accuracy {100 * result.final.test_accuracy:.2f} %"
    )
