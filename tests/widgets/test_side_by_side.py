from __future__ import annotations

from explorer.widgets.side_by_side import Line, SideBySide

EVIL = "<b>A</b>"


def test_a_comparison_goes_in_one_message_as_text(sent):
    shown = SideBySide()
    sent.clear()
    shown.show(
        [(EVIL, "#332288"), ("B · run 2", "#117733")],
        "B is better.",
        ["Both read the same."],
        [Line("Epochs", "6", "10")],
    )
    (message,) = sent
    assert message["heads"][0] == {"words": EVIL, "colour": "#332288"}
    assert message["verdict"] == "B is better."
    assert message["remarks"] == ["Both read the same."]
    assert message["lines"] == [{"label": "Epochs", "a": "6", "b": "10"}]


def test_it_can_be_emptied(sent):
    shown = SideBySide()
    shown.show([("A", "#000000")], "words", ["more"], [Line("Epochs", "6", "10")])
    shown.show()
    assert (shown.heads, shown.verdict, shown.remarks, shown.lines) == ([], "", [], [])
