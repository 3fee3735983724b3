"""Schedules, changes in mid-run, validation, early stopping, augmentation: the same run, every time."""

import dataclasses

import numpy as np
import pytest
from reference_runs import of

from explorer.datasets.dataset import pixel_columns
from explorer.engine.inputs import AugmentedImages
from explorer.network import OPTIMIZERS
from explorer.network.schedules import rate_factor
from explorer.training import BatchRecord, ConfigError, EpochRecord, TrainingConfig, TrainingRun
from explorer.training.fields import Change

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


@pytest.mark.parametrize(
    ("step", "batch_size"), [(1, 64), (1, 1), (3, 7), (3, 300), (13, 250), (20, 1), (20, 300)]
)
def test_a_change_in_mid_run_is_repeated_by_its_config(small_dataset, batch_size, step):
    config = BASE.replace(batch_size=64, n_train=None)
    change = Change(step, 0.002, batch_size)
    run, changed = events(config, small_dataset, change)
    assert run.config == config.replace(changes=(change,))
    assert changed.count(change) == 1
    again, repeated = events(run.config, small_dataset)
    assert of(EpochRecord, changed) == of(EpochRecord, repeated)
    assert of(BatchRecord, changed) == of(BatchRecord, repeated)
    np.testing.assert_equal(run.weights(), again.weights())
    _, plain = events(config, small_dataset)
    assert of(EpochRecord, plain) != of(EpochRecord, changed)


@pytest.mark.parametrize("schedule", ["constant", "steps", "inverse", "cosine"])
@pytest.mark.parametrize("warmup", [0, 2])
def test_each_batch_has_the_rate_of_its_middle(small_dataset, schedule, warmup):
    config = BASE.replace(schedule=schedule, warmup=warmup, batch_size=100, epochs=4)
    _, found = events(config, small_dataset)
    rates = [event.learning_rate for event in of(BatchRecord, found)]
    middles = (np.arange(16) / 4 + 1 / 8).tolist()
    assert rates == [0.05 * rate_factor(schedule, t, 4, warmup) for t in middles]
    assert [record.learning_rate for record in of(EpochRecord, found)] == rates[3::4]


def textbook(run):
    """The textbook's network as the run begins, with its initial weights and the generator that orders samples."""
    network = run.network
    network.rng = np.random.default_rng(run.config.seed)
    network.init_weights()
    return network


def assert_same_weights(run, network):
    for w, v in zip(run.weights(), network.parameters, strict=True):
        np.testing.assert_allclose(w, v, atol=1e-4)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    ("schedule", "warmup"), [("steps", 0), ("inverse", 0), ("cosine", 1), ("constant", 2)]
)
def test_the_textbook_follows_a_schedule_as_the_engine_does(small_dataset, schedule, warmup, optimizer):
    rate = 0.002 if OPTIMIZERS[optimizer].is_scale_free else 0.01
    config = BASE.replace(schedule=schedule, warmup=warmup, n_train=None, l2=0.001, optimizer=optimizer)
    config = config.replace(learning_rate=rate)
    run, _ = events(config, small_dataset)
    network = textbook(run)
    rates = lambda t: rate * rate_factor(schedule, t, config.epochs, warmup)  # noqa: E731
    network.fit(small_dataset.X_train, small_dataset.Y_train, 32, config.epochs, rates)
    assert_same_weights(run, network)


