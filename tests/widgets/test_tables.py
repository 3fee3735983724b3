"""Tables of two runs and of gradients found in two ways."""

from __future__ import annotations

from explorer.widgets.rendered import Display
from explorer.widgets.tables import CheckedRow, CheckedWeights, SideBySide

EVIL = "<b>A</b>"


def test_a_comparison_goes_in_one_message_as_text(sent):
    display = Display(SideBySide())
    sent.clear()
    heads = [(EVIL, "#332288"), ("B · run 2", "#117733")]
    display.show(SideBySide(heads, "B is better.", ["Both read the same."], [("Epochs", "6", "10")]))
    (message,) = sent
    verdict, remarks, (_, _, _caption, (_, _, (_, _, _corner, *heads)), (_, _, *lines)) = message["content"]
    assert verdict[2:] == ["B is better."]
    assert [remark[2] for remark in remarks[2:]] == ["Both read the same."]
    assert [head[3] for head in heads] == [EVIL, "B · run 2"]
    assert [[cell[2] for cell in line[2:]] for line in lines] == [["Epochs", "6", "10"]]


def test_it_can_be_emptied():
    display = Display(SideBySide([("A", "#000000")], "words", ["more"], [("Epochs", "6", "10")]))
    display.show(SideBySide())
    assert display.content[0][2:] == []
    assert display.content[-1][1] == {"hidden": True}


def test_rows_are_text(sent):
    table = Display(CheckedWeights())
    sent.clear()
    row = CheckedRow("W1[3, 402]", "−0.00135", "−0.00135", "3.70 × 10⁻⁷", "agree", True)
    table.show(CheckedWeights("All 1 agree.", "How.", (row,), True))
    (message,) = sent
    ((_, _, (_, _, said, button), (_, _, (_, _, _caption, _head, (_, _, shown))), how),) = message["content"]
    assert (said[2:], how[2:], button[1]["data-press"]) == (["All 1 agree."], ["How."], "again")
    assert [cell[2] for cell in shown[2:]] == [row.weight, row.analytic, row.numeric, row.difference, "agree"]
