"""What a study says: levels in their order, and words only for what the spread of the seeds allows."""

import math

import pytest
from made_trials import diverged, finished, swept

from explorer.training import TrainingConfig
from explorer.training.studies import Trial, grid
from explorer.training.studies.configs import batch_size_grid
from explorer.training.studies.summary import CHOSEN_BY_TEST, levels, setting_values, study_words, varied

BEST = (0.961, 0.962, 0.963)
NEAR = (0.9605, 0.962, 0.9625)
WORSE = (0.941, 0.942, 0.943)


def words(by_size, **settings):
    return compared(swept("batch_size", by_size, **settings), ["batch_size"]).replace("\u00a0", " ")


def compared(trials, axes):
    """What is said of trials, without the warning that they were scored on test images."""
    return study_words(trials, axes).removesuffix(f" {CHOSEN_BY_TEST}")


def test_settings_that_are_compared_on_test_images_are_said_to_be():
    found = {size: study_words(swept("batch_size", {8: BEST, 512: WORSE}, n_validation=size), ["batch_size"])
             for size in (0, 1000)}  # fmt: skip
    assert found[0].endswith(f" {CHOSEN_BY_TEST}")
    assert "hold out" not in found[1000] != ""
    assert study_words(swept("batch_size", {8: BEST}), ["batch_size"]) == ""  # nothing is compared


def test_the_settings_that_differ_are_told_in_the_order_of_the_controls_without_the_seed():
    configs = grid(TrainingConfig(), learning_rate=[0.1, 1.0], hidden_sizes=[8, 16], seed=range(3))
    assert varied(configs) == ("hidden_sizes", "learning_rate")
    assert varied([]) == varied(configs[:1]) == varied(grid(TrainingConfig(), seed=range(3))) == ()


def test_a_rate_that_goes_with_the_reduction_is_no_setting_of_its_own():
    assert varied(batch_size_grid()) == ("batch_size", "reduction")
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
    assert few.n_diverged == 1
    assert all(math.isnan(value) for value in (few.lowest, few.median, few.highest))


def test_a_clear_difference_is_told():
    assert words({8: BEST, 512: WORSE}) == (
        "Batch size 8 has the highest test accuracy: 96.2 %, the median of 3 seeds. "
        "Clearly lower: batch size 512, 94.2 %."
    )
    assert words({8: BEST, 64: (0.951, 0.952, 0.953), 512: WORSE}).endswith(
        " Clearly lower: batch size 64 and 512, down to 94.2 % at batch size 512."
    )


def test_an_unclear_difference_is_none():
    said = "3 seeds show no difference between batch size 8 and 32;"
    assert words({8: BEST, 32: NEAR}) == f"{said} the medians are 96.2 % to 96.2 %."
    both = words({8: BEST, 32: NEAR, 512: WORSE})
    assert both.startswith(f"{said} batch size 8 has the highest median, 96.2 %.")


@pytest.mark.parametrize(
    ("gap", "is_clear"),  # one-sided at 5 % with 4 degrees of freedom, t is 2.132
    [(2.10, False), (2.16, True)],
)
def test_the_bound_is_that_of_student_s_table(gap, is_clear):
    spread = 0.001  # the standard deviation of each group; that of the difference is √(2/3) of it
    higher = [0.9 + gap * spread * math.sqrt(2 / 3) + off for off in (-spread, 0, spread)]
    lower = [0.9 + off for off in (-spread, 0, spread)]
    assert ("has the highest" in words({8: higher, 64: lower})) is is_clear


def test_more_comparisons_ask_for_more():
    gap = 2.4 * 0.001 * math.sqrt(2 / 3)  # between 2.132, the bound of one comparison, and 2.776, that of two
    higher, lower = ([base + off for off in (-0.001, 0, 0.001)] for base in (0.9 + gap, 0.9))
    assert "has the highest" in words({8: higher, 64: lower})
    assert "no difference" in words({8: higher, 64: lower, 512: [value - 1e-5 for value in lower]})


def test_unequal_spreads_count_with_the_degrees_that_they_leave():
    # By Welch's formula 2.0 degrees of freedom, whose bound is 2.92; pooled it would be 4, and 2.132.
    deviation = math.sqrt((0.01**2 + 0.0001**2) / 3)
    wide = [0.9 + off for off in (-0.01, 0, 0.01)]
    for gap, is_clear in ((2.6, False), (3.0, True)):
        narrow = [0.9 + gap * deviation + off for off in (-0.0001, 0, 0.0001)]
        assert ("has the highest" in words({8: narrow, 64: wide})) is is_clear


