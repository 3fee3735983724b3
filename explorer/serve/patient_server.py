"""A web server that outlasts silent clients, clients who don't read, a lack of files and a clock set back."""

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

HEADER_SECONDS = 20.0  # longest that a request's head, and then its body, may take, or a connection be idle
READ_SECONDS, READ_BYTES = 20.0, 1 << 16  # in this time a client reads this much, or all that there is for it
SLOW_SECONDS = 2.0  # a client that takes longer may be ended where there is no room for others
LOOK_SECONDS = 1.0
PAUSE_SECONDS = 0.5  # how long nobody is accepted where no file is left

MOST_WAITING, MOST_WAITING_AN_ADDRESS = 256 << 20, 128 << 20
"""Bytes that may wait for slow clients, for all together and for those of one address. An address may be a class's
router or a proxy: this is 3 MB for each of forty."""

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

    on_full: Callable[[], object] | None = None
    """Called where there is no file."""
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
            if self.on_full is not None:
                self.on_full()
            raise BlockingIOError from error

    def _go_on(self, loop: IOLoop) -> None:
        if self.fileno() >= 0:  # it is open still
            loop.update_handler(self, IOLoop.READ)


@dataclass(slots=True)
class _Reader:
    """The client at the other end of a connection, as the one who reads."""

    stream: Any  # an IOStream, which has no public word for how much it holds
    address: str
    since: float = 0.0
    """When it had read all that it was to read by then."""
    goal: int = 0
    """The number of bytes that it is to have read next."""

    @property
    def waiting(self) -> int:
        """The number of bytes that wait for it."""
        return int(self.stream._total_write_index - self.stream._total_write_done_index)

    def lag(self, now: float) -> float:
        """Return how many seconds ago it last read what it was to read; 0 where nothing waits."""
        if self.stream._total_write_done_index >= self.goal:
            self.goal = self.stream._total_write_done_index + min(self.waiting, READ_BYTES)
            self.since = now
        return now - self.since

    def end(self) -> None:
        """Close the connection. What the system holds of it is dropped as well, where it would go on waiting."""
        if sys.platform != "win32":
            with suppress(OSError):  # it is over already
                self.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()


class PatientServer(HTTPServer):
    """Ends connections whose clients don't read what they asked for, before it keeps much for them."""

    def initialize(self, *arguments: Any, **options: Any) -> None:
        """Begin to look after those who read."""
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
        """Accept nobody any more, and look after nobody."""
        self._watch.stop()
        super().stop()

    def look(self, *, is_full: bool = False) -> None:
        """End the connections that have waited too long for their clients.

        Where there is no room for others, as far as is known here or said by `is_full`, half of the slow ones of
        an address go too, the slowest first: of the address for which most waits.
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
    """Return a server of what `gate` leads to that listens at an address; raises OSError where it can't."""
    seconds = {"idle_connection_timeout": HEADER_SECONDS, "body_timeout": HEADER_SECONDS}
    server = PatientServer(gate, **seconds, max_body_size=_MOST_BODY_BYTES, **options)
    for bound in bind_sockets(port, ip):
        listener = PatientSocket(fileno=bound.detach())
        listener.on_full = partial(server.look, is_full=True)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # else the system keeps megabytes for each who doesn't read
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, READ_BYTES)
        server.add_socket(listener)
    return server
