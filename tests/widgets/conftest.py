"""The parts of the page, with a hand-written page at the other end of the wire."""

from __future__ import annotations

import comm
import pytest
from comm.base_comm import BaseComm


class FromPage:
    """Says to a widget what the page would say. What the widget raises, ipywidgets only logs: here it fails."""

    def __init__(self, caplog):
        self._log = caplog

    def set(self, widget, **state):
        self._say(widget, {"method": "update", "state": state})

    def send(self, widget, content):
        self._say(widget, {"method": "custom", "content": content})

    def _say(self, widget, data):
        self._log.clear()
        widget._handle_msg({"content": {"data": data}, "buffers": []})
        assert [record.getMessage() for record in self._log.records] == []


@pytest.fixture
def from_page(caplog):
    return FromPage(caplog)


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
