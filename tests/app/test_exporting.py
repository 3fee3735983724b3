"""The exports of the app: of the run on screen, of a fork, of the selected epoch, and of no run."""

import csv
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from app_steps import rewind, run_of, train_on

from explorer import NeuralNetwork, TrainingConfig
from explorer.app.files import exported
from explorer.exports.files import ExportError, kinds

CONFIG = TrainingConfig(hidden_sizes=8, epochs=3, batch_size=16, learning_rate=0.05)


def choose(app, kind):
    app.header._on_message(app.header, {"export": kind}, [])


@pytest.mark.long
def test_without_a_home_that_can_be_written_every_kind_is_exported():
    nowhere = "/dev/null/nobody"  # which even root can't write
    code = """
from explorer import Explorer
from explorer.exports.files import kinds
app = Explorer(epochs=1, n_train=1000)
assert app.wait(60)
print(*(len(app.export(kind).content) for kind in kinds()))
"""
    environment = {**os.environ, "HOME": nowhere, "XDG_CACHE_HOME": nowhere}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [int(size) > 100 for size in done.stdout.split()] == [True] * len(kinds())


@pytest.mark.parametrize("kind", kinds())
def test_what_the_page_saves_is_what_python_saves(app, sent, kind, tmp_path):
    path = tmp_path / f"run{kinds()[kind].what.suffix}"
    app.save(path)
    choose(app, kind)
    assert path.read_bytes() == sent[0][1] == app.export(kind).content
    with pytest.raises(FileExistsError):
        app.save(path)
    app.save(path, overwrite=True)


def test_weights_are_those_of_the_selected_epoch(app, tmp_path):
    rewind(app, 1)
    file = app.export("weights")
    assert file.name == "explorer-784-8-10-seed0-epoch1.npz"
    (tmp_path / file.name).write_bytes(file.content)
    first = run_of(app).timeline.moments[0]
    np.testing.assert_array_equal(NeuralNetwork.load(tmp_path / file.name).W1, first.weights[0])
    accuracy = f"{first.record.test_accuracy:.1%}".replace("%", "\u00a0%")
    assert accuracy in app.export("report").content.decode()
    assert len(app.export("csv").content.splitlines()) == 4  # the table is of the whole run


def test_a_fork_knows_what_lies_before_it(app):
    rewind(app, 2)
    app.session.config = CONFIG.replace(learning_rate=0.01, epochs=5)
    train_on(app)
    run = exported(run_of(app), app.session.state.moment, app.dataset)
    (before,) = run.before
    assert (before.config, before.end, run.config.epochs) == (CONFIG, 2.0, 5)
    assert [record.epoch for record in before.history] == [1, 2]  # of three
    assert max(record.epoch for record in before.history.batches) == 2
    rows = list(csv.DictReader(app.export("csv").content.decode().splitlines()))
    stages = [("1", "1"), ("2", "1"), ("3", "2"), ("4", "2"), ("5", "2")]
    assert [(row["epoch"], row["stage"]) for row in rows] == stages
    records = [*run_of(app).origin.parent.history.epochs[:2], *app.history]
    assert [float(row["test_loss_per_image"]) for row in rows] == [record.test_loss for record in records]
    report = app.export("report").content.decode()
    assert "Branched at the dotted line, after epoch 2" in report
    assert "The same settings again" in report


def test_a_fork_of_a_fork_and_of_a_file_knows_all_of_it(app):
    run = run_of(app)
    app.session.open(replace(run, origin=replace(run.origin, file="it.npz")))
    for epochs in (5, 8):
        app.session.config = CONFIG.replace(epochs=epochs)
        train_on(app)
    run = exported(run_of(app), app.session.state.moment, app.dataset)
    assert (run.file, run.first_epoch) == ("it.npz", 0)
    assert [stage.end for stage in run.before] == [3.0, 5.0]
    assert [stage.end for stage in run.stages] == [3.0, 5.0, 8.0]
    assert [record.epoch for record in run.whole()] == [*range(1, 9)]


def test_without_a_run_it_says_so(sent, app):
    app.session.reset()
    with pytest.raises(ExportError, match="Nothing is trained yet"):
        app.export("csv")
    choose(app, "csv")
    assert sent == []
    (said,) = app.messages.messages
    assert said["text"] == "Nothing is trained yet: there is no run to export."
