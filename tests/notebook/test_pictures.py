"""The figures say in words what their numbers are, whatever these are."""

import base64
import re

import numpy as np
import pytest
from lessons import figures_in

from explorer.datasets.augmentation import Augmentation
from explorer.network import NeuralNetwork
from explorer.network.activations import sigmoid
from explorer.network.losses import squared_error
from explorer.notebook import pictures
from explorer.notebook.studies import trained
from explorer.training import TrainingConfig


@pytest.fixture(scope="module")
def result(small_dataset):
    return trained(TrainingConfig(hidden_sizes=(8,), epochs=2, batch_size=20), small_dataset)


@pytest.fixture
def task():
    rng = np.random.default_rng(0)
    network, X = NeuralNetwork(3, 4, 2, dtype=np.float64, seed=0), rng.normal(0, 1, (3, 30))
    return network, X, np.eye(2)[:, rng.integers(0, 2, 30)]


def test_a_step_is_told_as_it_is(task):
    network, X, d = task
    before = network.weights()
    shown = pictures.step_length(network, X, d, lr=0.01, most=0.02)
    stepped = NeuralNetwork(3, 4, 2, dtype=np.float64, seed=0)
    start = squared_error(stepped.forward(X), d) / 30
    stepped.train_iteration(X, d, 0.01)
    after = squared_error(stepped.forward(X), d) / 30
    assert f"on 30 samples: {start:.3f} before it, {after:.3f} with lr = 0.01." in shown.text
    assert shown.text.endswith("a longer step would be better still.")
    far = pictures.step_length(network, X, d, lr=0.01, most=5.0)
    assert far.text.endswith("beyond that, the step goes too far.")
    np.testing.assert_equal(network.weights(), before)


def test_mistakes_are_the_worst_ones(result, small_dataset):
    shown = pictures.mistakes(result.outputs, small_dataset, 5)
    decided, labels = result.outputs.argmax(axis=0), small_dataset.test_labels
    wrong = np.flatnonzero(decided != labels)
    losses = 0.5 * ((result.outputs - small_dataset.Y_test) ** 2).sum(axis=0)
    worst = wrong[losses[wrong].argmax()]
    assert shown.text.startswith(f"{len(wrong)} of 200 test images are misclassified.")
    said = re.findall(r"(\d) → (\d)", shown.text)
    assert said[0] == (str(labels[worst]), str(decided[worst]))
    assert len(said) == 5


def test_recall_names_the_hardest_class(result, small_dataset):
    confusion = result.final.confusion
    recall = confusion.diagonal() / confusion.sum(axis=1)
    shown = pictures.recall(result.final.confusion, small_dataset.class_names)
    assert shown.text.startswith(f"Hardest: {recall.argmin()} ({100 * recall.min():.1f} % of its")


def test_confusion_names_the_most_frequent_mistake(result, small_dataset):
    mistakes = result.final.confusion.copy()
    np.fill_diagonal(mistakes, 0)
    true, predicted = np.unravel_index(mistakes.argmax(), mistakes.shape)
    shown = pictures.confusion(result.final.confusion, small_dataset.class_names)
    assert f"Most common mix-ups: {true} read as {predicted} ({mistakes.max()} times)" in shown.text


def test_every_picture_is_drawn(result, small_dataset, task):
    network, X, d = task
    shown = [
        pictures.curves({"sigmoid": sigmoid}, (-1, 1), "a", "words"),
        pictures.lines({"f": (np.arange(3), np.arange(3))}, "x", "words"),
        pictures.histograms({"W1": network.W1}, "weight", "words"),
        pictures.gradients(network, X, d),
        pictures.epochs(np.array([0.5, 0.4])),
        pictures.learning(result),
        pictures.answers({"one": result.outputs[:, 0]}, small_dataset.class_names, "words"),
    ]
    for picture in shown:
        drawn = figures_in(picture.html)
        assert drawn
        assert all(figure["data"] for figure in drawn)
    (line,) = figures_in(pictures.lines({"f": ([1, 9], [3, 1])}, "x", "w", measured="y", is_log=True).html)
    assert [line["layout"][f"{name}axis"]["type"] for name in "xy"] == ["log", "log"]
    assert "The first 3 of 600 training images" in pictures.digits(small_dataset, 3).text


