"""The heartbeat answers each question with its own number, and nothing else."""

from __future__ import annotations

from explorer.widgets.page_state import Heartbeat


def test_a_question_is_answered_once(said):
    heart = Heartbeat()
    said.clear()  # the first part of a process sends the page its scripts
    heart._handle_custom_msg({"ping": 17}, [])
    heart._handle_custom_msg({"other": 1}, [])
    assert said == [{"pong": 17}]


def test_patience_is_longer_than_the_pause_between_questions():
    heart = Heartbeat()
    assert heart.patience > 2 * heart.every
