"""Figures within the first epoch: those of a sample, at the steps that are powers of two, for those who watch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from explorer.network import confusion_matrix
from explorer.training import BatchRecord, EpochRecord, SampleRecord, Snapshot, TrainingConfig, TrainingRun
from explorer.training.fields import Change
from explorer.training.learners import new_network
from explorer.training.races import Race
from explorer.training.records import RivalRecord

SMALL = TrainingConfig(hidden_sizes=(6, 5), batch_size=16, epochs=2, seed=3, learning_rate=0.02)
SETTINGS = [
    {},
    {"batch_size": 1, "n_train": 80},
    {"batch_size": 600},
    {"l2": 0.01, "max_norm": 1.0, "dropout": 0.3, "shift": 1.0},
    {"optimizer": "adam", "hidden_sizes": (90,), "n_validation": 60},
    {"changes": (Change(4, 0.05, 20),)},
]


def events(config, dataset, **options):
    return [event for event in TrainingRun(config, dataset, **options) if event is not None]


def samples(found):
    return [event for event in found if isinstance(event, SampleRecord)]


def assert_equal(one, other):
    assert [type(event) for event in one] == [type(event) for event in other]
    for a, b in zip(one, other, strict=True):
        if isinstance(a, EpochRecord | BatchRecord | Change):
            assert a == b
            continue
        if isinstance(a, SampleRecord):
            assert (a.epoch, a.step, a.test_loss, a.test_accuracy) == (
                b.epoch, b.step, b.test_loss, b.test_accuracy,
            )  # fmt: skip
            np.testing.assert_array_equal(a.confusion, b.confusion)
            np.testing.assert_array_equal(a.sample, b.sample)
            a, b = a.snapshot, b.snapshot
        assert isinstance(a, Snapshot)
        assert a.epoch == b.epoch
        np.testing.assert_array_equal(a.test_outputs, b.test_outputs)
        assert all(map(np.array_equal, a.weights, b.weights))


@pytest.mark.parametrize("settings", SETTINGS)
def test_they_change_no_other_record_and_are_equal_for_equal_settings(long_test_set, settings):
    config = SMALL.replace(**settings)
    without, found = (events(config, long_test_set, samples=on) for on in (False, True))
    assert not samples(without)
    assert_equal([event for event in found if not isinstance(event, SampleRecord)], without)
    assert_equal(found, events(config, long_test_set, samples=True))


@pytest.mark.parametrize("settings", SETTINGS)
def test_they_are_of_the_first_epochs_steps_that_are_powers_of_two(small_dataset, settings):
    config = SMALL.replace(**settings)
    run = TrainingRun(config, small_dataset, samples=True)
    n_steps = run.config.steps_at_ends(run.dataset.n_train)[1]
    found = samples(run)
    assert [one.step for one in found] == [0, *(2**k for k in range(20) if 2**k < n_steps)]
    assert found[0].epoch == 0
    assert all(a.epoch < b.epoch < 1 for a, b in pairwise(found))


@pytest.mark.parametrize("settings", SETTINGS[:1] + SETTINGS[3:5])
def test_they_are_what_the_network_of_that_step_gives_on_those_images(long_test_set, settings):
    """Compared with a run stopped at each of the steps, and its textbook network."""
    config = SMALL.replace(**settings)
    run = TrainingRun(config, long_test_set)
    for one in samples(events(config, long_test_set, samples=True)):
        while run.step < one.step:
            next(run)
        data = run.dataset
        n = min(1000, data.n_test)
        assert len({*one.sample.tolist()}) == len(one.sample) == n
        network = new_network(config, data)
        network.set_weights(run.weights())
        assert all(map(np.array_equal, one.snapshot.weights, network.weights()))
        outputs = network.forward(data.test_images[one.sample].reshape(n, -1).T / np.float32(255))
        np.testing.assert_allclose(one.snapshot.test_outputs, outputs, atol=1e-5)
        exact = run.evaluate()
        np.testing.assert_array_equal(
            one.snapshot.test_outputs.argmax(0), exact.snapshot.test_outputs[:, one.sample].argmax(0)
        )
        labels = data.test_labels[one.sample]
        counts = confusion_matrix(labels, outputs.argmax(0), 10)
        np.testing.assert_array_equal(one.confusion, counts)
        assert one.test_accuracy == np.trace(counts) / n
        if n == data.n_test:
            assert one.test_loss == pytest.approx(exact.test_loss, rel=1e-5)
        else:
            targets = np.eye(10, dtype=np.float32)[labels].T
            assert one.test_loss == pytest.approx(network.total_loss(outputs, targets) / n, rel=1e-4)


def test_another_seed_takes_other_images(long_test_set):
    drawn = [
        samples(events(SMALL.replace(seed=seed, epochs=1), long_test_set, samples=True))[0].sample
        for seed in (3, 4)
    ]
    assert all((np.diff(one) > 0).all() and not one.flags.writeable for one in drawn)
    assert drawn[0].tolist() != drawn[1].tolist()


def test_their_time_is_not_the_epochs(small_dataset, monkeypatch):
    config, clock = SMALL.replace(epochs=1), iter(range(10_000))
    monkeypatch.setattr("explorer.training.run.perf_counter", lambda: float(next(clock)))
    seconds = {
        on: next(e for e in events(config, small_dataset, samples=on) if isinstance(e, EpochRecord)).seconds
        for on in (False, True)
    }
    # Each look at the clock is a second; each sample takes one, and its iteration two more, which count.
    n = len(samples(events(config, small_dataset, samples=True)))
    assert seconds[True] - seconds[False] == 2 * n


def test_in_a_race_the_first_entry_gives_its_own(small_dataset):
    configs = [SMALL.replace(learning_rate=rate) for rate in (0.02, 0.05)]
    found = [event for event in Race(configs, small_dataset, samples=True) if event is not None]
    assert not any(isinstance(e, RivalRecord) and isinstance(e.record, SampleRecord) for e in found)
    own = [event for event in found if not isinstance(event, RivalRecord)]
    assert_equal(own, events(configs[0], small_dataset, samples=True))
    assert not samples(Race(configs, small_dataset))
