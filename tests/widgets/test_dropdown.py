from __future__ import annotations

from explorer.widgets.controls import Dropdown


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
