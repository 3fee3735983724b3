"""Weights from a file begin a run of their own; a hostile file is one sentence, and the run goes on."""

import json

import numpy as np
import pytest
from app_steps import PATIENCE, done, messages, reopen, run_of, say

from explorer import NeuralNetwork, TrainingConfig
from explorer.network.weights_file import SavedWeights, WeightsError, weights_bytes
from explorer.session.new_runs import opening
from explorer.session.session_run import MOST_BYTES

CONFIG = TrainingConfig(hidden_sizes=12, epochs=3, batch_size=16, learning_rate=0.05)


def test_a_saved_run_is_opened_as_it_was(app, tmp_path):
    file, evaluation = tmp_path / "trained.npz", run_of(app).evaluation
    app.save(file)
    done(app.train, CONFIG.replace(hidden_sizes=5))
    done(app.open_weights, file)
    assert (app.status, run_of(app).title, run_of(app).epoch) == ("finished", "trained.npz", 3)
    assert app.config == CONFIG
    opened = run_of(app).evaluation
    for name in ("test_accuracy", "train_accuracy", "confusion"):
        np.testing.assert_array_equal(getattr(opened, name), getattr(evaluation, name))
    np.testing.assert_equal(evaluation.snapshot.weights, app.network.weights())
    assert app.tiles.shown.tiles[0].value == f"{100 * evaluation.test_accuracy:.1f}\xa0%"
    assert "trained for 3 epochs" in messages(app)["opened"]["text"]


def test_it_is_trained_on_from_as_a_fork(app, tmp_path):
    before = run_of(app).evaluation
    reopen(app, tmp_path / "trained.npz")
    say(app.messages, {"id": "opened"})
    assert app.wait(PATIENCE)
    run = run_of(app)
    assert (run.origin.parent.title, run.origin.epoch, run.config.epochs) == ("trained.npz", 3, 13)
    assert [record.epoch for record in run.curve] == list(range(3, 14))
    done(app.train, CONFIG.replace(epochs=13))  # with its own settings it goes on as it would have
    assert list(run.history) == list(app.history)[3:]
    titles = [earlier.title for earlier in app.session.state.earlier]
    assert titles == [
        "12 units, batch 16, lr 0.05 (run 1)", "trained.npz", "branch of run 2 at epoch 3 (run 3)",
    ]  # fmt: skip
    assert app.session.state.earlier[1].evaluation.test_accuracy == before.test_accuracy


def parts(network):
    return network.named(), network.functions


def huge():
    network = NeuralNetwork(784, 3, 10, dtype=np.float64, seed=0)
    network.W1 = np.full((3, 784), 1e300)
    return network


def saved(network, **metadata):
    return SavedWeights(*parts(network), metadata)


@pytest.mark.parametrize("metadata", [
    {"config": "{", "weights_epoch": "ten"},
    {"config": "[" * 5000, "weights_epoch": 1e300},
    {"config": "[1]", "weights_epoch": float("nan")},
    {"config": json.dumps({"epochs": 10**9}), "weights_epoch": -1},
    {"config": json.dumps({"batch_size": {}}), "weights_epoch": 500.5},
    {"config": 7, "weights_epoch": float("inf")},
])  # fmt: skip
def test_what_a_file_says_besides_its_weights_is_used_only_where_it_can_be(small_dataset, metadata):
    network = saved(NeuralNetwork(784, 12, 10, seed=0), **metadata)
    opened, config, _ = opening(network, "x.npz", small_dataset, CONFIG)
    assert (config, opened.epoch) == (CONFIG, 0)


@pytest.mark.parametrize(("weights_epoch", "epoch", "words"), [
    (0.0, 0, ""),
    (1.0, 1, ", trained for 1 epoch"),
    (2.5, 2, ", trained for 2.5 epochs; the run counts on from 2"),
    (0.4, 0, ", trained for 0.4 epochs; the run counts on from 0"),
    (500.0, 500, ", trained for 500 epochs"),
])  # fmt: skip
def test_the_epochs_of_the_weights_are_told(small_dataset, weights_epoch, epoch, words):
    network = saved(NeuralNetwork(784, 12, 10, seed=0), weights_epoch=weights_epoch)
    opened, config, start = opening(network, "x.npz", small_dataset, CONFIG)
    assert (opened.epoch, opened.epoch + opened.begun, start.epoch) == (epoch, weights_epoch, epoch)
    assert config.epochs == max(CONFIG.epochs, epoch)
    assert opened.described(config) == f"a network of 12 hidden units{words}"


@pytest.mark.parametrize(("content", "words"), [
    (b"", "zip file"),
    (b"PK\x03\x04junk", "zip file"),
    (None, f"found more than {MOST_BYTES >> 20} MB"),
    (weights_bytes(*parts(NeuralNetwork(4, 3, 2, seed=0))), "784 inputs and 10 outputs"),
    (
        weights_bytes(*parts(NeuralNetwork(784, 2000, 10, seed=0))),
        "found a network 784-2000-10, expected 1 to",
    ),
    (weights_bytes(*parts(huge())), "float32 can hold"),
])  # fmt: skip
def test_a_file_that_is_no_such_network_is_one_sentence_and_nothing_is_lost(app, content, words):
    before = run_of(app)
    size = app.header.most_bytes + 1 if content is None else len(content)
    said, pieces = {"open": "evil<b>.npz", "size": size, "at": 0}, [] if content is None else [content]
    say(app.header, said, *pieces)
    assert (run_of(app), app.status) == (before, "finished")
    said = messages(app)["opened"]
    assert (said["kind"], said["action"]) == ("error", "")
    assert words in said["text"]
    assert "\n" not in said["text"]


def test_what_comes_from_python_is_refused_by_an_error(app, tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        app.open_weights(tmp_path / "none.npz")
    (tmp_path / "junk.npz").write_bytes(b"junk")
    with pytest.raises(WeightsError, match=r"junk.npz: found"):
        app.open_weights(tmp_path / "junk.npz")
