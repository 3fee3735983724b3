"""What a client may take: connections of an address, and on a page's WebSocket which messages, and how many."""

import asyncio
import errno
import json
import logging
import re
import socket
from asyncio import Future
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from time import monotonic
from typing import Any, ClassVar

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.iostream import IOStream
from tornado.web import Finish, HTTPError
from tornado.websocket import WebSocketProtocol, WebSocketProtocol13
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from explorer.extensions.classroom.kernels import BROWSER

STALLED_SECONDS = 60.0  # a connection whose client has read nothing of what waits for it is closed after this
_REST_SECONDS = 1.0  # before the next connection is accepted, while there are no more open files
_SILENT_SECONDS = 60.0  # between two log lines on connections
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_log = logging.getLogger(__name__)

PROTOCOL = "v1.kernel.websocket.jupyter.org"
POLICY_VIOLATION = 1008  # RFC 6455

MOST_FRAME_BYTES = 2 << 20  # largest frame from a page, which sends files in pieces of half this size
MOST_SOCKETS = 4  # most sockets per kernel: a page has one, and for a moment two when it reconnects
MOST_UNREAD_BYTES = 8 << 20
"""Most bytes unread by a page, in addition to the largest message, which may be a file. A page that lags further
is disconnected; it reconnects, and requests the current state instead of all changes."""
MOST_PARTS = 64

_MESSAGE_COST = 10_000  # bytes charged for each message in addition to its size
_BURST, _BYTES_PER_SECOND = 80 << 20, 500_000
"""A page may send the largest file at once; then 50 small messages a second."""

_ID = re.compile(r"[\w.-]{1,100}")
_CONTROL_TARGET = "jupyter.widget.control"
_METHODS = ("update", "custom", "request_state", "request_states")
_MESSAGES = ("comm_msg", "comm_close", "comm_open", "comm_info_request", "kernel_info_request")


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
        super().add_socket(Listener(listener))

    def stop(self) -> None:
        self._watch.stop()
        super().stop()

    def handle_stream(self, stream: IOStream, address: Any) -> None:
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


class FrameError(ValueError):
    """A frame that no page sends."""


def check_frame(frame: bytes | str) -> None:
    """Accept only the messages that a page sends: those to widgets, and the requests that open a connection.

    A frame is a message in Jupyter's protocol v1: the number of offsets and the offsets, 8 bytes each, then the
    channel, header, parent header, metadata, content and buffers that they divide. For anything else this raises
    FrameError, whose message contains nothing of the frame.
    """
    channel, header, parent, metadata, content, *_ = _parts(frame)
    try:
        head, *others, body = (json.loads(part) for part in (header, parent, metadata, content))
    except (ValueError, RecursionError) as error:
        raise FrameError("a part that is no JSON") from error
    if channel != b"shell" or not all(isinstance(part, dict) for part in (head, *others, body)):
        raise FrameError("no message to the shell")
    if not all(_is_id(head.get(name)) for name in ("msg_id", "session")):
        raise FrameError("a message without an identity")
    if head.get("msg_type") not in _MESSAGES:
        raise FrameError("a type of message that a page has no use for")
    if head["msg_type"].startswith("comm_") and head["msg_type"] != "comm_info_request":
        _check_comm(head["msg_type"], body)


def _check_comm(kind: str, body: dict[str, Any]) -> None:
    data = body.get("data")
    if not _is_id(body.get("comm_id")) or not isinstance(data, dict):
        raise FrameError("a message to no widget")
    if kind == "comm_open" and body.get("target_name") != _CONTROL_TARGET:
        raise FrameError("a new widget")
    if kind != "comm_msg":
        return
    paths = data.get("buffer_paths", [])
    if data.get("method") not in _METHODS or not isinstance(data.get("state", {}), dict):
        raise FrameError("a method that no widget has")
    if not isinstance(paths, list) or not all(
        isinstance(path, list) and len(path) == 1 and isinstance(path[0], str) for path in paths
    ):
        raise FrameError("a buffer for no trait")


def _parts(frame: bytes | str) -> list[bytes]:
    """Return the parts of a frame, split at its offsets."""
    if not isinstance(frame, bytes) or not 8 <= len(frame) <= MOST_FRAME_BYTES:
        raise FrameError("text, or a frame of another size")
    count = int.from_bytes(frame[:8], "little")
    start = 8 * (count + 1)
    if not 6 <= count <= MOST_PARTS or start > len(frame):
        raise FrameError("too few or too many parts")
    offsets = [int.from_bytes(frame[at : at + 8], "little") for at in range(8, start, 8)]
    if offsets != sorted(offsets) or offsets[0] < start or offsets[-1] > len(frame):
        raise FrameError("offsets that don't ascend within the frame")
    return [frame[begin:end] for begin, end in pairwise(offsets)]


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


