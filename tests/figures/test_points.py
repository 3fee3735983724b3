"""Points in a square: each weight once, at its two values; each class's own, on a map the right way up."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.figures.palette import PALETTES
from explorer.figures.points import gradients_figure, plane_figure
from explorer.network.gradient_check import CheckedWeight, Place

CHECKED = [
    CheckedWeight(Place("W2", 0, 1), 0.5, 0.4, 0.0, False),
    CheckedWeight(Place("W1", 2, 3), -2.0, -2.0, 0.0, False),
    CheckedWeight(Place("W2", 1, 1), 0.1, 0.1, 0.0, False),
]
POINTS = np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]])
LABELS = np.array([1, 0, 1])


def test_each_weight_stands_at_its_two_values():
    diagonal, first, second = gradients_figure(CHECKED).data
    assert (first.name, second.name) == ("W1", "W2")
    np.testing.assert_allclose((second.x, second.y), [[0.4, 0.1], [0.5, 0.1]], rtol=1e-6)
    assert list(first.text) == ["W1[2, 3]"]
    assert diagonal.x == diagonal.y


def test_the_axes_hold_all_points_and_are_alike():
    layout = gradients_figure(CHECKED).layout
    assert layout.xaxis.range == layout.yaxis.range == pytest.approx((-2.16, 2.16))
    assert gradients_figure([]).layout.xaxis.range == (-1, 1)


def test_each_class_has_its_points():
    figure = plane_figure(POINTS, LABELS)
    assert [trace.name for trace in figure.data] == ["says", "class 0", "class 1"]
    says, zero, one = figure.data
    assert not says.visible
    np.testing.assert_allclose((zero.x, zero.y), [[-0.2], [0.5]], rtol=1e-6)
    np.testing.assert_allclose((one.x, one.y), [[0.1, 0.3], [0.4, -0.6]], rtol=1e-6)
    assert zero.marker.symbol != one.marker.symbol


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_map_goes_from_one_class_to_the_other(theme):
    shares = np.array([[0.0, 0.25], [0.5, 1.0]])
    says = plane_figure(POINTS, LABELS, shares, theme=theme).data[0]
    assert says.visible
    np.testing.assert_array_equal(says.z, shares)
    assert (list(says.x), list(says.y)) == ([-1, 1], [-1, 1])  # row 0 is the bottom
    assert (says.zmin, says.zmax) == (0, 1)
    palette = PALETTES[theme]
    assert [colour for _, colour in says.colorscale] == [palette.negative, palette.surface, palette.positive]


def test_both_axes_have_one_scale():
    layout = plane_figure(POINTS, LABELS).layout
    assert layout.yaxis.scaleanchor == "x"
    assert layout.xaxis.range == layout.yaxis.range == (-1, 1)
    assert layout.width == layout.height
