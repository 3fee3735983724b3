"""A study as figures: medians and bands over one setting, a heat map over two, and the curve of one run."""

import math

import numpy as np
import pytest
from made_trials import diverged, finished, swept

from explorer.figures.data_table import data_tables
from explorer.figures.studies import StudyView, ranking_data, ranking_figure, study_data, study_figure
from explorer.training import TrainingConfig
from explorer.training.studies import grid

MEDIAN = 1  # of the first curve, after its runs; those of the next follow
AXES = ("batch_size", "learning_rate")


def figure_of(trials, *axes):
    return study_figure(StudyView(trials, axes))


def traces_of(trials, *axes, **more):
    return study_data(StudyView(trials, axes, **more))[0]


def layout_of(trials, *axes, **more):
    return study_data(StudyView(trials, axes, **more))[1]


@pytest.fixture
def trials():
    """Return two sizes by sum, three seeds at the first, out of order; one run by mean; one that diverged."""
    return [
        finished(0.94, batch_size=512, reduction="sum", epochs=2, seconds=1.5),
        finished(0.90, batch_size=8, reduction="sum", epochs=2, seconds=6.0, seed=0),
        finished(0.96, batch_size=8, reduction="sum", epochs=2, seconds=8.0, seed=2),
        finished(0.97, batch_size=8, reduction="mean", epochs=2, seconds=5.0),
        finished(0.91, batch_size=8, reduction="sum", epochs=2, seconds=6.5, seed=1),
        diverged(batch_size=512, reduction="mean", epochs=2),
    ]


def test_the_traces_are_as_many_whatever_has_ended(trials):
    for by, n in (((), 3), (("reduction",), 5), (("hidden_activation",), 7)):
        assert {len(figure_of(shown, "batch_size", *by).data) for shown in ([], trials[:1], trials)} == {n}


def test_the_bar_runs_from_the_lowest_run_to_the_highest(trials):
    lowest, highest, median = [10, 6], [4, 6], [9, 6]  # percent of errors: the axis is theirs
    traces = traces_of(trials, "batch_size", "reduction")
    found = traces[MEDIAN]
    assert found["x"].tolist() == [8, 512]
    np.testing.assert_allclose(found["y"], median, rtol=1e-6)
    up, down = found["error_y"]["array"], found["error_y"]["arrayminus"]
    np.testing.assert_allclose(found["y"] + up, np.maximum(lowest, highest), rtol=1e-6)
    np.testing.assert_allclose(found["y"] - down, np.minimum(lowest, highest), rtol=1e-6)
    assert {array.dtype.str[1:] for array in (found["x"], found["y"], up, down)} == {"f4"}


def test_each_point_and_each_single_run_knows_its_trials_and_says_its_value(trials):
    runs, median, *_ = traces_of(trials, "batch_size", "reduction")
    assert median["customdata"] == [[1, 2, 4], [0]]
    assert median["text"][0] == "batch size 8 · batch gradient sum"
    said = [words.replace("\u00a0", " ") for words in median["hovertext"]]
    assert said == ["91.00 %, median of 3 runs", "94.00 %, one run"]
    assert runs["visible"]
    assert runs["customdata"] == [[1], [4], [2], [0]]
    np.testing.assert_allclose(runs["y"], [10, 9, 4, 6], rtol=1e-5)
    assert runs["text"][2] == "batch size 8 · batch gradient sum · seed 2"


def test_a_run_that_diverged_is_a_mark_on_the_lower_edge(trials):
    mark = traces_of(trials, "batch_size", "reduction")[-1]
    assert (mark["x"].tolist(), mark["customdata"], mark["hovertext"]) == ([512], [[5]], ["1 of 1 diverged"])
    bottom, top = layout_of(trials, "batch_size")["yaxis"]["range"]
    assert math.log10(mark["y"][0]) == pytest.approx(bottom)
    assert bottom > top  # errors, downwards
    assert not traces_of(trials[:-1], "batch_size")[-1]["visible"]


