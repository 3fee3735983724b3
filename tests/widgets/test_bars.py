from __future__ import annotations

from explorer.widgets.bars import Bar, Bars


def rows(bars):
    """The elements of the rows."""
    ((_, _, _, _, (_, _, *found), _),) = bars.content
    return found


def test_all_that_is_shown_goes_in_one_message(sent):
    bars = Bars(signed=True)
    sent.clear()
    bars.show("Unit 3", [Bar("9", -0.5, "−0.420", "true", "good")], note="A note.", picture=b"png")
    (message,) = sent
    assert set(message) == {"content", "pictures"}
    assert (bars.heading, bars.bars) == ("Unit 3", (Bar("9", -0.5, "−0.420", "true", "good"),))
    ((_, kind, name, track, words),) = rows(bars)
    assert kind == {"data-kind": "good"}
    assert name[2:] == ["9"]
    assert words[2:] == ["−0.420", ["em", {}, " true"]]
    assert track[2][1]["style"] == {"width": "25.0%", "inset-inline-start": "25.0%"}


def test_a_bar_stays_within_its_row():
    bars = Bars()
    bars.show("", [Bar("0", 3.0, "3")])
    assert rows(bars)[0][3][2][1]["style"] == {"width": "100.0%", "inset-inline-start": "0.0%"}


def test_bars_begin_empty():
    assert Bars().bars == ()
