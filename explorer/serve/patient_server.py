"""A web server that survives silent clients, clients that don't read, a lack of files and a clock set back."""

import errno
import logging
import socket
import struct
import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.iostream import IOStream
from tornado.netutil import bind_sockets
from tornado.routing import Router

HEADER_SECONDS = 20.0  # limit for a request's head, for its body, and for an idle connection
READ_SECONDS, READ_BYTES = 20.0, 1 << 16  # in this time a client must read this much, or all that is pending
SLOW_SECONDS = 2.0  # a client slower than this may be disconnected if there is no room for others
LOOK_SECONDS = 1.0
PAUSE_SECONDS = 0.5  # pause in accepting connections when no file descriptor is left

MOST_WAITING, MOST_WAITING_AN_ADDRESS = 256 << 20, 128 << 20
"""Bytes that may wait for slow clients, in total and per address. An address may be a class's router or a proxy:
this is 3 MB for each of forty."""

_MOST_BODY_BYTES = 1 << 16  # of a request: the login's is the largest, and files use the WebSocket
_MOST_FILES = 1 << 16
_MAC_FILES = (61_440, 24_576, 10_240)  # macOS reports no limit, but refuses more than one of these
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_log = logging.getLogger(__name__)


def use_steady_clock() -> None:
    """Make the current event loop use a monotonic clock.

    With the time of day, periodic callbacks such as the kernels' watchdog would stop until a clock set back
    catches up. Other loops keep their clocks: code on them may use the time of day.
    """
    loop: Any = IOLoop.current()  # has no setting for its clock, so its method is replaced
    loop.time = monotonic


def raise_file_limit() -> int:
    """Raise this process's limit on open files as far as it is allowed to; return the limit."""
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
    """A listening socket that pauses where no file descriptor is left; tornado would retry at once, forever."""

    on_full: Callable[[], object] | None = None
    """Called when no file descriptor is left."""
    _is_said = False

    def accept(self) -> tuple[socket.socket, Any]:
        """Return a connection and its address; raises BlockingIOError if none can be accepted now."""
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
            if self.on_full is not None:
                self.on_full()
            raise BlockingIOError from error

    def _go_on(self, loop: IOLoop) -> None:
        if self.fileno() >= 0:  # it is open still
            loop.update_handler(self, IOLoop.READ)


@dataclass(slots=True)
class _Reader:
    """The client at the other end of a connection, as a reader."""

    stream: Any  # an IOStream, whose buffer size is private
    address: str
    since: float = 0.0
    """When it had last reached its goal."""
    goal: int = 0
    """The number of bytes that it must read next, counted from the start of the connection."""

    @property
    def waiting(self) -> int:
        """The number of bytes that wait for it."""
        return int(self.stream._total_write_index - self.stream._total_write_done_index)

    def lag(self, now: float) -> float:
        """Return the seconds since it last reached its goal; 0 if nothing is pending."""
        if self.stream._total_write_done_index >= self.goal:
            self.goal = self.stream._total_write_done_index + min(self.waiting, READ_BYTES)
            self.since = now
        return now - self.since

    def end(self) -> None:
        """Close the connection, and discard what the system buffers for it, which would otherwise stay pending."""
        if sys.platform != "win32":
            with suppress(OSError):  # it is already closed
                self.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()


class PatientServer(HTTPServer):
    """Disconnects clients that don't read their responses, before much memory is used for them."""

    def initialize(self, *arguments: Any, **options: Any) -> None:
        """Start to monitor readers."""
        super().initialize(*arguments, **options)
        self._readers: list[_Reader] = []
        self._most_connections = raise_file_limit() // 2  # kernels need the other files
        self._watch = PeriodicCallback(self.look, 1000 * LOOK_SECONDS)
        self._watch.start()

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Serve a new connection."""
        self._readers.append(_Reader(stream, str(address[0])))
        super().handle_stream(stream, address)

    def stop(self) -> None:
        """Stop accepting connections and monitoring readers."""
        self._watch.stop()
        super().stop()

    def look(self, *, is_full: bool = False) -> None:
        """Close connections that have been pending too long.

        If there is no room for others, as measured here or given by `is_full`, also close half of the slow ones
        of the address with the most pending bytes, slowest first.
        """
        now = monotonic()
        self._readers = [reader for reader in self._readers if not reader.stream.closed()]
        slow = defaultdict[str, list[_Reader]](list)
        for reader in self._readers:
            if (seconds := reader.lag(now)) > READ_SECONDS:
                reader.end()
            elif seconds > SLOW_SECONDS:
                slow[reader.address].append(reader)
        waiting = {address: sum(one.waiting for one in readers) for address, readers in slow.items()}
        if not waiting:
            return
        worst = max(waiting, key=waiting.__getitem__)
        too_much = sum(waiting.values()) > MOST_WAITING or waiting[worst] > MOST_WAITING_AN_ADDRESS
        if is_full or too_much or len(self._readers) > self._most_connections:
            readers = sorted(slow[worst], key=lambda reader: reader.since)
            for reader in readers[: (len(readers) + 1) // 2]:
                reader.end()


def patient_server(gate: Router, port: int, ip: str, **options: Any) -> PatientServer:
    """Return a server that listens at an address and routes by `gate`; raises OSError if it can't listen."""
    seconds = {"idle_connection_timeout": HEADER_SECONDS, "body_timeout": HEADER_SECONDS}
    server = PatientServer(gate, **seconds, max_body_size=_MOST_BODY_BYTES, **options)
    for bound in bind_sockets(port, ip):
        listener = PatientSocket(fileno=bound.detach())
        listener.on_full = partial(server.look, is_full=True)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # else the system buffers megabytes for each slow reader
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, READ_BYTES)
        server.add_socket(listener)
    return server