def test_without_another_setting_all_runs_make_one_curve(trials):
    traces = traces_of(trials, "batch_size")
    assert [trace["visible"] for trace in traces] == [True, True, True]
    assert traces[MEDIAN]["customdata"] == [[1, 2, 3, 4], [0, 5]]
    assert "1 of 2 diverged" in traces[MEDIAN]["hovertext"][1]


def axis_of(name, values):
    return layout_of(swept(name, dict.fromkeys(values, (0.9,))), name)["xaxis"]


@pytest.mark.parametrize(("name", "values", "kind", "texts"), [
    ("batch_size", (1, 8, 60_000), "log", ["1", "8", "60\u202f000"]),
    ("batch_size", (16, 32, 64), "linear", ["16", "32", "64"]),
    ("learning_rate", (0.001, 0.03, 1.0), "log", ["0.001", "0.03", "1"]),
    ("hidden_sizes", ((32,), (128, 64)), "linear", ["32", "128-64"]),
    ("loss", ("squared_error", "cross_entropy"), "linear", ["squared error", "cross-entropy"]),
    ("n_train", (1000, None), "linear", ["1\u202f000", "all"]),
])  # fmt: skip
def test_numbers_of_more_than_a_decade_have_a_logarithmic_axis(name, values, kind, texts):
    axis = axis_of(name, values)
    assert (axis["type"], axis["ticktext"], axis["tickmode"]) == (kind, texts, "array")
    low, high = axis["range"]
    places = [math.log10(tick) for tick in axis["tickvals"]] if kind == "log" else axis["tickvals"]
    assert low < min(places)
    assert max(places) < high


def test_what_is_no_number_stands_in_a_row():
    trials = swept("hidden_sizes", {(128, 64): (0.9,), (32,): (0.8,)})
    assert axis_of("hidden_sizes", [(128, 64), (32,)])["tickvals"] == [0, 1]
    assert traces_of(trials, "hidden_sizes")[MEDIAN]["x"].tolist() == [0, 1]


def test_the_axis_has_room_for_what_is_to_come():
    configs = grid(TrainingConfig(), batch_size=[1, 512, 60_000])
    layout = layout_of([finished(0.9, batch_size=512)], "batch_size", configs=configs)
    assert layout["xaxis"]["range"][0] < 0
    assert layout["xaxis"]["range"][1] > math.log10(60_000)


@pytest.mark.parametrize(("shares", "expected"), [
    ((0.10, 0.965), ["95", "90", "80", "50", "0"]),
    ((0.955, 0.965), ["96.5", "96", "95.5"]),
    ((0.9641, 0.9643), None),
    ((0.5,), None),
    ((1.0, 1.0), None),
])  # fmt: skip
def test_the_accuracy_axis_fits_and_its_ticks_are_accuracies(shares, expected):
    axis = layout_of(swept("batch_size", {8: shares}), "batch_size")["yaxis"]
    if expected:
        assert axis["ticktext"] == expected
    assert len(axis["ticktext"]) >= 2
    for tick, text in zip(axis["tickvals"], axis["ticktext"], strict=True):
        assert float(text) == pytest.approx(100 - tick, abs=0.001)
    bottom, top = axis["range"]
    for share in shares:
        assert top <= math.log10(max(100 * (1 - share), 0.01)) <= bottom


def test_the_best_have_a_bar_with_a_dot_for_each_run_best_first(trials):
    view = StudyView(trials, ("batch_size", "reduction"))
    (bars, medians, runs), layout = ranking_data(view)
    assert layout["yaxis"]["ticktext"] == [
        "batch size 8 · mean",
        "batch size 512 · sum",
        "batch size 8 · sum",
    ]
    np.testing.assert_allclose(bars["base"], [97, 94, 90], rtol=1e-6)
    np.testing.assert_allclose(bars["base"] + bars["x"], [97, 94, 96], rtol=1e-6)
    np.testing.assert_allclose(medians["x"], [97, 94, 91], rtol=1e-6)
    assert (runs["y"], bars["customdata"][2]) == ([0, 1, 2, 2, 2], [1, 2, 4])
    assert [n for (n,) in runs["customdata"]] == [3, 0, 1, 2, 4]
    (table,) = data_tables(ranking_figure(view))
    assert table.caption == "test accuracy by setting"
    assert table.rows[1] == ("batch size 512 · sum", "94.00\u00a0%, one run", "94.00\u00a0%")
    many = swept("batch_size", dict.fromkeys(range(1, 9), (0.9, 0.95)) | {60_000: (0.99, None)})
    assert len(ranking_data(StudyView(many, ("batch_size",)))[0][0]["y"]) == 6  # none of which diverged


