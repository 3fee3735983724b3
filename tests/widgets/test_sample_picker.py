from __future__ import annotations

import pytest

from explorer.widgets.sample_picker import NO_SAMPLE, SamplePicker


@pytest.mark.parametrize(("asked", "taken"), [(7, 7), (10_000, 99), (-3, 0), (NO_SAMPLE, NO_SAMPLE)])
def test_the_index_stays_within_the_images(from_page, asked, taken):
    picker = SamplePicker(100)
    from_page.set(picker, index=asked)
    assert picker.index == taken


def test_wishes_that_are_known_are_heard(from_page):
    picker, heard = SamplePicker(100), []
    picker.on_wish(heard.append)
    for content in ({"wish": "random"}, {"wish": "mistake"}, {"wish": "all"}, {"wish": ["random"]}, None):
        from_page.send(picker, content)
    assert heard == ["random", "mistake"]


def test_the_focus_is_asked_for_again_and_again(sent):
    picker = SamplePicker(100)
    sent.clear()
    picker.take_focus()
    picker.take_focus()
    assert sent == [{"arrivals": 1}, {"arrivals": 2}]


def test_all_that_is_shown_goes_in_one_message(sent):
    picker = SamplePicker(100)
    sent.clear()
    picker.show(b"png", "true 9, read as 4", right=False, has_mistakes=True)
    (message,) = sent
    assert message["content"]["words"] == "true 9, read as 4"
