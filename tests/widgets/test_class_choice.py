"""The buttons of the classes."""

from __future__ import annotations

from explorer.widgets.drawing_pad import ClassChoice
from explorer.widgets.rendered import Display


def buttons(choice):
    found = []
    for part in choice.elements():
        found += [part] if part[0] == "button" else part[3][2:]
    return {button[1]["data-press"]: button for button in found}


def test_each_class_is_a_button_of_which_one_is_down():
    choice = ClassChoice("What is it?", ("0", "8"), ("This is a 0", "This is an 8"), 1, (("more", "More"),))
    shown = buttons(choice)
    assert [*shown] == ["0", "1", "more"]
    assert [shown[press][1].get("aria-pressed") for press in shown] == ["false", "true", None]
    assert shown["1"][1]["aria-label"] == "This is an 8"


def test_without_classes_nothing_is_asked():
    question, more = ClassChoice(others=(("more", "More"),)).elements()
    assert question[1]["hidden"]
    assert more[2] == "More"
    assert Display(ClassChoice()).kind == "explorer-class-choice"
