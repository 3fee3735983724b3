"""Points in a plane: each in its class's trace, and the map under them the right way up."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.figures.palette import PALETTES
from explorer.figures.plane import plane_figure

POINTS = np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]])
LABELS = np.array([1, 0, 1])


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
