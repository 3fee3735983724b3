"""The parts of the page, with a hand-written page at the other end of the wire."""

import comm
import pytest
from comm.base_comm import BaseComm


@pytest.fixture
def sent_by_method(monkeypatch):
    """What widgets send, in order: under "update" their state, under "custom" other messages."""
    messages = {"update": [], "custom": []}

    class Wire(BaseComm):
        def publish_msg(self, msg_type, data=None, **keys):
            method = (data or {}).get("method")
            if method in messages:
                messages[method].append(data["state" if method == "update" else "content"])

    monkeypatch.setattr(comm, "create_comm", Wire)
    return messages


@pytest.fixture
def sent(sent_by_method):
    """The state that each widget sends, one dict for each message."""
    return sent_by_method["update"]


@pytest.fixture
def said(sent_by_method):
    """What widgets say besides their state."""
    return sent_by_method["custom"]
