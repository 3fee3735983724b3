"""The tour, the help dialog and the pad's own drawing, with a hand-written page at the other end."""

from __future__ import annotations

from explorer.widgets.pads import SIDE, DrawingPad
from explorer.widgets.tour import HelpDialog, Tour, TourStep

STEP = TourStep("tiles", "Title", "Text.", ".explorer-tiles")


def test_a_tour_is_sent_whole_and_answers_name_their_step(said):
    tour = Tour()
    tour.start([STEP])
    tour.tell("tiles", "It is so.")
    tour.slide("tiles", "hidden_sizes", 3)
    (start, told, slide) = said
    assert [step["name"] for step in start["start"]] == ["tiles"]
    assert set(start["start"][0]) == {"name", "title", "text", "at", "deed", "shows"}
    assert told == {"told": "It is so.", "step": "tiles"}
    assert slide == {"slide": "hidden_sizes", "stop": 3, "step": "tiles"}


def test_only_what_a_tour_can_say_is_heard(from_page):
    tour, heard = Tour(), []
    tour.on_event(lambda *event: heard.append(event))
    from_page.send(tour, {"event": "step", "step": "tiles"})  # before there is such a step
    tour.start([STEP])
    wrong = {"event": "explode", "step": "tiles"}, {"event": ["act"], "step": {}}, {"step": "tiles"}, None
    acts = ({"event": "act", "step": step} for step in ("tiles", "other"))
    for content in ({"event": "begin"}, *acts, *wrong):
        from_page.send(tour, content)
    assert heard == [("begin", ""), ("act", "tiles")]


def test_the_help_dialog_hands_on_that_the_tour_is_wanted(from_page):
    dialog, heard = HelpDialog("A page.", {"Space": "Train"}), []
    dialog.on_tour(lambda: heard.append("tour"))
    for content in ({"tour": True}, {"tour": False}, {}, None):
        from_page.send(dialog, content)
    assert heard == ["tour"]
    assert dialog.shortcuts == [["Space", "Train"]]


def test_a_pad_is_asked_to_draw_and_says_when_it_has(said, from_page):
    pad, heard = DrawingPad(), []
    pad.observe(lambda _: heard.append(pad.ink), "drawn")
    pad.draw([((80, 60), (200, 60))])
    assert said == [{"draw": [[[80, 60], [200, 60]]]}]
    ink = bytes([9]) * SIDE * SIDE
    from_page.set(pad, ink=ink, drawn=1)  # it comes with the ink
    assert heard == [ink]
