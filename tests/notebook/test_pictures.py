"""The figures say in words what their numbers are, whatever these are."""

from __future__ import annotations

import re

import numpy as np
import pytest
from lessons import figures_in

from explorer.network import NeuralNetwork
from explorer.network.activations import sigmoid
from explorer.network.losses import squared_error
from explorer.notebook import pictures
from explorer.notebook.training import trained
from explorer.training import TrainingConfig


@pytest.fixture(scope="module")
def result(small_dataset):
    return trained(TrainingConfig(hidden_sizes=(8,), epochs=2, batch_size=20), small_dataset)


@pytest.fixture
def task():
    rng = np.random.default_rng(0)
    return (
        NeuralNetwork(3, 4, 2, dtype=np.float64, seed=0),
        rng.normal(0, 1, (3, 30)),
        np.eye(2)[:, rng.integers(0, 2, 30)],
    )


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
    for now, was in zip(network.weights(), before, strict=True):
        np.testing.assert_array_equal(now, was)


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
    assert "The first 3 of 600 training images" in pictures.digits(small_dataset, 3).text
