"""Named curves: their points, hues that differ, and marks where they are due."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.figures.lines import lines_figure, sampled
from explorer.figures.palette import PALETTES, RUN_COLOURS


def test_functions_are_sampled_over_the_whole_span():
    found = sampled({"square": lambda x: x * x, "sine": math.sin}, (-2, 2))
    assert [*found] == ["square", "sine"]
    x, y = found["square"]
    assert (x[0], x[-1], x[len(x) // 2]) == (-2, 2, 0)
    np.testing.assert_allclose(y, x**2)
    np.testing.assert_allclose(found["sine"][1], np.sin(x))


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
