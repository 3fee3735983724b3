"""What a study says: levels in their order, and no more words than the spread of the seeds allows."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_trials import diverged, finished, swept

from explorer.training import TrainingConfig
from explorer.training.studies import Trial, grid
from explorer.training.studies.summary import (
    CHOSEN_BY_TEST,
    levels,
    ranked,
    setting_values,
    study_words,
    varied,
)

BEST = (0.961, 0.962, 0.963)
WORSE = (0.941, 0.942, 0.943)


def words(by_size, **settings):
    return compared(swept("batch_size", by_size, **settings), ["batch_size"]).replace("\u00a0", " ")


def compared(trials, axes):
    """What is said of trials, without the warning that they were scored on test images."""
    return study_words(trials, axes).removesuffix(CHOSEN_BY_TEST).rstrip()


def test_settings_that_are_compared_on_test_images_are_said_to_be():
    found = {size: study_words(swept("batch_size", {8: BEST, 512: WORSE}, n_validation=size), ["batch_size"])
             for size in (0, 1000)}  # fmt: skip
    assert found[0].endswith(f"\n{CHOSEN_BY_TEST}")
    assert "hold out" not in found[1000] != ""
    assert study_words(swept("batch_size", {8: BEST}), ["batch_size"]) == ""  # nothing is compared


def test_the_settings_that_differ_are_told_in_the_order_of_the_controls_without_the_seed():
    configs = grid(TrainingConfig(), learning_rate=[0.1, 1.0], hidden_sizes=[8, 16], seed=range(3))
    assert varied(configs) == ("hidden_sizes", "learning_rate")
    assert varied([]) == varied(configs[:1]) == varied(grid(TrainingConfig(), seed=range(3))) == ()


def test_a_rate_that_goes_with_the_reduction_is_no_setting_of_its_own():
    by_sum, by_mean = TrainingConfig(), TrainingConfig(reduction="mean", learning_rate=3.0)
    sizes = [run for base in (by_sum, by_mean) for run in grid(base, batch_size=[8, 64])]
    assert varied(sizes) == ("batch_size", "reduction")
    axes = {"learning_rate": [0.1, 1.0], "reduction": ["sum", "mean"]}
    assert varied(grid(TrainingConfig(), **axes)) == ("learning_rate", "reduction")


@pytest.mark.parametrize(
    ("name", "values", "ordered"),
    [
        ("batch_size", [512, 8, 64], (8, 64, 512)),
        ("hidden_sizes", [(8, 4), (128,), (16,), (4, 8)], ((16,), (128,), (4, 8), (8, 4))),
        ("n_train", [None, 1000, 100], (100, 1000, None)),
        ("hidden_activation", ["tanh", "relu", "sigmoid"], ("sigmoid", "relu", "tanh")),
    ],
)
def test_values_are_in_order(name, values, ordered):
    trials = [finished(0.9, **{name: value}) for value in values]
    assert setting_values((trial.config for trial in trials), name) == ordered
    assert tuple(level.values for level in levels(trials, [name])) == tuple((value,) for value in ordered)


def test_a_level_has_the_accuracies_of_what_finished():
    trials = swept("batch_size", {64: (0.7, 0.9, None, 0.8), 8: (None,)})
    few, many = levels(trials, ["batch_size"])
    assert many.accuracies == (0.7, 0.9, 0.8)
    assert (many.lowest, many.median, many.highest, many.n_diverged) == (0.7, 0.8, 0.9, 1)
    assert many.trials == tuple(trials[:4])
    assert (many.nearest, few.nearest) == (trials[3], trials[4])
    assert few.n_diverged == 1
    assert all(math.isnan(value) for value in (few.lowest, few.median, few.highest))


def test_the_best_and_the_next_are_a_line_each_with_effect_and_interval():
    assert words({8: BEST, 512: WORSE}).splitlines() == [
        "Best of 2: batch size 8, median test accuracy 96.2 % (3 seeds, 96.1 to 96.3 %).",
        "Next: batch size 512, 94.2 %; mean difference 2.00 points (95 % interval: 1.77 to 2.23), "
        "seeds don't overlap.",  # 2.776 √(2/3) 0.1 = 0.23
    ]
    assert words({8: [0.96], 512: [0.1]}).splitlines() == [
        "Best of 2: batch size 8, median test accuracy 96.0 % (1 seed).",
        "Next: batch size 512, 10.0 %; mean difference 86.00 points (no interval: too few seeds, or all equal).",
    ]


def test_what_seeds_can_not_tell_apart_are_neighbors_of_the_best():
    near, wide = (0.9605, 0.962, 0.9625), (0.30, 0.40, 0.99)
    both = words({8: BEST, 16: near, 32: near, 256: WORSE, 512: wide}).splitlines()[1]
    assert both.startswith("3 seeds can't tell it and batch size 16 and 32 apart: with batch size 16, mean")
    assert "difference 0.03 points (95 % interval, 4 comparisons at once: −" in both
    lower = (0.98, 0.962, 0.90)  # whose mean is lower, though the medians are equal
    assert "3 seeds can't tell it and batch size 64 apart: mean difference −" in words({8: lower, 64: BEST})


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=4), min_size=2, max_size=4))
def test_nothing_is_called_equal_or_chance_and_what_does_not_overlap_is_told_apart(groups):
    text = words(dict(enumerate(groups, 1)))
    assert not re.search("no difference|chance|clearly|equally", text)
    best, second, *_ = ranked(levels(swept("batch_size", dict(enumerate(groups, 1))), ["batch_size"]))
    assert second.highest >= best.lowest or "can't tell" not in text


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        ({8: (0.884, 0.87, 0.93), 512: (0.355, 0.10, 0.60)}, "seeds don't overlap"),
        ({8: (0.946, 0.945), 512: (0.775, 0.81)}, "15.30 points (95 % interval: −"),
    ],
)
def test_wide_intervals_are_no_findings(groups, says):
    assert "can't tell" not in words(groups)
    assert says in words(groups)


# By Student's table with 4 degrees of freedom, for 1 and 2 comparisons; and with the 2 that Welch leaves, for 1.
@pytest.mark.parametrize(("n", "spread", "t"), [(1, 1e-3, 2.776), (2, 1e-3, 3.495), (1, 1e-5, 4.303)])
def test_the_interval_is_that_of_student_s_table(n, spread, t):
    unit = math.sqrt((0.001**2 + spread**2) / 3)
    for factor, is_above in ((0.95, False), (1.05, True)):
        lower = [0.9 + off for off in (-0.001, 0, 0.001)]
        higher = [0.9 + factor * t * unit + off for off in (-spread, 0, spread)]
        text = words({8: higher, **{64 + k: [value - k for value in lower] for k in range(n)}})
        assert ("interval: −" not in text and "at once: −" not in text) is is_above


def test_diverged_runs_are_counted_and_compared_with_nothing():
    text = words({8: BEST, 64: WORSE, 512: (0.99, None, None), 2048: (None, None, None)})
    assert text.startswith("Best of 2: batch size 8, median")
    assert text.endswith("\n5 runs diverged, at batch size 512 and 2\u202f048.")
    assert words({8: [None], 64: [None]}) == "2 runs diverged, at batch size 8 and 64."
    assert words({8: [None], 64: BEST}) == "1 run diverged, at batch size 8."


def test_a_run_that_failed_is_no_seed():
    failed = Trial(TrainingConfig(batch_size=8, seed=7), "failed", error="out of memory")
    trials = [*swept("batch_size", {8: BEST, 512: WORSE}), failed]
    assert compared(trials, ["batch_size"]).replace("\u00a0", " ") == words({8: BEST, 512: WORSE})


def test_nothing_to_compare_gives_no_words():
    assert words({}) == words({8: BEST}) == compared(swept("batch_size", {8: BEST}), []) == ""


def test_of_many_values_a_few_are_named():
    text = words(dict.fromkeys((1, 2, 4, 8, 16, 32, 64), BEST) | {128: WORSE})
    assert "can't tell it and batch size 2, 4, 8, 16, 32 and 1 other apart: with batch size 2, mean" in text


def test_two_numbers_are_told_together():
    trials = [
        finished(accuracy, learning_rate=rate, batch_size=size, seed=seed)
        for rate, size, group in ((0.1, 8, BEST), (0.1, 64, WORSE), (1.0, 8, WORSE))
        for seed, accuracy in enumerate(group)
    ]
    text = compared([*trials, diverged(learning_rate=1.0, batch_size=64)], ["batch_size", "learning_rate"])
    assert text.startswith("Best of 3: batch size 8 · learning rate 0.1, median")
    assert "Next: batch size 8 · learning rate 1, 94.2" in text
    assert text.endswith("\n1 run diverged, at batch size 64 · learning rate 1.")
