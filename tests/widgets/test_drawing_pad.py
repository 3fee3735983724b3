"""The pad and the question what was drawn, with a hand-written page at the other end."""

from __future__ import annotations

import numpy as np
import pytest
from traitlets import TraitError

from explorer.widgets.drawing_pad import SIDE, ClassChoice, DrawingPad


def test_ink_arrives_as_a_view_and_is_not_sent_back(sent, from_page):
    pad = DrawingPad()
    sent.clear()
    ink = np.arange(SIDE * SIDE).astype(np.uint8)
    from_page.set(pad, ink=memoryview(ink.tobytes()))
    np.testing.assert_array_equal(pad.image, ink.reshape(SIDE, SIDE))
    assert sent == []
    with pytest.raises(TraitError, match="ink has 3 bytes"):
        pad.ink = b"abc"


def test_nothing_drawn_is_an_image_without_ink():
    pad = DrawingPad()
    assert pad.image.shape == (SIDE, SIDE)
    assert not pad.image.any()
    assert not pad.image.flags.writeable


def test_an_image_is_put_on_the_pad(sent):
    pad = DrawingPad()
    image = np.random.default_rng(1).integers(0, 256, (28, 28)).astype(np.uint8)
    sent.clear()
    pad.show(image)
    np.testing.assert_array_equal(pad.image, np.kron(image, np.ones((5, 5), np.uint8)))
    assert len(sent) == 1


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
