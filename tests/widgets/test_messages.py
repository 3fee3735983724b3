"""Messages without a browser."""

from dataclasses import replace

import pytest

from explorer.widgets.header import Message, Messages

WIDE = Message("wide", "warning", "The step is too large.", "Why so.", "Learning rate 0.01 → 0.003")
NOTE = Message("note", "info", "A note without a button.")


@pytest.fixture
def messages():
    widget = Messages()
    widget.show(WIDE, NOTE)
    return widget


def ids(messages):
    return [message["id"] for message in messages.messages]


def test_a_message_of_the_same_name_takes_the_place_of_the_old_one(messages):
    messages.show(Message("wide", "error", "Now it is not a number."))
    assert ids(messages) == ["wide", "note"]
    shown = messages.messages[0]
    assert (shown["text"], shown["action"]) == ("Now it is not a number.", "")


def test_what_was_dismissed_stays_away_until_it_is_more_severe_or_another_run_begins(messages, from_page):
    from_page.send(messages, {"dismiss": "wide"})
    messages.remind(replace(WIDE, text="The step is still too large."), NOTE)
    assert ids(messages) == ["note"]
    messages.remind(replace(WIDE, kind="error"))
    assert ids(messages) == ["wide", "note"]  # the newest is the first
    messages.clear()
    messages.remind(WIDE)
    assert ids(messages) == ["wide"]


def test_the_button_hands_on_the_name_and_whatever_else_the_page_says_is_ignored(messages, from_page):
    heard = []
    messages.on_action(heard.append)
    wrong = [{"id": "note"}, {"id": "gone"}, {"id": ["wide"]}, {"dismiss": {}}, {"dismiss": 1}]
    for content in (None, "wide", [], {}, *wrong, {"id": "wide"}):
        from_page.send(messages, content)
    assert heard == ["wide"]
    assert ids(messages) == ["wide", "note"]


def test_what_is_shown_again_is_not_sent_again(sent):
    messages = Messages()
    messages.show(WIDE)
    sent.clear()
    messages.show(WIDE)
    messages.dismiss("unknown")
    assert sent == []
