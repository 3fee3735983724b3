"""A slider keeps its value within its range, whoever sets it."""

from __future__ import annotations

import pytest

from explorer.widgets.controls import Slider


@pytest.mark.parametrize(("value", "kept"), [(-61, -60), (12.5, 12.5), (1e9, 60)])
def test_the_value_stays_within_the_range(from_page, value, kept):
    slider = Slider(label="Rotation", low=-60, high=60, unit="°")
    from_page.set(slider, value=value)
    assert slider.value == kept
    slider.value = 0
    slider.value = value
    assert slider.value == kept