def test_one_seed_can_not_tell():
    assert words({8: [0.96], 512: [0.1]}) == (
        "Batch size 8 has the highest test accuracy, 96.0 %, against 10.0 % at batch size 512; "
        "with one seed, that difference may be chance."
    )
    assert "1 to 3 seeds show no difference between batch size 8 and 64" in words({8: BEST, 64: [0.5]})
    assert "the medians are 96.2 % to 99.0 %" in words({8: BEST, 64: [0.99]})
    assert "; batch size 64 has the highest median, 99.0 %" in words({8: BEST, 64: [0.99], 512: WORSE})


def test_seeds_that_all_agree_show_no_spread_and_no_difference():
    assert "no difference" in words({8: (0.5,) * 3, 64: (0.4,) * 3})


def test_diverged_runs_are_counted_and_compared_with_nothing():
    text = words({8: BEST, 64: WORSE, 512: (0.99, None, None), 2048: (None, None, None)})
    assert text.startswith("Batch size 8 has the highest")
    assert text.endswith(" 5 runs diverged, at batch size 512 and 2\u202f048.")
    assert words({8: [None], 64: [None]}) == "2 runs diverged, at batch size 8 and 64."
    assert words({8: [None], 64: BEST}) == "1 run diverged, at batch size 8."


def test_a_run_that_failed_is_no_seed():
    failed = Trial(TrainingConfig(batch_size=8, seed=7), "failed", error="out of memory")
    trials = [*swept("batch_size", {8: BEST, 512: WORSE}), failed]
    assert compared(trials, ["batch_size"]).replace("\u00a0", " ") == words({8: BEST, 512: WORSE})


def test_nothing_to_compare_gives_no_words():
    assert words({}) == words({8: BEST}) == compared(swept("batch_size", {8: BEST}), []) == ""


def test_each_reduction_has_its_reason_where_the_largest_batch_does_worse():
    by_sum = "each step adds up the gradients of all its images, so a large batch overshoots."
    by_mean = "steps don't get longer with the batch, so a large batch takes too few of them."
    values = {8: BEST, 60_000: (0.1, 0.12, 0.11)}
    trials = [trial for name in ("sum", "mean") for trial in swept("batch_size", values, reduction=name)]
    text = compared(trials, ["batch_size", "reduction"])
    assert text.startswith("By sum, batch size 8 has the highest")
    assert f"With batch size 60\u202f000, {by_sum} By mean, batch size 8 has the highest" in text
    assert text.endswith(by_mean)
    lost = swept("batch_size", {8: BEST, 64: NEAR, 60_000: (None,)}, reduction="sum")
    assert compared(lost, ["batch_size", "reduction"]).endswith(by_sum)


def test_there_is_no_reason_for_what_is_not_so():
    trials = swept("batch_size", {8: WORSE, 32: NEAR, 60_000: BEST}, reduction="mean")
    assert "too few" not in compared(trials, ["batch_size", "reduction"])
    trials = swept("learning_rate", {0.1: BEST, 1.0: WORSE}, reduction="mean")
    assert "too few" not in compared(trials, ["learning_rate", "reduction"])


def test_other_choices_have_a_sentence_each_as_well():
    sizes = {(32,): BEST, (32, 32): WORSE}
    names = "sigmoid", "relu"
    trials = [trial for name in names for trial in swept("hidden_sizes", sizes, hidden_activation=name)]
    text = compared(trials, ["hidden_sizes", "hidden_activation"])
    assert text.startswith("With hidden activation sigmoid, hidden units 32 has the highest")
    assert " With hidden activation relu, hidden units 32 has the highest" in text
    assert "Clearly lower: hidden units 32-32, 94.2" in text


def test_of_many_values_a_few_are_named():
    values = dict.fromkeys((1, 2, 4, 8, 16, 32, 64), BEST) | {128 * k: WORSE for k in range(1, 7)}
    text = words(values)
    assert "between batch size 1, 2, 4, 8, 16 and 2 others;" in text
    assert "Clearly lower: the other 6, down to" in text


def test_two_numbers_are_told_together():
    trials = [
        finished(accuracy, learning_rate=rate, batch_size=size, seed=seed)
        for rate, size, group in ((0.1, 8, BEST), (0.1, 64, WORSE), (1.0, 8, WORSE))
        for seed, accuracy in enumerate(group)
    ]
    text = compared([*trials, diverged(learning_rate=1.0, batch_size=64)], ["batch_size", "learning_rate"])
    assert text.startswith("Batch size 8 with learning rate 0.1 has the highest")
    assert "Clearly lower: batch size 8 with learning rate 1 and 64 with 0.1" in text
    assert text.endswith("1 run diverged, at batch size 64 with learning rate 1.")
