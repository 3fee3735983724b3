"""Each kind of file has its name, its ending, its type and its content."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from explorer import NeuralNetwork, TrainingConfig
from explorer.exports.files import (
    COLUMNS,
    ExportError,
    TrainingStage,
    export,
    kind_of,
    kinds,
    records_table,
    weights_archive,
)
from explorer.network.weights_file import WeightsError
from explorer.training import Moment, Snapshot

from .conftest import CONFIG


def test_a_file_is_named_after_its_run_and_the_moment_that_is_looked_back_at(exported, trained):
    run = exported(CONFIG.replace(hidden_sizes=(8, 4), seed=7))
    for kind, offer in kinds().items():
        file, of = export(kind, run), offer.what
        assert (file.name, file.media_type) == (f"explorer-784-8-4-10-seed7{of.suffix}", of.media_type)
        assert file.content
    history, _ = trained(CONFIG.replace(epochs=2))
    back = replace(run, moment=Moment(history.last, run.moment.snapshot))
    assert export("weights", back).name == "explorer-784-8-4-10-seed7-epoch2.npz"


def test_what_is_unknown_is_refused(exported):
    with pytest.raises(ExportError, match=r"run.pdf has an unknown ending; expected one of .html \(Report"):
        kind_of("run.pdf")
    with pytest.raises(ExportError, match="kind is 'pdf'; expected one of report, script, csv, weights"):
        export("pdf", exported())


def test_each_epoch_is_a_row(exported):
    run = exported()
    text = records_table(run)
    assert (text.count("\r\n"), text[-2:]) == (4, "\r\n")
    rows = list(csv.DictReader(text.splitlines()))
    assert tuple(rows[0]) == COLUMNS
    names = ("epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "seconds")
    for row, record in zip(rows, run.history, strict=True):
        figures = [getattr(record, name) for name in names]
        assert [*map(float, row.values())] == [*figures, 1, record.learning_rate]


def test_a_fork_has_the_rows_of_its_parents(exported, trained):
    first = CONFIG.replace(epochs=2, learning_rate=0.1)
    root, at_root = trained(first)
    run = exported(start=at_root.snapshot, before=(TrainingStage(first, 2.0, root),))
    rows = list(csv.DictReader(records_table(run).splitlines()))
    assert [(row["epoch"], row["stage"]) for row in rows] == [("1", "1"), ("2", "1"), ("3", "2")]
    expected = [record.train_loss for record in (*root, *run.history)]
    assert [float(row["train_loss_per_image_during_epoch"]) for row in rows] == expected


def test_the_network_comes_back_and_predicts_the_same_with_its_settings_and_records(exported, tmp_path):
    run = exported()
    (tmp_path / "run.npz").write_bytes(weights_archive(run))
    network = NeuralNetwork.load(tmp_path / "run.npz")
    np.testing.assert_equal(run.moment.weights, network.weights())
    np.testing.assert_array_equal(network.predict(run.dataset.X_test), run.moment.test_outputs.argmax(axis=0))
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
