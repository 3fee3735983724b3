"""A study over batch sizes: averages and bands over the seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.figures.palette import PALETTES
from explorer.figures.studies import (
    StudyPoint,
    study_figure,
    study_layout,
    study_points,
    study_style,
    study_traces,
    study_words,
)
from explorer.training.config import TrainingConfig
from explorer.training.studies import StudyResult

LOWEST, HIGHEST, AVERAGE = range(3)  # of the sum; those of the mean follow


@pytest.fixture
def runs():
    """Return two sizes by sum, three seeds at the first, out of order; one run by mean."""
    return [
        StudyPoint(512, "sum", 0, 0.94, 1.5, 1180),
        StudyPoint(8, "sum", 0, 0.90, 6.0, 75_000),
        StudyPoint(8, "sum", 2, 0.96, 8.0, 75_000),
        StudyPoint(8, "mean", 0, 0.97, 5.0, 75_000),
        StudyPoint(8, "sum", 1, 0.91, 6.5, 75_000),
    ]


def test_the_order_of_traces_is_fixed(runs):
    for shown in ([], runs[:1], runs):
        names = [trace.name for trace in study_figure(shown).data]
        assert names == ["sum, lowest", "sum, highest", "sum", "mean, lowest", "mean, highest", "mean"]


@pytest.mark.parametrize(
    ("measure", "lowest", "highest", "average"),
    [
        ("accuracy", [90, 94], [96, 94], [277 / 3, 94]),
        ("time", [6, 1.5], [8, 1.5], [20.5 / 3, 1.5]),
        ("updates", [75_000, 1180], [75_000, 1180], [75_000, 1180]),
    ],
)
def test_bands_run_from_the_lowest_seed_to_the_highest(runs, measure, lowest, highest, average):
    traces = study_traces(runs, measure=measure)
    for trace, expected in zip(traces, (lowest, highest, average), strict=False):
        assert trace["x"].tolist() == [8, 512]
        np.testing.assert_allclose(trace["y"], expected, rtol=1e-6)
        assert trace["customdata"] == ["average of 3 runs", "one run"]
        assert (trace["x"].dtype, trace["y"].dtype) == ("f4", "f4")


def test_the_two_reductions_do_not_mix(runs):
    traces = study_traces(runs)
    assert traces[3 + AVERAGE]["x"].tolist() == [8]
    np.testing.assert_allclose(traces[3 + AVERAGE]["y"], [97], rtol=1e-6)


def test_a_reduction_without_runs_is_hidden(runs):
    by_sum = [run for run in runs if run.reduction == "sum"]
    assert [trace["visible"] for trace in study_traces(by_sum)] == [True] * 3 + [False] * 3


def test_the_batch_axis_is_logarithmic_and_holds_all_sizes(runs):
    figure = study_figure(runs)
    low, high = figure.layout.xaxis.range
    assert figure.layout.xaxis.type == "log"
    assert low < math.log10(8) < math.log10(512) < high
    assert study_layout([])["xaxis"]["range"] == [-0.15, math.log10(60_000) + 0.15]


@pytest.mark.parametrize(
    ("measure", "title", "kind"),
    [
        ("accuracy", "test accuracy (%)", "linear"),
        ("time", "seconds per epoch", "log"),
        ("updates", "updates of the weights", "log"),
    ],
)
def test_axes_carry_their_units(runs, measure, title, kind):
    layout = study_figure(runs, measure=measure).layout
    assert layout.xaxis.title.text == "batch size (images)"
    assert (layout.yaxis.title.text, layout.yaxis.type) == (title, kind)


def test_switching_measures_resets_the_axis(runs):
    accuracy, time = (study_layout(runs, measure=measure)["yaxis"] for measure in ("accuracy", "time"))
    assert accuracy["range"] == [0, 102]
    assert (accuracy["autorange"], time["autorange"]) == (False, True)
    assert accuracy.keys() - time.keys() == {"range"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_style(theme):
    style, palette = study_style(theme), PALETTES[theme]
    assert style[AVERAGE]["line"]["color"] == palette.negative
    assert style[3 + AVERAGE]["line"]["color"] == palette.positive
    assert [trace.get("fill") for trace in style[:3]] == [None, "tonexty", None]
    assert [trace.get("showlegend", True) for trace in style] == [False, False, True] * 2
    assert style[AVERAGE]["hovertemplate"] == (
        "batch size %{x} · sum: %{y:.2f} %<br>%{customdata}<extra></extra>"
    )


def test_the_builder_is_pure(runs):
    before = list(runs)
    assert study_figure(runs).to_json() == study_figure(runs).to_json()
    assert runs == before


@pytest.mark.parametrize(
    ("n_train", "batch_size", "updates"),
    [(None, 512, 3 * 118), (None, 60_000, 3), (1000, 512, 3 * 2), (1000, 8192, 3), (90_000, 512, 3 * 118)],
)
def test_results_of_a_study_become_points(make_history, n_train, batch_size, updates):
    config = TrainingConfig(epochs=3, batch_size=batch_size, n_train=n_train, reduction="mean", seed=7)
    result = StudyResult(config, make_history(3).epochs)  # test accuracies 88, 94, 96 %; a second each
    (point,) = study_points([result], n_images=60_000)
    assert point == StudyPoint(batch_size, "mean", 7, pytest.approx(0.96), 1.0, updates)


def test_a_result_without_an_epoch_is_left_out():
    assert study_points([StudyResult(TrainingConfig(), (), "broken")], n_images=60_000) == ()


def reached(reduction, **accuracies):
    sizes = {"small": 8, "large": 60_000}
    return [
        StudyPoint(sizes[size], reduction, seed, accuracy + off, 1.0, 10)
        for size, accuracy in accuracies.items()
        for seed, off in ((0, -0.01), (1, 0.01))
    ]


def test_words_give_a_reason_where_a_large_batch_does_worse():
    by_sum = "a step adds up the gradients of all its images, and a large batch steps too far"
    by_mean = "a step is as long as any other, and a large batch takes too few of them"
    runs = reached("sum", small=0.92, large=0.1) + reached("mean", small=0.953, large=0.38)
    assert study_words(runs) == (
        f"By sum, batch size 8 does best: 92.0\u00a0%. 60\u202f000 reaches 10.0\u00a0%: {by_sum}. "
        f"By mean, batch size 8 does best: 95.3\u00a0%. 60\u202f000 reaches 38.0\u00a0%: {by_mean}."
    )


def test_words_give_no_reason_for_what_is_not_so():
    runs = reached("mean", small=0.92, large=0.915)
    assert study_words(runs) == "By mean, batch size 8 does best: 92.0\u00a0%."
    assert study_words(reached("sum", small=0.9)) == study_words([]) == ""


def test_the_axis_has_room_for_what_is_to_come():
    low, high = study_layout(reached("sum", small=0.9), batch_sizes=[1, 512])["xaxis"]["range"]
    assert low < 0
    assert 2.7 < high < 3
