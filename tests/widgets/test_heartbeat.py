"""The heartbeat answers each question with its own number, and nothing else."""

from __future__ import annotations

import comm
import pytest
from comm.base_comm import BaseComm

from explorer.widgets.heartbeat import Heartbeat


@pytest.fixture
def answers(monkeypatch):
    """What widgets say beside their state."""
    said = []

    class Wire(BaseComm):
        def publish_msg(self, msg_type, data=None, **keys):
            if (data or {}).get("method") == "custom":
                said.append(data["content"])

    monkeypatch.setattr(comm, "create_comm", Wire)
    return said


def test_a_question_is_answered_once(answers):
    heart = Heartbeat()
    heart._handle_custom_msg({"ping": 17}, [])
    heart._handle_custom_msg({"other": 1}, [])
    assert answers == [{"pong": 17}]


def test_patience_is_longer_than_the_pause_between_questions():
    heart = Heartbeat()
    assert heart.patience > 2 * heart.every
