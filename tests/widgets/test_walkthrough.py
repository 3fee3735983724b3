from __future__ import annotations

import pytest

from explorer.widgets.walkthrough import FormulaLine, Stage, Strip, WalkthroughView

LINE = FormulaLine("h1[3]", "σ(a1[3])", "σ(−0.420)", "0.397")


@pytest.fixture
def view():
    view = WalkthroughView(note="A note.")
    view.show(
        [Stage("Layer 1", (LINE,), (LINE,), 3, 32, (Strip("h1", "0 to 1"),), b"png"), Stage("Loss", (LINE,))]
    )
    return view


def test_stages_keep_their_order_and_their_lines(view):
    assert [stage["title"] for stage in view.stages] == ["Layer 1", "Loss"]
    assert view.stages[0]["forward"][0] == {
        "name": "h1[3]",
        "symbols": "σ(a1[3])",
        "numbers": "σ(−0.420)",
        "value": "0.397",
    }
    assert view.note == "A note."


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


def test_stages_go_in_one_message(sent):
    view = WalkthroughView()
    sent.clear()
    view.show([Stage("Loss", (LINE,))])
    (message,) = sent
    assert message["stages"][0]["title"] == "Loss"