def test_the_paths_in_the_valley_are_those_of_the_optimizers():
    shown = pictures.valley({"sgd": 0.01, "adam": 0.3}, n_steps=30, steepness=20.0)
    plain, adam, *_ = figures_in(shown.html)[0]["data"]
    steps = np.arange(31)
    np.testing.assert_allclose(values(plain["x"]), -4 * 0.99**steps, rtol=1e-5)
    np.testing.assert_allclose(values(plain["y"]), 0.8**steps, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(values(adam["x"])[:2], [-4, -3.7], rtol=1e-5)
    end = (4 * 0.99**30) ** 2 / 2 + 10 * 0.8**60
    said = f"30 steps in a valley 20 times as steep across as along. Loss at the end: {end:.2g} (sgd)"
    assert said in shown.text


def values(packed):
    """The numbers of an array as Plotly writes it."""
    if isinstance(packed, dict):
        return np.frombuffer(base64.b64decode(packed["bdata"]), packed["dtype"])
    return np.array(packed)


@pytest.fixture(scope="module")
def stopped(small_dataset):
    """A run that overfits a few images, judged by validation images, which stops early."""
    split = {"n_train": 120, "n_validation": 60, "epochs": 60, "patience": 2}
    config = TrainingConfig(**split, optimizer="adam", batch_size=10, learning_rate=0.03)
    return trained(config, small_dataset)


def test_runs_are_compared_by_the_images_that_are_named(stopped):
    for part, name, loss in (("train", "Train", "train_loss"), ("held_out", "Validation", "test_loss")):
        shown = pictures.compared({"one": stopped}, part)
        losses = [getattr(record, loss) for record in stopped.history]
        epoch = int(np.argmin(losses)) + 1
        assert shown.text == f"{name} loss in each epoch. Lowest: {min(losses):.3f} (one, epoch {epoch})."
        np.testing.assert_allclose(values(figures_in(shown.html)[0]["data"][0]["y"]), losses, rtol=1e-6)


def test_a_run_that_stopped_early_says_whose_weights_it_kept(stopped, result):
    losses = [record.test_loss for record in stopped.history]
    best = int(np.argmin(losses)) + 1
    assert best < len(losses) < 60
    said = f"Validation loss after epoch {best}, whose weights are kept: {min(losses):.4f}."
    assert said in pictures.learning(stopped).text
    assert "validation accuracy" in repr(stopped)
    assert "Test loss at the end" in pictures.learning(result).text
    assert "test accuracy" in repr(result)


def test_each_image_is_followed_by_its_versions(small_dataset):
    shown = pictures.distorted(small_dataset, Augmentation(shift=2.0), n_images=2, n_epochs=3)
    labels = [str(label) for label in small_dataset.train_labels[:2]]
    after = ["epoch 1", "epoch 2", "epoch 3"]
    assert shown.text.endswith(", ".join([labels[0], *after, labels[1], *after]))
    pictured = re.findall(r'class="lesson-light".*?src="(.*?)"', shown.html)
    assert len(set(pictured)) == 8
    still = pictures.distorted(small_dataset, Augmentation(), n_images=2, n_epochs=3)
    assert len(set(re.findall(r'class="lesson-light".*?src="(.*?)"', still.html))) == 2


def test_opposite_quarters_are_alike():
    X, labels = pictures.quarters(400)
    assert X.shape == (2, 400)
    assert np.abs(X).min() > 0.05
    assert np.abs(X).max() <= 1
    for (x, y), label in zip(X.T.tolist(), labels.tolist(), strict=True):
        assert label == ((x > 0) == (y > 0))
    assert 150 < labels.sum() < 250
    np.testing.assert_equal(pictures.quarters(400), (X, labels))
    assert not np.array_equal(pictures.quarters(400, seed=1)[0], X)


def test_the_map_is_what_the_network_says_and_leaves_it_alone():
    X, labels = pictures.quarters(20)
    network = NeuralNetwork(2, 3, 2, dtype=np.float64, seed=0)
    network.forward(X)
    before = network.h1.copy()
    (drawn,) = figures_in(pictures.show_plane(X, labels, network, "Now.").html)
    background = drawn["data"][0]
    np.testing.assert_array_equal(network.h1, before)
    shares = np.frombuffer(base64.b64decode(background["z"]["bdata"])).reshape(61, 61)
    corner = network.forward(np.array([[-1.0], [1.0]]))  # left, and on top: the last row, the first column
    np.testing.assert_allclose(shares[-1, 0], corner[1, 0] / corner.sum(), rtol=1e-12)
