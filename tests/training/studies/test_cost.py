"""What a study will cost, from a few mini-batches."""

import itertools

import pytest

from explorer import TrainingConfig
from explorer.training.fields import ConfigError
from explorer.training.run import TrainingRun
from explorer.training.studies import configs as module
from explorer.training.studies import grid
from explorer.training.studies.configs import Cost, measured_cost
from explorer.wording import long_duration

SMALL = TrainingConfig(hidden_sizes=4, epochs=1)


@pytest.fixture
def steps(monkeypatch):
    """The batch size of each mini-batch that is trained."""
    taken = []

    class Counted(TrainingRun):
        def __next__(self):
            taken.append(self.config.batch_size)
            return super().__next__()

    monkeypatch.setattr(module, "TrainingRun", Counted)
    return taken


def test_more_steps_images_and_epochs_cost_more(mnist):
    base = SMALL.replace(n_train=6000)
    changes = ({"batch_size": 1}, {"n_train": 60_000}, {"epochs": 5}, {"hidden_sizes": 1024})
    dearer = [base.replace(**change) for change in changes]
    found = measured_cost([base, *dearer], mnist)
    assert all(found.shares[config] > 1.5 * found.shares[base] for config in dearer)
    assert sum(found.shares.values()) == pytest.approx(1)


def test_elastic_distortions_cost_more_and_images_that_are_not_trained_on_less(mnist):
    base = SMALL.replace(hidden_sizes=64)
    elastic, split = base.replace(elastic=1.0), base.replace(n_validation=50_000)
    found = measured_cost([base, elastic, split], mnist)
    assert found.shares[elastic] > found.shares[base] > found.shares[split]


@pytest.mark.parametrize("n", [1, 10_000])
def test_however_many_runs_a_few_mini_batches_are_timed(mnist, steps, n):
    configs = grid(SMALL.replace(batch_size=1, n_train=500), seed=range(n))
    assert len(measured_cost(configs, mnist).shares) == n
    assert sum(steps) < 40_000  # images: less than one epoch of one run
    assert len(steps) < 2 * 520


def test_of_the_largest_network_a_step_or_two_are_timed(mnist, steps):
    measured_cost([TrainingConfig(hidden_sizes=(1024,) * 6, batch_size=60_000)], mnist)
    assert len(steps) <= 4


def test_several_at_once_take_less_time_but_none_less_than_its_longest_run(small_dataset, monkeypatch):
    monkeypatch.setattr(module, "perf_counter", itertools.count().__next__)  # each timing takes a second
    long = SMALL.replace(epochs=500)
    configs = [*grid(SMALL, seed=range(20)), long]
    one, two, many = (measured_cost(configs, small_dataset, n_workers=n) for n in (1, 2, 100))
    assert two.seconds == many.seconds == pytest.approx(one.seconds * one.shares[long])
    even = grid(SMALL, seed=range(20))
    one, four = (measured_cost(even, small_dataset, n_workers=n) for n in (1, 4))
    assert four.seconds == pytest.approx(one.seconds / 4)


@pytest.mark.parametrize(
    ("done", "elapsed", "left"),
    [(0.0, 0.0, 60.0), (0.5, 30.0, 30.0), (0.5, 90.0, 60.0), (1.0 + 1e-9, 99.0, 0.0)],
)
def test_the_time_left_follows_the_estimate_first_and_then_what_was_seen(done, elapsed, left):
    assert Cost({SMALL: 1.0}, 1, 60.0).seconds_left(done, elapsed) == left


def test_more_than_1000_runs_or_an_hour_are_large():
    shares = dict.fromkeys(grid(SMALL, seed=range(1000)), 0.001)
    assert str(Cost(shares, 2, 180.0)) == "1\u202f000 runs, about 3 minutes on 2 cores"
    assert [Cost(shares, 1, seconds).is_large for seconds in (3600, 3601)] == [False, True]
    assert Cost({**shares, SMALL.replace(epochs=9): 0.0}, 1, 1).is_large


@pytest.mark.parametrize("n", [1, 2, 3])
def test_one_image_can_be_timed(small_dataset, n):
    assert measured_cost([SMALL], small_dataset.head(n)).seconds > 0


def test_too_many_images_are_refused(small_dataset):
    with pytest.raises(ConfigError, match="n_train is 601"):
        measured_cost([SMALL, SMALL.replace(n_train=601)], small_dataset)


def test_a_long_wait_is_said_in_its_unit():
    words = {0.2: "1 second", 59.4: "59 seconds", 60: "1 minute", 3580: "1 hour", 5400: "1.5 hours"}
    words |= {36_000: "10 hours", 86_400: "24 hours", 3 * 86_400: "3 days"}
    assert {seconds: long_duration(seconds) for seconds in words} == words