class SocketHandler(VoilaKernelWebsocketHandler):
    """Relays messages between a page and its kernel; TCP's own delay of 0.04 s for a small one is off."""

    _sockets: ClassVar[Counter[str]] = Counter()  # by kernel

    def initialize(self) -> None:
        self._allowed, self._since = float(_BURST), monotonic()
        self._unread: deque[int] = deque()  # bytes of each message that the page has yet to read
        self.connection: Any = None  # Jupyter's, with the kernel
        self._is_counted = self._is_left = False

    async def prepare(self, **options: Any) -> None:
        """Refuse clients without our cookie in a hub, whose proxy asks for no login when a WebSocket opens."""
        if self.settings["is_in_hub"] and self.identity_provider.get_user_cookie(self) is None:
            raise HTTPError(403)
        await super().prepare(**options)

    def write_error(self, status_code: int, **_: Any) -> None:
        self.finish()  # without a page: nobody reads the one of a WebSocket

    async def get(self, kernel_id: str) -> None:
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        if PROTOCOL not in map(str.strip, offered) or not _is_id(self.get_query_argument("session_id", "")):
            raise HTTPError(400, reason="A page names its protocol and its session")
        if self._sockets[kernel_id] >= MOST_SOCKETS:
            raise HTTPError(429, reason="This kernel has enough sockets")
        self._sockets[kernel_id] += 1
        self.settings["explorer_seats"].note_loading(self.get_cookie(BROWSER))
        try:
            await super().get(kernel_id)
        finally:
            self._sockets[kernel_id] -= 1
            if not self._sockets[kernel_id]:
                del self._sockets[kernel_id]

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        """Return the protocol without tornado's pings: Jupyter sends them, and has milliseconds in its setting."""
        protocol: WebSocketProtocol | None = super().get_websocket_protocol()
        if isinstance(protocol, WebSocketProtocol13):
            protocol.params.ping_interval = None
        return protocol

    async def pre_get(self) -> None:
        """Wait until the kernel responds; a page that leaves meanwhile gets no socket."""
        await super().pre_get()
        if self._is_left:
            self.on_close()
            raise Finish

    async def open(self, kernel_id: str) -> None:
        self._is_counted = True
        self.set_nodelay(True)
        await super().open(kernel_id)

    def on_close(self) -> None:
        """Close the connection to the kernel, which Jupyter looks up among those it has opened."""
        self._is_left = True
        connection, self.connection = self.connection, None
        if connection is not None:
            if not self._is_counted:
                self.kernel_manager.notify_connect(self.kernel_id)
            with suppress(KeyError):
                connection.disconnect()

    async def on_message(self, message: bytes | str) -> None:
        if self._is_closing:
            return
        try:
            check_frame(message)
        except FrameError as error:
            self.log.warning("A page's socket was closed: it sent %s.", error)
            self.close(POLICY_VIOLATION, "not a page's message")
            return
        now = monotonic()
        refilled = min(_BURST, self._allowed + (now - self._since) * _BYTES_PER_SECOND)
        self._allowed, self._since = refilled - len(message) - _MESSAGE_COST, now
        if self._allowed < 0:  # the page exceeds its rate: the socket pauses reading
            await asyncio.sleep(-self._allowed / _BYTES_PER_SECOND)
        if not self._is_closing:
            super().on_message(message)

    def write_message(self, message: bytes | dict[str, Any], binary: bool = False) -> Future[None] | None:
        """Send to the page, unless the server has closed the socket, as after a ping without a pong.

        Jupyter then forgets the socket's protocol, and writes in the older one, whose first bytes Voilà would read
        as a number of offsets to loop over: more than 2⁵⁰, which would block the server.
        """
        if self._is_closing:
            return None
        if sum(self._unread) - max(self._unread, default=0) > MOST_UNREAD_BYTES:
            self.log.warning("A page's socket was closed: it doesn't read what its kernel sends.")
            self.close(POLICY_VIOLATION, "unread messages")
            return None
        written: Future[None] | None = super().write_message(message, binary)
        if written is not None:
            self._unread.append(len(message))
            written.add_done_callback(self._on_written)
        return written

    @property
    def _is_closing(self) -> bool:
        return self.ws_connection is None or self.ws_connection.is_closing()

    def _on_written(self, written: Future[None]) -> None:
        self._unread.popleft()
        if not written.cancelled():
            written.exception()  # that a page has left meanwhile is no error
