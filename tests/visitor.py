"""A visitor without a browser, who does what the page does: fetches it, connects, trains, leaves."""

import json
import math
import re
import time
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any
from uuid import uuid4

from tornado.httpclient import HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.websocket import WebSocketClientConnection, websocket_connect

PATIENCE_SECONDS = 180.0  # a visitor for whom a step takes longer has failed
MOST_BYTES = 1 << 28
PROTOCOL = "v1.kernel.websocket.jupyter.org"
SETTINGS = "hidden=16&batch=64"


def client_for(n: int) -> SimpleAsyncHTTPClient:
    """A client that as many visitors can share at once."""
    return SimpleAsyncHTTPClient(force_instance=True, max_clients=n, max_buffer_size=MOST_BYTES)


class Visitor:
    """Opens the page at the address `url`, trains, and closes it; keeps the seconds that each step took."""

    def __init__(self, client: SimpleAsyncHTTPClient, url: str) -> None:
        self.outcome = "failed"  # or "seated", or "waited" where every seat was taken
        self.first_byte = self.page = self.point = math.nan
        self.kernel = ""  # the kernel's id, once it is known
        self._client, self._url = client, url
        self._cookies: SimpleCookie = SimpleCookie()
        self._session = uuid4().hex
        self._socket: WebSocketClientConnection | None = None
        self._models: dict[str, str] = {}  # id of each widget by its class
        self.states: dict[str, dict[str, Any]] = {}  # as the page received them, by class

    async def log_in(self, token: str) -> None:
        """Open the link with the token, and keep the cookies that it brings."""
        request = self._request(f"?token={token}", follow_redirects=False)
        answer = await self._client.fetch(request, raise_error=False)
        for line in answer.headers.get_list("Set-Cookie"):
            self._cookies.load(line)

    async def open(self, query: str = "") -> None:
        """Fetch the page, connect with its kernel, and receive the widgets' states."""
        begun, pieces = time.perf_counter(), list[bytes]()

        def receive(piece: bytes) -> None:
            if not pieces:
                self.first_byte = time.perf_counter() - begun
            pieces.append(piece)

        answer = await self._client.fetch(self._request(query, streaming_callback=receive), raise_error=False)
        for line in answer.headers.get_list("Set-Cookie"):
            self._cookies.load(line)
        if answer.code == 503:
            self.outcome = "waited"
            return
        answer.rethrow()
        self.kernel = re.findall(r'"kernelId": "([0-9a-f-]+)"', b"".join(pieces).decode())[0]
        await self._connect()
        self.page, self.outcome = time.perf_counter() - begun, "seated"

    async def train(self, settings: str = SETTINGS, fraction: float = 0) -> None:
        """Ask for other settings, and wait until something is trained, or a fraction of the run."""
        begun = time.perf_counter()
        await self._send_to_widget("header.Header", {"visit": settings})
        await self._receive(lambda data: fraction < data.get("state", {}).get("fraction", 0) < 1)
        self.point = time.perf_counter() - begun

    async def close(self) -> None:
        """Close the page: it ends its kernel."""
        if self.kernel:
            request = self._request(f"voila/api/shutdown/{self.kernel}", method="POST", body=b"")
            request.headers["X-XSRFToken"] = self._cookies["_xsrf"].value
            await self._client.fetch(request, raise_error=False)
        self.vanish()

    def vanish(self) -> None:
        """Break the connection, like a browser that crashes."""
        if self._socket is not None and (protocol := self._socket.protocol) is not None:
            self._socket.close()
            if protocol.stream is not None:
                protocol.stream.close()

    async def _connect(self) -> None:
        request = self._request(f"api/kernels/{self.kernel}/channels?session_id={self._session}")
        request.url = request.url.replace("http", "ws", 1)
        self._socket = await websocket_connect(request, subprotocols=[PROTOCOL], max_message_size=MOST_BYTES)
        control = uuid4().hex
        await self._send("comm_open", comm_id=control, target_name="jupyter.widget.control", data={})
        await self._send("comm_msg", comm_id=control, data={"method": "request_states"})
        states = (await self._receive(lambda data: data.get("method") == "update_states"))["states"]
        self._models = {one["state"].get("_anywidget_id", ""): model for model, one in states.items()}
        names = {model: name.removeprefix("explorer.widgets.") for name, model in self._models.items()}
        self.states = {name: states[model]["state"] for model, name in names.items()}
        await self._send_to_widget("page_part.Heartbeat", {"ping": 0})

    def _request(self, path: str, **options: Any) -> HTTPRequest:
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in self._cookies.items())
        patience: dict[str, Any] = {"request_timeout": PATIENCE_SECONDS, "connect_timeout": PATIENCE_SECONDS}
        return HTTPRequest(self._url + path, headers={"Cookie": cookie}, **patience, **options)

    async def _send_to_widget(self, widget: str, content: dict[str, Any]) -> None:
        model = self._models[f"explorer.widgets.{widget}"]
        await self._send("comm_msg", comm_id=model, data={"method": "custom", "content": content})

    async def _send(self, kind: str, **content: Any) -> None:
        """Send a message in Jupyter's protocol v1: the offsets of its parts, then the parts."""
        assert self._socket is not None
        header = {"msg_id": uuid4().hex, "session": self._session, "username": "", "msg_type": kind}
        header |= {"version": "5.3", "date": "2020-01-01T00:00:00Z"}
        contents = (header, {}, {"version": "1.0.0"}, content)
        parts = [b"shell", *(json.dumps(part).encode() for part in contents)]
        ends = [sum(map(len, parts[:n])) + 8 * (len(parts) + 2) for n in range(len(parts) + 1)]
        numbers = (number.to_bytes(8, "little") for number in (len(ends), *ends))
        await self._socket.write_message(b"".join((*numbers, *parts)), binary=True)

    async def _receive(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the data of the first widget message that `is_it` accepts."""
        assert self._socket is not None
        while isinstance(message := await self._socket.read_message(), bytes):
            begin, end = (int.from_bytes(message[at : at + 8], "little") for at in (40, 48))
            data = json.loads(message[begin:end]).get("data")
            if isinstance(data, dict) and is_it(data):
                return data
        raise ConnectionError("the server has closed the socket")
