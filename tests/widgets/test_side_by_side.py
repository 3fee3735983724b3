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
    verdict, remarks, (_, _, _caption, (_, _, (_, _, _corner, *heads)), (_, _, *lines)) = message["content"]
    assert verdict[2:] == ["B is better."]
    assert [remark[2] for remark in remarks[2:]] == ["Both read the same."]
    assert [head[3] for head in heads] == [EVIL, "B · run 2"]
    assert [[cell[2] for cell in line[2:]] for line in lines] == [["Epochs", "6", "10"]]


def test_it_can_be_emptied():
    shown = SideBySide()
    shown.show([("A", "#000000")], "words", ["more"], [Line("Epochs", "6", "10")])
    shown.show()
    assert (shown.heads, shown.verdict, shown.remarks, shown.lines) == ((), "", (), ())
    assert shown.content[-1][1] == {"hidden": True}
