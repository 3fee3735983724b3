"""Schedules, changes in mid-run, validation, early stopping, augmentation: the same run, every time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.network.schedules import rate_factor
from explorer.training import BatchRecord, ConfigError, EpochRecord, TrainingConfig, TrainingRun
from explorer.training.changes import Change

BASE = TrainingConfig(hidden_sizes=8, epochs=3, batch_size=32, learning_rate=0.05, n_train=400)


def events(config, dataset, change=None):
    """All that a run says; `change` is a step, a rate and a batch size at which it is changed from outside."""
    run = TrainingRun(config, dataset)
    found = []
    for event in run:
        found.append(event)
        if change is not None and run.step == change.step and not run.config.changes:
            run.change(change.learning_rate, change.batch_size)
    return run, [event for event in found if event is not None]


def epochs(found):
    return [event for event in found if isinstance(event, EpochRecord)]


@pytest.mark.parametrize("batch_size", [1, 7, 64, 250, 300])
@pytest.mark.parametrize("step", [1, 3, 13, 20])
def test_a_change_in_mid_run_is_repeated_by_its_config(small_dataset, batch_size, step):
    config = BASE.replace(batch_size=64, n_train=None)
    change = Change(step, 0.002, batch_size)
    run, changed = events(config, small_dataset, change)
    assert run.config == config.replace(changes=(change,))
    assert changed.count(change) == 1
    again, repeated = events(run.config, small_dataset)
    assert epochs(changed) == epochs(repeated)
    assert [e for e in changed if isinstance(e, BatchRecord)] == [
        e for e in repeated if isinstance(e, BatchRecord)
    ]
    for w, v in zip(run.weights(), again.weights(), strict=True):
        np.testing.assert_array_equal(w, v)
    _, plain = events(config, small_dataset)
    assert epochs(plain) != epochs(changed)


def test_a_smaller_rate_bends_the_curve_from_that_batch_on(small_dataset):
    change = Change(5, 0.0001, 32)
    _, plain = events(BASE, small_dataset)
    _, changed = events(BASE, small_dataset, change)
    pairs = zip(
        *([e for e in found if isinstance(e, BatchRecord)] for found in (plain, changed)), strict=True
    )
    for one, other in pairs:
        same = one == other
        assert same == (one.step <= change.step) or one.step == change.step + 1
        assert other.learning_rate == (0.05 if other.step <= 5 else 0.0001)


@pytest.mark.parametrize("schedule", ["constant", "steps", "inverse", "cosine"])
@pytest.mark.parametrize("warmup", [0, 2])
def test_each_batch_has_the_rate_of_its_middle(small_dataset, schedule, warmup):
    config = BASE.replace(schedule=schedule, warmup=warmup, batch_size=100, epochs=4)
    _, found = events(config, small_dataset)
    rates = [event.learning_rate for event in found if isinstance(event, BatchRecord)]
    middles = (np.arange(16) / 4 + 1 / 8).tolist()
    assert rates == [0.05 * rate_factor(schedule, t, 4, warmup) for t in middles]
    assert [record.learning_rate for record in epochs(found)] == rates[3::4]


def test_the_textbook_follows_a_schedule_as_the_engine_does(small_dataset):
    config = BASE.replace(schedule="cosine", warmup=1, n_train=None, l2=0.001)
    run, _ = events(config, small_dataset)
    network = TrainingRun(config, small_dataset).network
    network.rng = np.random.default_rng(config.seed)
    network.init_weights()
    rate = lambda t: config.learning_rate * rate_factor("cosine", t, config.epochs, 1)  # noqa: E731
    network.fit(small_dataset.X_train, small_dataset.Y_train, 32, config.epochs, rate)
    for w, v in zip(run.weights(), network.parameters, strict=True):
        np.testing.assert_allclose(w, v, atol=1e-4)


def test_validation_images_are_drawn_by_the_seed_and_the_test_images_stay_unseen(small_dataset):
    run = TrainingRun(BASE.replace(n_validation=100), small_dataset)
    assert (len(run.dataset.train_labels), len(run.dataset.test_labels)) == (300, 100)
    assert run.dataset.held_out == "validation"
    images = np.concatenate([run.dataset.test_images, run.dataset.train_images])
    assert sorted(map(bytes, images)) == sorted(map(bytes, small_dataset.head(400).train_images))
    same = TrainingRun(BASE.replace(n_validation=100, hidden_sizes=4), small_dataset)
    assert same.dataset.compares_with(run.dataset)
    other = TrainingRun(BASE.replace(n_validation=100, seed=1), small_dataset)
    assert not other.dataset.compares_with(run.dataset)
    assert not run.dataset.compares_with(small_dataset)


def test_too_many_validation_images_are_refused(small_dataset):
    with pytest.raises(ConfigError, match="n_validation is 361; expected a whole number up to 360"):
        TrainingRun(BASE.replace(n_validation=361), small_dataset)


def test_early_stopping_brings_the_best_weights_back(small_dataset):
    config = BASE.replace(
        epochs=100, n_train=100, n_validation=50, patience=3, output="softmax", loss="cross_entropy"
    )
    labels = np.random.default_rng(0).integers(0, 10, len(small_dataset.train_labels))
    by_heart = dataclasses.replace(small_dataset, train_labels=labels)  # nothing else can be learned
    run, found = events(config, by_heart)
    records = epochs(found)
    losses = [record.test_loss for record in records]
    best = int(np.argmin(losses)) + 1
    assert len(records) == best + 3 < 100
    assert run.is_complete
    assert (run.epoch, run.evaluate().test_loss) == (best, losses[best - 1])
    snapshots = [event for event in found if getattr(event, "weights", None)]
    for w, v in zip(run.weights(), snapshots[best - 1].weights, strict=True):
        np.testing.assert_array_equal(w, v)


@pytest.mark.parametrize(
    "changes",
    [
        {"dropout": 0.5, "input_dropout": 0.2},
        {"rotation": 10.0, "elastic": 1.0},
        {"dropout": 0.3, "shift": 2.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("batch_size", [3, 32, 390])
def test_what_is_drawn_is_the_runs_own(small_dataset, changes, batch_size):
    config = BASE.replace(batch_size=batch_size, **changes)
    (run, found), (_, again) = (events(config, small_dataset) for _ in range(2))
    assert epochs(found) == epochs(again)
    assert epochs(found) != epochs(events(config.replace(seed=1), small_dataset)[1])
    # A run that goes on from an epoch's end goes on as that run did.
    first = next(event for event in found if getattr(event, "weights", None))
    forked = TrainingRun(config, small_dataset, start=first)
    assert [e for e in forked if isinstance(e, EpochRecord)] == epochs(found)[1:]
    for w, v in zip(run.weights(), forked.weights(), strict=True):
        np.testing.assert_array_equal(w, v)
