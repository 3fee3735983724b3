"""The choice of a sample, and its way through the layers, without a page."""

from __future__ import annotations

import pytest

from explorer.widgets.walkthrough import NO_SAMPLE, FormulaLine, SamplePicker, Stage, Strip, WalkthroughView


@pytest.mark.parametrize(("asked", "taken"), [(7, 7), (10_000, 99), (-3, 0), (NO_SAMPLE, NO_SAMPLE)])
def test_the_index_stays_within_the_images(from_page, asked, taken):
    picker = SamplePicker(100)
    from_page.set(picker, index=asked)
    assert picker.index == taken


def test_wishes_that_are_known_are_heard(from_page):
    picker, heard = SamplePicker(100), []
    picker.on_wish(heard.append)
    for content in ({"wish": "random"}, {"wish": "mistake"}, {"wish": "all"}, {"wish": ["random"]}, None):
        from_page.send(picker, content)
    assert heard == ["random", "mistake"]


LINE = FormulaLine("h1[3]", "σ(a1[3])", "σ(−0.420)", "0.397")


@pytest.fixture
def view():
    view = WalkthroughView(note="A note.")
    view.show(
        [Stage("Layer 1", (LINE,), (LINE,), 3, 32, (Strip("h1", "0 to 1"),), b"png"), Stage("Loss", (LINE,))]
    )
    return view


def test_a_unit_that_is_there_can_be_chosen(view, from_page):
    heard = []
    view.on_unit(lambda *choice: heard.append(choice))
    wrong = [
        {"stage": 0, "unit": 32},
        {"stage": 0, "unit": -1},
        {"stage": 1, "unit": 0},
        {"stage": 2, "unit": 0},
    ]
    for content in (*wrong, {"stage": "0", "unit": 0}, {"stage": 0}, None, {"stage": 0, "unit": 31}):
        from_page.send(view, content)
    assert heard == [(0, 31)]
