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
def sent(monkeypatch):
    """The state that each widget sends, one dict for each message, in order."""
    messages = []

    class Wire(BaseComm):
        def publish_msg(self, msg_type, data=None, **keys):
            if (data or {}).get("method") == "update":
                messages.append(data["state"])

    monkeypatch.setattr(comm, "create_comm", Wire)
    return messages
