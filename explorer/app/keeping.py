"""A copy of the session that the browser keeps, for the page to open again after it has lost its kernel."""

from __future__ import annotations

from datetime import datetime

from explorer.app.files import what_closing_loses
from explorer.session import Session
from explorer.widgets.header import Header
from explorer.wording import counted

__all__ = ["Keeping"]

_MOST_BYTES = 3 << 19
"""Largest copy: a browser keeps 5 million letters, in which it takes four thirds of that."""
_WEIGHT_BYTES = 1 << 20


class Keeping:
    """Hands the page a copy of a session when it asks, which it does after each run and now and then during one.

    A session that is no more than its settings is not kept: the address holds these.
    """

    def __init__(self, session: Session, header: Header) -> None:
        self._session, self._header = session, header
        self._kept: object = None
        header.on_keep(session.loop.bind(self._on_keep))

    def _on_keep(self) -> None:
        state = self._session.state
        revisions = [run.revision for run in state.runs]
        if revisions == self._kept or (len(revisions) < 2 and not what_closing_loses(state.unsaved)):
            return
        self._kept = revisions
        content = self._session.small_copy(_WEIGHT_BYTES)
        words = f"{counted(len(revisions), 'run')} as of {datetime.now():%H:%M}"
        self._header.keep(words, content if len(content) <= _MOST_BYTES else b"")
