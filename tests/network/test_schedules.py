"""The schedules: their values, worked out by other means, and a network that is trained by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.network import SCHEDULES, NeuralNetwork
from explorer.network.schedules import rate_factor

epochs = st.floats(0.5, 500)
shares = st.floats(0, 1)


@pytest.mark.parametrize(("schedule", "expected"), [
    ("constant", [1, 1, 1, 1, 1]),
    ("steps", [1, 1, 0.1, 0.01, 0.01]),
    ("inverse", [1, 1 / 3, 1 / 5, 1 / 7, 1 / 9]),
    ("cosine", [1, 0.5 + np.sqrt(1 / 8), 0.5, 0.5 - np.sqrt(1 / 8), 0]),
])  # fmt: skip
def test_values_at_each_quarter_of_eight_epochs(schedule, expected):
    found = [rate_factor(schedule, t, 8) for t in (0, 2, 4, 6, 8)]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    assert found == [SCHEDULES[schedule](t, 8) for t in (0, 2, 4, 6, 8)]


@given(st.sampled_from([*SCHEDULES]), epochs, shares, shares)
def test_each_starts_at_1_and_never_rises(schedule, T, share, other):
    first, second = (rate_factor(schedule, T * at, T) for at in sorted((share, other)))
    assert rate_factor(schedule, 0, T) == 1
    assert 1 >= first >= second >= 0


@given(st.sampled_from([*SCHEDULES]), st.integers(1, 20), st.floats(0, 40))
def test_warm_up_rises_in_a_line_and_then_leaves_the_schedule_alone(schedule, warmup, t):
    factor, plain = rate_factor(schedule, t, 40, warmup), SCHEDULES[schedule](t, 40)
    assert factor == pytest.approx(plain if t >= warmup else plain * t / warmup)
    assert rate_factor(schedule, t, 40, 0) == plain


def samples():
    X = np.random.default_rng(0).random((3, 10))
    return X, np.eye(2)[:, np.arange(10) % 2]


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_fit_asks_for_the_rate_at_the_middle_of_each_mini_batch(reduction):
    network, asked, rates = NeuralNetwork(3, 4, 2, seed=0), [], []
    network.train_iteration = lambda X, d, lr: rates.append(lr) or 0.0

    def rate(t):
        asked.append(t)
        return 0.2 * rate_factor("inverse", t, 2)

    network.fit(*samples(), 4, 2, rate, reduction=reduction)
    middles = [0.2, 0.6, 0.9, 1.2, 1.6, 1.9]  # of 4, 4 and 2 of 10 samples, twice
    assert asked == pytest.approx(middles)
    sizes = [4, 4, 2, 4, 4, 2] if reduction == "mean" else [1] * 6
    assert rates == pytest.approx([0.2 / (1 + t) / n for t, n in zip(middles, sizes, strict=True)])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_function_that_always_gives_one_rate_is_that_rate(optimizer):
    fitted = []
    for lr in (0.05, lambda t: 0.05):
        network = NeuralNetwork(3, 4, 2, optimizer=optimizer, seed=0)
        history = network.fit(*samples(), 4, 3, lr, reduction="mean")
        fitted.append((*history, *network.W1.ravel()))
    assert fitted[0] == fitted[1]


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf"), "fast", None])
def test_a_function_that_gives_no_rate_is_refused_before_the_step(wrong):
    network = NeuralNetwork(3, 4, 2, seed=0)
    before = network.W1.copy()
    with pytest.raises(ValueError, match=r"lr is .*; expected a finite number greater than 0"):
        network.fit(*samples(), 4, 1, lambda t: wrong)
    np.testing.assert_array_equal(network.W1, before)
