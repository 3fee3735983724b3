"""Accuracy against the amount of a corruption: curves, axis, mark and words."""

import numpy as np
import plotly.graph_objects as go
import pytest

from explorer.datasets.augmentation import CORRUPTIONS
from explorer.figures.palette import PALETTES
from explorer.figures.reliability import robustness_data, robustness_figure, robustness_summary

TURNS = CORRUPTIONS["rotation"]
OWN = ("this run", {0.0: 0.93, 60.0: 0.2, -60.0: 0.19})
OTHER = ("run 1", {0.0: 0.8})


def test_a_curve_goes_through_the_amounts_in_their_order_in_percent():
    (trace,) = (trace for trace in robustness_figure([OWN], TURNS).data if trace.visible)
    assert trace.name == "this run"
    np.testing.assert_array_equal(trace.x, [-60, 0, 60])
    np.testing.assert_allclose(trace.y, [19, 93, 20])


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_axis_names_the_corruption_and_holds_all_amounts(kind):
    one = CORRUPTIONS[kind]
    axis = robustness_figure([], one).layout.xaxis
    assert axis.title.text == f"{one.label.lower()} ({one.unit.strip()})"
    assert axis.range[0] < one.amounts[0] < one.amounts[-1] < axis.range[1]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_amount_on_show_is_marked(theme):
    (mark,) = go.Layout(robustness_data([], TURNS, 30, theme=theme)[1]).shapes
    assert (mark.x0, mark.x1) == (30, 30)
    assert mark.line.color == PALETTES[theme].muted
    assert not robustness_figure([OWN], TURNS).layout.shapes


def test_the_summary_names_what_is_known():
    nbsp = "\u00a0"
    expected = "this run 93.0 % unchanged, 19.0 % at −60°, 20.0 % at 60°; run 1 80.0 % unchanged"
    assert robustness_summary([OWN, OTHER], TURNS).replace(nbsp, " ") == expected
    assert robustness_summary([("this run", {})], TURNS) == ""
    shift = robustness_summary([("this run", {0.0: 1.0, 8.0: 0.5})], CORRUPTIONS["shift"])
    assert shift == f"this run 100.0{nbsp}% unchanged, 50.0{nbsp}% at 8 px"


def test_a_name_is_text_and_fits_a_legend():
    trace, _ = robustness_figure([("<b>%{x}</b>" + 30 * "x", {0.0: 0.5})], TURNS).data
    assert trace.name == "&lt;b&gt;%{x}&lt;/b&gt;" + 12 * "x" + "…"
    assert trace.hovertemplate.startswith("%{fullData.name} at ")
