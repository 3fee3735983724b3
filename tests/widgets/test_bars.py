from __future__ import annotations

from explorer.widgets.bars import Bar, Bars


def test_all_that_is_shown_goes_in_one_message(sent):
    bars = Bars(signed=True)
    sent.clear()
    bars.show("Unit 3", [Bar("9", -0.5, "−0.420", "true", "good")], note="A note.", picture=b"png")
    (message,) = sent
    assert message["content"]["heading"] == "Unit 3"
    assert message["content"]["bars"] == [
        {"name": "9", "share": -0.5, "text": "−0.420", "note": "true", "kind": "good"}
    ]
    assert bars.signed


def test_bars_begin_empty():
    assert Bars().content["bars"] == []