@pytest.fixture
def mapped():
    """Return a median of two, one with a diverged run, one where all diverged; a fourth is still to come."""
    return [
        *swept("batch_size", {8: (0.90, 0.92), 64: (None, None)}, learning_rate=0.1),
        *swept("batch_size", {8: (None, 0.95)}, learning_rate=1.0),
    ]


def test_cells_are_medians_crosses_and_blanks(mapped):
    configs = grid(TrainingConfig(), batch_size=[64], learning_rate=[1.0])
    medians, crosses = traces_of(mapped, *AXES, configs=configs)
    assert medians["text"] == [["91.0", ""], ["95.0 ×", ""]]
    assert crosses["text"] == [["", "×"], ["", ""]]
    assert crosses["z"] == [[None, 0], [None, None]]
    (worse, lost), (better, blank) = medians["z"]
    assert (lost, blank) == (None, None)
    assert medians["zmin"] < worse < better <= medians["zmax"]
    assert medians["customdata"] == crosses["customdata"] == [[[0, 1], [2, 3]], [[4, 5], []]]
    assert medians["hovertext"][0][1] == "batch size 64 · learning rate 0.1: 2 of 2 diverged"
    assert "median of 2 runs" in medians["hovertext"][0][0]
    assert "one run, 1 of 2 diverged" in medians["hovertext"][1][0]


def test_cells_to_come_have_their_place():
    configs = grid(TrainingConfig(), batch_size=[8, 64, 512], learning_rate=[0.1, 1.0])
    medians, _ = traces_of([finished(0.9, batch_size=64, learning_rate=1.0)], *AXES, configs=configs)
    assert [[z is not None for z in row] for row in medians["z"]] == [[False] * 3, [False, True, False]]
    layout = layout_of((), *AXES, configs=configs)
    assert layout["xaxis"]["ticktext"] == ["8", "64", "512"]
    assert layout["yaxis"]["ticktext"] == ["0.1", "1"]
    assert layout["title"]["text"] == "Median of the test accuracy (%)"


def test_numbers_are_written_where_there_is_room_and_else_a_scale_is_shown():
    sizes = {2**k: (0.9 + 0.001 * k,) for k in range(13)}
    wide, _ = traces_of(swept("batch_size", sizes), *AXES)
    few, _ = traces_of(swept("batch_size", {8: (0.9,), 64: (0.8,)}), *AXES)
    assert (few["texttemplate"], few["showscale"]) == ("%{text}", False)
    assert (wide["texttemplate"], wide["showscale"]) == ("", True)
    assert wide["text"][0][0] == "90.0"  # for the table
    assert len(wide["colorbar"]["tickvals"]) == len(wide["colorbar"]["ticktext"]) >= 2


@pytest.mark.parametrize(("axes", "kind"), [
    (("batch_size", "epochs"), "heatmap"),
    (("batch_size",), "scatter"),
    (("loss", "batch_size"), "scatter"),
    (("loss", "reduction"), "scatter"),
])  # fmt: skip
def test_two_numbers_make_a_map_and_a_choice_curves(trials, axes, kind):
    title = "loss" if axes[-1] == "reduction" else "batch size (images)"
    for figure in (figure_of(trials, *axes), figure_of((), *axes)):  # without trials there are axes
        assert {trace.type for trace in figure.data} == {kind}
        assert figure.layout.xaxis.title.text == title
    assert StudyView(trials, axes).is_map == (kind == "heatmap")
