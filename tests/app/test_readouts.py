"""The results: two large numbers, and a line of others, each explained."""

import numpy as np
import pytest
from app_steps import change, rewind

from explorer.training import TrainingConfig

CONFIG = TrainingConfig(hidden_sizes=12, epochs=3, batch_size=16, learning_rate=0.05)


@pytest.fixture
def results(app):
    return lambda: app.tiles.shown


def test_they_are_of_the_moment(app, results):
    first, counts = app.history[0], app.history[0].confusion
    rewind(app, 1)
    accuracy, wrong = results().tiles
    assert accuracy.value == f"{100 * first.test_accuracy:.1f}\xa0%"
    assert wrong.value == str(200 - np.trace(counts))
    train, hardest, read_as, *_ = (fact.text for fact in results().facts)
    assert train == f"train {100 * first.train_accuracy:.1f}\xa0% during epoch 1"
    recall = np.diag(counts) / counts.sum(axis=1)
    k = int(np.argmin(recall))
    assert hardest == f"hardest digit {k}, {counts[k].sum() - counts[k, k]} missed"
    mistakes = counts - np.diag(np.diag(counts))
    i, j = divmod(int(mistakes.argmax()), 10)
    assert read_as.startswith(f"{i} read as {j}, ")


def test_each_explains_itself(results):
    assert all(one.meaning for one in (*results().tiles, *results().facts))
    assert all(one.label in str(results().elements()) for one in results().tiles)


def test_the_trend_is_since_the_epoch_before_and_of_an_ended_run_against_the_one_before(app, results):
    assert results().tiles[0].note.endswith("since epoch 2")
    change(app, learning_rate=0.0001)
    assert results().tiles[0].note.startswith("▼ ")
    assert results().tiles[0].note.endswith(" vs. run 1")
    rewind(app, 2)
    assert results().tiles[0].note.endswith("since epoch 1")
    rewind(app, 1)
    assert results().tiles[0].note == "of 200 test images"


def test_before_a_run_there_are_no_numbers(untrained):
    shown = untrained.tiles.shown
    assert ([one.value for one in shown.tiles], shown.facts) == (["–", "–"], ())
    assert len(shown.elements()[0]) == 3, "no button explains nothing"
