from __future__ import annotations

from explorer.widgets.rendered import Display
from explorer.widgets.tables import CheckedRow, CheckedWeights


def test_rows_are_text(sent):
    table = Display(CheckedWeights())
    sent.clear()
    row = CheckedRow("W1[3, 402]", "−0.00135", "−0.00135", "3.70 × 10⁻⁷", "agree", True)
    table.show(CheckedWeights("All 1 agree.", "How.", (row,), True))
    (message,) = sent
    ((_, _, (_, _, said, button), (_, _, (_, _, _caption, _head, (_, _, shown))), how),) = message["content"]
    assert (said[2:], how[2:], button[1]["data-press"]) == (["All 1 agree."], ["How."], "again")
    assert [cell[2] for cell in shown[2:]] == [row.weight, row.analytic, row.numeric, row.difference, "agree"]
