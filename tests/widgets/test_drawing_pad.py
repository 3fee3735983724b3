"""The pad and the bars, with a hand-written page at the other end."""

import numpy as np
import pytest
from traitlets import TraitError

from explorer.widgets.drawing_pad import SIDE, DrawingPad


def test_ink_arrives_as_a_view_and_is_not_sent_back(sent, from_page):
    pad = DrawingPad()
    sent.clear()
    ink = np.arange(SIDE * SIDE).astype(np.uint8)
    from_page.set(pad, ink=memoryview(ink.tobytes()))
    np.testing.assert_array_equal(pad.image, ink.reshape(SIDE, SIDE))
    assert sent == []


def test_nothing_drawn_is_an_image_without_ink():
    pad = DrawingPad()
    assert pad.image.shape == (SIDE, SIDE)
    assert not pad.image.any()
    assert not pad.image.flags.writeable


def test_half_an_image_is_refused():
    with pytest.raises(TraitError, match="ink has 3 bytes"):
        DrawingPad().ink = b"abc"


def test_an_image_is_put_on_the_pad(sent):
    pad = DrawingPad()
    image = np.random.default_rng(1).integers(0, 256, (28, 28)).astype(np.uint8)
    sent.clear()
    pad.show(image)
    np.testing.assert_array_equal(pad.image, np.kron(image, np.ones((5, 5), np.uint8)))
    assert len(sent) == 1


@pytest.mark.parametrize(
    "image", [np.zeros((28, 20), np.uint8), np.zeros((28, 28)), np.zeros((27, 27), np.uint8)]
)
def test_other_images_are_refused(image):
    with pytest.raises(ValueError, match="expected uint8, square"):
        DrawingPad().show(image)


def test_the_offer_is_heard(from_page):
    pad, heard = DrawingPad(offer="Load a test image"), []
    pad.on_offer(lambda: heard.append("offer"))
    from_page.send(pad, {"offer": True})
    from_page.send(pad, ["offer"])
    from_page.send(pad, {"other": 1})
    assert heard == ["offer"]
