from __future__ import annotations

from explorer.widgets.checked_weights import CheckedRow, CheckedWeights


def test_rows_are_text(sent):
    table = CheckedWeights()
    sent.clear()
    row = CheckedRow("W1[3, 402]", "−0.00135", "−0.00135", "3.70 × 10⁻⁷", "agree", True)
    table.show("All 1 agree.", "How.", [row])
    (message,) = sent
    ((_, _, (_, _, said, button), (_, _, (_, _, _caption, _head, (_, _, shown))), how),) = message["content"]
    assert (said[2:], how[2:], button[1]["data-press"]) == (["All 1 agree."], ["How."], "again")
    assert [cell[2] for cell in shown[2:]] == [row.weight, row.analytic, row.numeric, row.difference, "agree"]
    assert (table.verdict, table.rows) == ("All 1 agree.", (row,))


def test_the_button_is_heard(from_page):
    table, heard = CheckedWeights(), []
    table.on_again(lambda: heard.append("again"))
    for content in ({"press": "again"}, {"press": "other"}, {"press": ["again"]}, {}, None, "again"):
        from_page.send(table, content)
    assert heard == ["again"]
