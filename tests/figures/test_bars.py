"""Bars of classes: the most difficult first, and answers side by side."""

from __future__ import annotations

import numpy as np

from explorer.figures.bars import answers_figure, recall_figure


def test_recall_starts_with_the_most_difficult(counts, digits):
    counts[3] = 0
    counts[3, 3], counts[3, 5] = 80, 20
    (bars,) = recall_figure(counts, digits).data
    assert bars.x[:2] == ("3", "9")
    np.testing.assert_allclose(bars.y[:2], [80, 100 * 979 / 1009], rtol=1e-6)
    assert bars.text[0] == "80.0"
    assert list(bars.customdata[:2]) == ["100 test images", "1\u202f009 test images"]
    assert (np.diff(bars.y) >= 0).all()


def test_the_axis_starts_below_the_lowest_bar(counts, digits):
    figure = recall_figure(counts, digits)
    low, high = figure.layout.yaxis.range
    assert low < min(figure.data[0].y)
    assert high == 100
    counts[0] = 0
    assert recall_figure(counts, digits).layout.yaxis.range[0] == 0  # a class without images


def test_answers_stand_side_by_side(digits):
    first, second = np.linspace(0, 1, 10), np.linspace(1, 0, 10)
    figure = answers_figure({"one": first, "other": second}, digits)
    assert [trace.name for trace in figure.data] == ["one", "other"]
    np.testing.assert_allclose(figure.data[1].y, second, rtol=1e-6)
    assert figure.data[0].x == digits
    assert figure.layout.xaxis.type == "category"
    assert len({trace.marker.color for trace in figure.data}) == 2
    assert not answers_figure({"one": first}, digits).layout.showlegend
