from __future__ import annotations

from explorer.widgets.checked_weights import CheckedRow, CheckedWeights


def test_rows_are_text(sent):
    table = CheckedWeights()
    sent.clear()
    row = CheckedRow("W1[3, 402]", "−0.00135", "−0.00135", "3.70 × 10⁻⁷", "agree", True)
    table.show("All 1 agree.", "How.", [row])
    (message,) = sent
    assert message["content"]["rows"][0]["weight"] == "W1[3, 402]"
    assert message["content"]["verdict"] == "All 1 agree."


def test_the_button_is_heard(from_page):
    table, heard = CheckedWeights(), []
    table.on_again(lambda: heard.append("again"))
    for content in ({"again": True}, {"again": False}, {}, None, "again"):
        from_page.send(table, content)
    assert heard == ["again"]
