"""A web server that outlasts clients who say nothing, more of them than it has files for, and a clock set back."""

import errno
import logging
import socket
import sys
from contextlib import suppress
from time import monotonic
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.routing import Router

__all__ = ["HEADER_SECONDS", "PatientSocket", "patient_server", "raise_file_limit", "use_steady_clock"]

HEADER_SECONDS = 20.0  # longest that a request's head, and then its body, may take, or a connection be idle
PAUSE_SECONDS = 0.5  # how long nobody is accepted where no file is left

_MOST_BODY_BYTES = 1 << 16  # of a request: the login is the largest, and files come over the socket
_MOST_FILES = 1 << 16
_MAC_FILES = (61_440, 24_576, 10_240)  # macOS says that there is no limit, and refuses more than one of these
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_log = logging.getLogger(__name__)


def use_steady_clock() -> None:
    """Let the loop that runs here go by a clock that nobody sets.

    By the time of day nothing periodic, as the watch over a kernel, would happen until a clock set back catches
    up. Other loops keep theirs: what runs on them, a Dask client say, may name a time of day.
    """
    loop: Any = IOLoop.current()  # has no setting for its clock, so its method is replaced
    loop.time = monotonic


def raise_file_limit() -> int:
    """Raise the number of files that this process may open as far as it may itself; return it."""
    if sys.platform == "win32":
        return _MOST_FILES
    from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit

    soft, hard = getrlimit(RLIMIT_NOFILE)
    most = _MOST_FILES if hard == RLIM_INFINITY else min(hard, _MOST_FILES)
    for tried in (most, *_MAC_FILES):
        if RLIM_INFINITY != soft < tried <= most:
            with suppress(ValueError, OSError):
                setrlimit(RLIMIT_NOFILE, (tried, hard))
                return tried
    return _MOST_FILES if soft == RLIM_INFINITY else soft


class PatientSocket(socket.socket):
    """Listens. Where there is no file for a connection, those that wait are left alone for a moment.

    Tornado would otherwise try again at once, for ever, with a traceback in the log each time.
    """

    _is_said = False

    def accept(self) -> tuple[socket.socket, Any]:
        """Return a connection and its address; raises BlockingIOError if nobody can be accepted now."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _FULL:
                raise
            if not self._is_said:
                self._is_said = True
                _log.warning("No new visitor can connect for now: %s.", error.strerror)
            loop = IOLoop.current()
            loop.update_handler(self, IOLoop.NONE)
            loop.call_later(PAUSE_SECONDS, self._go_on, loop)
            raise BlockingIOError from error

    def _go_on(self, loop: IOLoop) -> None:
        if self.fileno() >= 0:  # it is open still
            loop.update_handler(self, IOLoop.READ)


def patient_server(door: Router, port: int, ip: str, **options: Any) -> HTTPServer:
    """Return a server of what `door` leads to that listens at an address; raises OSError where it can't."""
    seconds = {"idle_connection_timeout": HEADER_SECONDS, "body_timeout": HEADER_SECONDS}
    server = HTTPServer(door, **seconds, max_body_size=_MOST_BODY_BYTES, **options)
    server.add_sockets(PatientSocket(fileno=bound.detach()) for bound in bind_sockets(port, ip))
    return server
