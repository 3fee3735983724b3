"""The table holds every figure to its last digit."""

from __future__ import annotations

import csv
from dataclasses import replace

from explorer.exports.exported_run import TrainingStage
from explorer.exports.files import COLUMNS, records_table
from explorer.training import History

from .conftest import CONFIG


def test_each_epoch_is_a_row(exported):
    run = exported()
    rows = list(csv.DictReader(records_table(run).splitlines()))
    assert tuple(rows[0]) == COLUMNS
    for row, record in zip(rows, run.history, strict=True):
        assert int(row["epoch"]) == record.epoch
        assert float(row["train_loss_per_image"]) == record.train_loss
        assert float(row["test_loss_per_image"]) == record.test_loss
        assert float(row["train_accuracy_share"]) == record.train_accuracy
        assert float(row["test_accuracy_share"]) == record.test_accuracy
        assert float(row["wall_seconds"]) == record.seconds


def test_lines_end_as_the_format_says(exported):
    text = records_table(exported())
    assert text.count("\r\n") == 4
    assert text.endswith("\r\n")


def test_without_an_epoch_there_are_the_headings_alone(exported):
    run = exported()
    assert records_table(replace(run, history=History(run.config))) == ",".join(COLUMNS) + "\r\n"


def test_a_run_of_its_own_is_one_stage(exported):
    assert {row["stage"] for row in csv.DictReader(records_table(exported()).splitlines())} == {"1"}


def test_a_fork_has_the_rows_of_its_parents(exported, trained):
    first = CONFIG.replace(epochs=2, learning_rate=0.1)
    root, at_root = trained(first)
    history, moment = trained(CONFIG, start=at_root.snapshot)
    before = (TrainingStage(first, 2.0, root),)
    run = replace(exported(), history=history, moment=moment, newest=moment, before=before)
    rows = list(csv.DictReader(records_table(run).splitlines()))
    assert [(row["epoch"], row["stage"]) for row in rows] == [("1", "1"), ("2", "1"), ("3", "2")]
    expected = [record.train_loss for record in (*root, *history)]
    assert [float(row["train_loss_per_image"]) for row in rows] == expected
