"""A user's session without widgets: runs, settings and advice, as frozen states for any number of listeners."""

from explorer.session.advice import Advice
from explorer.session.new_runs import ForkError
from explorer.session.saved_session import SessionFileError, read_session
from explorer.session.session import Session
from explorer.session.session_run import SessionRun
from explorer.session.state import EarlierRuns, SessionState

__all__ = [
    "Advice",
    "EarlierRuns",
    "ForkError",
    "Session",
    "SessionFileError",
    "SessionRun",
    "SessionState",
    "read_session",
]
