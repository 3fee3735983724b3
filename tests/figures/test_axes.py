"""Axes hold what they must, whatever the values."""

from hypothesis import given
from hypothesis import strategies as st

from explorer.figures.axes import accuracy_range, epoch_axis, linear_range, log_range

losses = st.floats(1e-30, 1e30) | st.just(float("nan")) | st.just(float("inf"))
shares = st.floats(0, 100)


@given(st.lists(losses, max_size=20), st.lists(losses, max_size=5))
def test_a_linear_axis_holds_the_run_and_is_not_much_longer(own, others):
    low, high = linear_range(own, others)
    top = max((value for value in own if value < float("inf")), default=1.0)
    assert low == 0
    assert 1.01 * top <= high <= 2 * top * 1.51 * 1.02  # a marker at the top is whole


@given(st.lists(losses, max_size=20))
def test_a_log_axis_holds_the_run_within_half_a_decade(own):
    low, high = log_range(own)
    finite = [value for value in own if value < float("inf")] or [0.1, 1.0]
    assert 10**low <= min(finite) <= max(finite) <= 10**high
    assert 10**low > min(finite) / 2
    assert 10**high < max(finite) * 2


@given(st.lists(shares, min_size=1, max_size=20), st.lists(shares, max_size=5))
def test_an_accuracy_axis_holds_the_run(own, others):
    low, high = accuracy_range(own, others)
    assert low in (0, 50, 60, 70, 80, 90)
    assert low <= min(own) <= max(own) <= high
    assert accuracy_range(own, [])[0] >= low


@given(st.integers(1, 500))
def test_ticks_of_epochs_are_whole_and_few(n_epochs):
    step = epoch_axis(n_epochs)["dtick"]
    assert step == int(step)
    assert n_epochs // step + 1 <= 7