def test_the_textbook_trained_at_another_rate_and_batch_size_is_a_run_that_was_changed(small_dataset):
    n_steps = -(-small_dataset.n_train // 32)
    change = Change(n_steps, 0.003, 50)  # at the end of the first epoch
    run, _ = events(BASE.replace(n_train=None, optimizer="momentum", changes=(change,)), small_dataset)
    network = textbook(run)
    network.fit(small_dataset.X_train, small_dataset.Y_train, 32, 1, 0.05)
    network.fit(small_dataset.X_train, small_dataset.Y_train, 50, 2, 0.003)
    assert_same_weights(run, network)


def test_the_textbook_trained_with_distorted_images_is_a_run_with_augmentation(small_dataset):
    config = BASE.replace(n_train=None, shift=2.0, rotation=10.0, elastic=1.0)
    run, _ = events(config, small_dataset)
    network, n = textbook(run), small_dataset.n_train
    for epoch in range(1, config.epochs + 1):
        order = network.rng.permutation(n)
        images = AugmentedImages(small_dataset.train_images, config.augmentation, config.seed)
        images.begin(epoch, order)
        taken = np.empty((n, 784), np.uint8)
        images.take(0, n, taken)
        X, d = pixel_columns(taken), small_dataset.Y_train[:, order]
        for start in range(0, n, 32):
            network.train_iteration(X[:, start : start + 32], d[:, start : start + 32], 0.05)
    assert_same_weights(run, network)


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


@pytest.mark.parametrize(("n_train", "n_validation"), [(400, 10), (400, 37), (300, 100), (600, 540)])
def test_validation_images_have_the_same_share_of_every_class(small_dataset, n_train, n_validation):
    for seed in range(30):
        config = BASE.replace(n_train=n_train, n_validation=n_validation, seed=seed)
        labels = TrainingRun(config, small_dataset).dataset.test_labels
        counts = np.bincount(labels, minlength=10)
        expected = np.bincount(small_dataset.train_labels[:n_train]) * n_validation / n_train
        assert len(labels) == n_validation
        assert np.all(np.abs(counts - expected) < 1), f"seed {seed}: {counts} for {expected}"


def test_too_many_validation_images_are_refused(small_dataset):
    with pytest.raises(ConfigError, match="n_validation is 361; expected a whole number up to 360"):
        TrainingRun(BASE.replace(n_validation=361), small_dataset)


def by_heart(dataset, **changes):
    """Settings with early stopping, and images whose labels can only be learned by heart."""
    labels = np.random.default_rng(0).integers(0, 10, len(dataset.train_labels))
    functions = {"output": "softmax", "loss": "cross_entropy"}
    config = BASE.replace(n_train=100, n_validation=50, **functions, **changes)
    return config, dataclasses.replace(dataset, train_labels=labels)


def test_early_stopping_brings_the_best_weights_back(small_dataset):
    run, found = events(*by_heart(small_dataset, epochs=100, patience=3))
    records = of(EpochRecord, found)
    losses = [record.test_loss for record in records]
    best = int(np.argmin(losses)) + 1
    assert len(records) == best + 3 < 100
    assert run.is_complete
    assert (run.epoch, run.evaluate().test_loss) == (best, losses[best - 1])
    snapshots = [event for event in found if getattr(event, "weights", None)]
    np.testing.assert_equal(run.weights(), snapshots[best - 1].weights)


def test_the_best_weights_come_back_where_the_epochs_end_before_patience_does(small_dataset):
    """More epochs go on from the last one all the same."""
    config, data = by_heart(small_dataset, epochs=20, patience=50)
    run, found = events(config, data)
    losses = [record.test_loss for record in of(EpochRecord, found)]
    best = int(np.argmin(losses)) + 1
    assert best < len(losses) == 20
    assert (run.epoch, run.evaluate().test_loss) == (best, losses[best - 1])
    assert run.is_complete
    assert not run.is_stopped_early
    assert run.end_reason == f"The validation loss was lowest after epoch {best}, whose weights are back."
    run.extend(30)
    more = of(EpochRecord, run)
    longer, whole = events(config.replace(epochs=30), data)
    assert of(EpochRecord, found) + more == of(EpochRecord, whole)
    np.testing.assert_equal(run.weights(), longer.weights())


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
    assert of(EpochRecord, found) == of(EpochRecord, again)
    assert of(EpochRecord, found) != of(EpochRecord, events(config.replace(seed=1), small_dataset)[1])
    # A run that goes on from an epoch's end goes on as that run did.
    first = next(event for event in found if getattr(event, "weights", None))
    forked = TrainingRun(config, small_dataset, start=first)
    assert of(EpochRecord, forked) == of(EpochRecord, found)[1:]
    np.testing.assert_equal(run.weights(), forked.weights())
