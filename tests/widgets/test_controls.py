"""Choices and amounts, without a page: whoever sets a value, it is one that there is."""

import pytest

from explorer.widgets.controls import Dropdown, Slider


def test_the_first_is_chosen_and_only_what_is_offered_can_be(from_page):
    choice = Dropdown("compared with", {"": "no other run", "3": "<b>run 3</b>"})
    assert choice.value == ""
    from_page.set(choice, value="3")
    assert choice.value == "3"
    from_page.set(choice, value="9")
    assert choice.value == ""


def test_other_options_come_in_one_message_and_keep_the_choice_where_they_can(sent):
    choice = Dropdown("compared with", {"": "none", "3": "run 3"})
    choice.value = "3"
    sent.clear()
    choice.offer({"": "none", "4": "run 4", "3": "three"})
    assert sent == [{"options": [["", "none"], ["4", "run 4"], ["3", "three"]]}]
    choice.offer({"": "none"})
    assert sent[1:] == [{"options": [["", "none"]], "value": ""}]
    choice.offer({"": "none"})
    assert len(sent) == 2


@pytest.mark.parametrize(("value", "kept"), [(-61, -60), (12.5, 12.5), (1e9, 60)])
def test_the_value_stays_within_the_range(from_page, value, kept):
    slider = Slider(label="Rotation", low=-60, high=60, unit="°")
    from_page.set(slider, value=value)
    assert slider.value == kept
    slider.value = 0
    slider.value = value
    assert slider.value == kept
