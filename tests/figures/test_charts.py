"""The charts of the lessons: curves, bars and points."""

import numpy as np
import pytest

from explorer.figures import charts
from explorer.network.gradient_check import CheckedWeight, Place


def test_a_single_curve_needs_no_legend_and_a_mark_stands_at_its_point():
    figure = charts.lines_figure({"loss": ([0, 1, 2], [3, 2, 4])}, x_title="step", marks={"here": (1, 2)})
    assert not figure.layout.showlegend
    line, mark = figure.data
    np.testing.assert_array_equal(line.y, [3, 2, 4])
    assert (mark.x[0], mark.y[0], mark.text[0], mark.showlegend) == (1, 2, "here", False)


def test_wrong_is_drawn_over_right_by_epoch():
    right, wrong = charts.contrast_figure([3, 4], [2, 1], measured="loss").data
    assert (right.name, wrong.name) == ("right", "wrong")
    np.testing.assert_array_equal(wrong.x, [1, 2])
    np.testing.assert_array_equal(wrong.y, [3, 4])
    np.testing.assert_array_equal(right.y, [2, 1])


def test_the_axis_fits_both_curves_and_ends_where_it_is_told():
    low, high = charts.contrast_figure([3, 4], [2, 1], measured="loss").layout.yaxis.range
    assert (low, 4 <= high < 5) == (0, True)
    assert charts.contrast_figure([300, 400], [2, 1], measured="loss").layout.yaxis.type == "log"
    low, high = charts.contrast_figure([30, 40], [2, 100], measured="%", top=100).layout.yaxis.range
    assert (low, high > 100) == (0, True)


@pytest.mark.parametrize(("wrong", "first"), [([np.nan, np.nan], 1), ([1, np.inf], 2)])
def test_what_is_not_a_number_is_said(wrong, first):
    figure = charts.contrast_figure(wrong, [2, 1], measured="loss")
    assert [note.text for note in figure.layout.annotations] == [f"wrong: not a number from epoch {first} on"]
    assert 2 <= figure.layout.yaxis.range[1] < 3  # the right curve's


def test_recall_starts_with_the_most_difficult_and_its_axis_below_the_lowest_bar(counts, digits):
    counts[3] = 0
    counts[3, 3], counts[3, 5] = 80, 20
    figure = charts.recall_figure(counts, digits)
    (bars,) = figure.data
    assert bars.x[:2] == ("3", "9")
    np.testing.assert_allclose(bars.y[:2], [80, 100 * 979 / 1009], rtol=1e-6)
    assert bars.text[0] == "80.0"
    assert list(bars.customdata[:2]) == ["100 test images", "1\u202f009 test images"]
    assert (np.diff(bars.y) >= 0).all()
    low, high = figure.layout.yaxis.range
    assert (low < min(bars.y), high) == (True, 100)
    counts[0] = 0
    assert charts.recall_figure(counts, digits).layout.yaxis.range[0] == 0  # a class without images


def test_answers_stand_side_by_side(digits):
    first, second = np.linspace(0, 1, 10), np.linspace(1, 0, 10)
    figure = charts.answers_figure({"one": first, "other": second}, digits)
    assert [trace.name for trace in figure.data] == ["one", "other"]
    np.testing.assert_allclose(figure.data[1].y, second, rtol=1e-6)
    assert not charts.answers_figure({"one": first}, digits).layout.showlegend


CHECKED = [
    CheckedWeight(Place("W2", 0, 1), 0.5, 0.4, 0.0, False),
    CheckedWeight(Place("W1", 2, 3), -2.0, -2.0, 0.0, False),
    CheckedWeight(Place("W2", 1, 1), 0.1, 0.1, 0.0, False),
]


def test_each_weight_stands_at_its_two_values():
    diagonal, first, second = charts.gradients_figure(CHECKED).data
    assert (first.name, second.name) == ("W1", "W2")
    np.testing.assert_allclose((second.x, second.y), [[0.4, 0.1], [0.5, 0.1]], rtol=1e-6)
    assert list(first.text) == ["W1[2, 3]"]
    assert diagonal.x == diagonal.y
