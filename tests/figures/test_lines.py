"""Named curves: their points, hues that differ, marks where they are due, and what is no number."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.figures.lines import contrast_figure, lines_figure
from explorer.figures.palette import PALETTES, RUN_COLOURS


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_curves_differ_in_hue_and_dash(theme):
    curves = {name: ([0, 1], [i, i]) for i, name in enumerate("abcd")}
    figure = lines_figure(curves, x_title="x", y_title="y", theme=theme)
    assert [trace.name for trace in figure.data] == [*"abcd"]
    assert [trace.line.color for trace in figure.data] == [*RUN_COLOURS[theme][:4]]
    assert len({trace.line.dash for trace in figure.data}) == 4
    assert figure.layout.showlegend
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("x", "y")
    assert figure.layout.template.layout.paper_bgcolor == PALETTES[theme].surface


def test_a_single_curve_needs_no_legend_and_a_mark_stands_at_its_point():
    figure = lines_figure({"loss": ([0, 1, 2], [3, 2, 4])}, x_title="step", marks={"here": (1, 2)})
    assert not figure.layout.showlegend
    line, mark = figure.data
    np.testing.assert_array_equal(line.y, [3, 2, 4])
    assert (mark.x[0], mark.y[0], mark.text[0], mark.showlegend) == (1, 2, "here", False)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_wrong_and_right_are_told_apart_without_colour(theme):
    figure = contrast_figure([3, 4], [2, 1], measured="loss", theme=theme)
    right, wrong = figure.data
    assert (right.name, wrong.name) == ("right", "wrong")
    np.testing.assert_array_equal(wrong.x, [1, 2])
    np.testing.assert_array_equal(wrong.y, [3, 4])
    np.testing.assert_array_equal(right.y, [2, 1])
    assert (wrong.line.dash, wrong.marker.symbol) == ("dash", "x")
    assert (right.line.dash, right.marker.symbol) == ("solid", "circle")
    assert wrong.line.color == PALETTES[theme].error
    assert right.line.color == PALETTES[theme].good
    assert figure.layout.template.layout.paper_bgcolor == PALETTES[theme].surface
    assert figure.layout.yaxis.title.text == "loss"
    assert not figure.layout.annotations


def test_the_axis_fits_both_curves_and_ends_where_it_is_told():
    low, high = contrast_figure([3, 4], [2, 1], measured="loss").layout.yaxis.range
    assert low == 0
    assert 4 <= high < 5
    assert contrast_figure([300, 400], [2, 1], measured="loss").layout.yaxis.type == "log"
    low, high = contrast_figure([30, 40], [2, 100], measured="%", top=100).layout.yaxis.range
    assert low == 0
    assert high > 100


@pytest.mark.parametrize(("wrong", "first"), [([np.nan, np.nan], 1), ([1, np.inf], 2)])
def test_what_is_not_a_number_is_said(wrong, first):
    figure = contrast_figure(wrong, [2, 1], measured="loss")
    assert [note.text for note in figure.layout.annotations] == [f"wrong: not a number from epoch {first} on"]
    assert 2 <= figure.layout.yaxis.range[1] < 3  # the right curve's


def test_every_curve_is_drawn_and_one_of_a_single_point_is_seen():
    figure = lines_figure({str(i): ([0, 1], [i, np.nan if i == 6 else i]) for i in range(8)}, x_title="epoch")
    assert [trace.name for trace in figure.data] == [*"01234567"]
    assert [trace.name for trace in figure.data if "markers" in trace.mode] == ["6"]
