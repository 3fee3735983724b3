"""The pad, with a hand-written page at the other end."""

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
    with pytest.raises(TraitError, match="ink has 3 bytes"):
        pad.ink = b"abc"


def test_nothing_drawn_is_an_image_without_ink_and_a_mistake_is_asked_for(from_page):
    pad, heard = DrawingPad(), []
    assert (pad.image.shape, pad.image.any(), pad.image.flags.writeable) == ((SIDE, SIDE), False, False)
    pad.on_mistake(lambda: heard.append("mistake"))
    for content in ({"mistake": True}, {"mistake": False}, {}, None):
        from_page.send(pad, content)
    assert heard == ["mistake"]
