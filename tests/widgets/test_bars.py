from __future__ import annotations

from explorer.widgets.bars import Bar, Bars
from explorer.widgets.rendered import Display


def rows(display):
    """The elements of the rows."""
    ((_, _, _, _, (_, _, *found), _),) = display.content
    return found


def test_all_that_is_shown_goes_in_one_message(sent):
    display = Display(Bars(signed=True))
    sent.clear()
    bar = Bar("9", -0.5, "−0.420", "true", "good")
    display.show(Bars("Unit 3", (bar,), signed=True, note="A note.", picture=b"png"))
    (message,) = sent
    assert set(message) == {"content", "pictures"}
    assert (display.shown.heading, display.shown.bars) == ("Unit 3", (bar,))
    ((_, kind, name, track, words),) = rows(display)
    assert kind == {"data-kind": "good"}
    assert name[2:] == ["9"]
    assert words[2:] == ["−0.420", ["em", {}, " true"]]
    assert track[2][1]["style"] == {"width": "25.0%", "inset-inline-start": "25.0%"}


def test_a_bar_stays_within_its_row():
    display = Display(Bars(bars=(Bar("0", 3.0, "3"),)))
    assert rows(display)[0][3][2][1]["style"] == {"width": "100.0%", "inset-inline-start": "0.0%"}
