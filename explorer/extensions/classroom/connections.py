"""Connections: how many one address may have, and which are closed, so that no client keeps the others out."""

import errno
import logging
import socket
from collections.abc import Callable
from time import monotonic
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.iostream import IOStream

STALLED_SECONDS = 60.0  # a connection whose client has read nothing of what waits for it is closed after this
_REST_SECONDS = 1.0  # before the next connection is accepted, while there are no more open files
_SILENT_SECONDS = 60.0  # between two log lines on connections
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_log = logging.getLogger(__name__)


def rate_limited(log: Callable[[str], None]) -> Callable[[str], None]:
    """Return `log`, limited to one line a minute."""
    last = -_SILENT_SECONDS

    def log_rarely(words: str) -> None:
        nonlocal last
        if (now := monotonic()) - last >= _SILENT_SECONDS:
            last = now
            log(words)

    return log_rarely


class Listener(socket.socket):
    """A listening socket that rests, instead of failing, while no more files can be opened."""

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(fileno=listener.detach())
        self.setblocking(False)  # which is the object's, not the descriptor's
        self._warn = rate_limited(_log.warning)

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection; `BlockingIOError` if there is none, or no room for it."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self._warn("No more files can be opened: new connections wait. A higher “ulimit -n” helps.")
            loop = IOLoop.current()
            loop.update_handler(self.fileno(), IOLoop.NONE)
            loop.call_later(_REST_SECONDS, self._go_on)
            raise BlockingIOError from error

    def _go_on(self) -> None:
        if self.fileno() != -1:  # the server hasn't ended
            IOLoop.current().update_handler(self.fileno(), IOLoop.READ)


class FairServer(HTTPServer):
    """An HTTP server with a limit on each address's connections, which closes those that are never read."""

    def initialize(self, *args: Any, most_connections: int = 1000, **options: Any) -> None:
        """Set up the server; `most_connections` is the limit for one address."""
        super().initialize(*args, **options)
        self._most, self._open = most_connections, list[tuple[str, IOStream]]()
        self._written = dict[IOStream, int]()
        self._warn = rate_limited(_log.warning)
        self._watch = PeriodicCallback(self.close_stalled, 1000 * STALLED_SECONDS)
        self._watch.start()

    def add_socket(self, listener: socket.socket) -> None:
        """Listen, and rest while no more files can be opened."""
        super().add_socket(Listener(listener))

    def stop(self) -> None:
        """Accept no more connections."""
        self._watch.stop()
        super().stop()

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        """Serve a new connection, unless its address has too many."""
        host = str(address[0])
        if len(self._open) >= self._most:
            self._open = [(other, one) for other, one in self._open if not one.closed()]
            if sum(other == host for other, _ in self._open) >= self._most:
                self._warn(f"{host} has {self._most} connections: it gets no more.")
                stream.close()
                return
        self._open.append((host, stream))
        super().handle_stream(stream, address)

    def close_stalled(self) -> None:
        """Close connections whose clients read nothing of what has been waiting for them since the last call."""
        # No public attribute of tornado's says how much has been written.
        writing = {one: one._total_write_done_index for _, one in self._open if one.writing()}
        for stream, done in writing.items():
            if self._written.get(stream) == done:
                stream.close()
        self._written = writing
