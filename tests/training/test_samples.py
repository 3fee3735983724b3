"""Figures within the first epoch: those of a sample, at the steps that are powers of two, for those who watch."""

from itertools import pairwise

import numpy as np
import pytest
from own_networks import Mine, OnlySteps
from reference_runs import of

from explorer.network import confusion_matrix
from explorer.training import EpochRecord, SampleRecord, Snapshot, TrainingConfig, TrainingRun
from explorer.training.fields import Change
from explorer.training.networks import new_network
from explorer.training.own_network import OwnClass
from explorer.training.races import Race

SMALL = TrainingConfig(hidden_sizes=(6, 5), batch_size=16, epochs=2, seed=3, learning_rate=0.02)
DROPPED = {"l2": 0.01, "max_norm": 1.0, "dropout": 0.3, "shift": 1.0}
HELD_OUT = {"optimizer": "adam", "hidden_sizes": (90,), "n_validation": 60}
SETTINGS = [{}, {"batch_size": 1, "n_train": 80}, {"batch_size": 600}, DROPPED, HELD_OUT]
SETTINGS += [{"changes": (Change(4, 0.05, 20),)}]


class AtOnce(OnlySteps):
    """Its `fit` takes all images as one mini-batch."""

    def fit(self, X, d, batch_size, n_epochs, lr):
        self.inner.train_iteration(X, d, lr)


def events(config, dataset, **options):
    return [event for event in TrainingRun(config, dataset, **options) if event is not None]


def bits(event):
    """What compares to the bit."""
    if isinstance(event, SampleRecord):
        figures = event.epoch, event.step, event.test_loss, event.test_accuracy
        return (*figures, event.confusion.tolist(), event.sample.tolist(), *bits(event.snapshot))
    if isinstance(event, Snapshot):
        return event.epoch, event.test_outputs.tobytes(), *(array.tobytes() for array in event.weights)
    return event


@pytest.mark.parametrize("settings", SETTINGS)
def test_they_change_no_other_record_and_are_equal_for_equal_settings(long_test_set, settings):
    config = SMALL.replace(**settings)
    without, found = (events(config, long_test_set, samples=on) for on in (False, True))
    assert not of(SampleRecord, events(config, long_test_set))
    assert [*map(bits, found)] == [*map(bits, events(config, long_test_set, samples=True))]
    assert [bits(one) for one in found if not isinstance(one, SampleRecord)] == [*map(bits, without)]
    run = TrainingRun(config, long_test_set)
    n_steps = run.config.steps_at_ends(run.dataset.n_train)[1]
    assert [one.step for one in of(SampleRecord, found)] == [0, *(2**k for k in range(20) if 2**k < n_steps)]
    assert all(0 <= a.epoch < b.epoch < 1 for a, b in pairwise(of(SampleRecord, found)))
    other = of(SampleRecord, events(config.replace(seed=4), long_test_set, samples=True))
    assert config.n_validation or not np.array_equal(of(SampleRecord, found)[0].sample, other[0].sample)


@pytest.mark.parametrize(("network", "n"), [(Mine, 7), (OnlySteps, 7), (AtOnce, 1)])
def test_a_users_class_is_scored_too_but_not_within_a_fit_of_its_own(long_test_set, network, n):
    config = TrainingConfig(hidden_sizes=5, batch_size=16, epochs=1)
    runs = ({"samples": on, "own": OwnClass(network)} for on in (False, True))
    without, found = (events(config, long_test_set, **options) for options in runs)
    assert [bits(one) for one in found if not isinstance(one, SampleRecord)] == [*map(bits, without)]
    assert [one.step for one in of(SampleRecord, found)] == [0, 1, 2, 4, 8, 16, 32][:n]
    first = of(SampleRecord, found)[0]
    made = OwnClass(network).make(config, long_test_set)
    expected = made.forward(long_test_set.X_test[:, first.sample])
    np.testing.assert_allclose(first.snapshot.test_outputs, expected, rtol=1e-5)


@pytest.mark.parametrize("settings", [{"batch_size": 2}, DROPPED, HELD_OUT])
def test_they_are_what_the_network_of_that_step_gives_on_those_images(long_test_set, settings):
    """Compared with a run that is stopped there, its exact figures, and the textbook's network."""
    config = SMALL.replace(**settings)
    run = TrainingRun(config, long_test_set)
    data, network = run.dataset, new_network(config, run.dataset)
    for one in of(SampleRecord, events(config, long_test_set, samples=True)):
        while run.step < one.step:
            next(run)
        network.set_weights(run.weights())
        assert all(map(np.array_equal, one.snapshot.weights, network.weights()))
        n, labels = min(1000, data.n_test), data.test_labels[one.sample]
        assert len({*one.sample.tolist()}) == len(one.sample) == n
        outputs = network.forward(data.test_images[one.sample].reshape(n, -1).T / np.float32(255))
        np.testing.assert_allclose(one.snapshot.test_outputs, outputs, atol=1e-5)
        exact = run.evaluate().snapshot.test_outputs[:, one.sample]
        np.testing.assert_allclose(one.snapshot.test_outputs, exact, atol=1e-6)
        counts = confusion_matrix(labels, exact.argmax(0), 10)
        np.testing.assert_array_equal(one.confusion, counts)
        assert one.test_accuracy == np.trace(counts) / n
        loss = network.total_loss(outputs, np.eye(10, dtype=np.float32)[labels].T) / n
        assert one.test_loss == pytest.approx(loss, rel=1e-4)


def test_their_time_is_not_the_epochs(small_dataset, monkeypatch):
    clock = iter(range(10_000))  # each look at it is a second later
    monkeypatch.setattr("explorer.training.run.perf_counter", lambda: float(next(clock)))
    runs = [events(SMALL.replace(epochs=1), small_dataset, samples=on) for on in (False, True)]
    without, found = (next(e.seconds for e in run if isinstance(e, EpochRecord)) for run in runs)
    assert found - without == 2 * len(of(SampleRecord, runs[1]))  # two looks at each


def test_in_a_race_the_first_entry_gives_its_own(small_dataset):
    configs = [SMALL.replace(learning_rate=rate) for rate in (0.02, 0.05)]
    found = [getattr(event, "record", event) for event in Race(configs, small_dataset, samples=True)]
    alone = of(SampleRecord, events(configs[0], small_dataset, samples=True))
    assert [*map(bits, of(SampleRecord, found))] == [*map(bits, alone)]
