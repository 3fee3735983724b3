"""Derivatives found in two ways: each weight once, in its parameter's trace, at its two values."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.figures.gradients import gradients_figure
from explorer.network.gradient_check import CheckedWeight, Place

CHECKED = [
    CheckedWeight(Place("W2", 0, 1), 0.5, 0.4, 0.0, False),
    CheckedWeight(Place("W1", 2, 3), -2.0, -2.0, 0.0, False),
    CheckedWeight(Place("W2", 1, 1), 0.1, 0.1, 0.0, False),
]


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
