"""The weights come back, and read the same images in the same way."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from explorer import NeuralNetwork, TrainingConfig
from explorer.exports.files import weights_archive
from explorer.network.weights_file import WeightsError
from explorer.training import Moment, Snapshot


def test_the_network_comes_back_and_predicts_the_same(exported, tmp_path):
    run = exported()
    (tmp_path / "run.npz").write_bytes(weights_archive(run))
    network = NeuralNetwork.load(tmp_path / "run.npz")
    for before, after in zip(run.moment.weights, network.weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(network.predict(run.dataset.X_test), run.moment.test_outputs.argmax(axis=0))


def test_settings_and_records_come_with_them(exported, tmp_path):
    run = exported()
    (tmp_path / "run.npz").write_bytes(weights_archive(run))
    with np.load(tmp_path / "run.npz", allow_pickle=False) as content:
        assert TrainingConfig(**json.loads(content["config"].item())) == run.config
        assert content["weights_epoch"] == 3
        np.testing.assert_array_equal(content["test_accuracy"], [r.test_accuracy for r in run.history])


def test_weights_that_are_no_numbers_are_not_written(exported):
    run = exported()
    broken = tuple(np.full_like(array, np.nan) for array in run.moment.weights)
    moment = Moment(run.moment.record, Snapshot(3, broken, run.moment.test_outputs))
    with pytest.raises(WeightsError, match="not a number"):
        weights_archive(replace(run, moment=moment))
