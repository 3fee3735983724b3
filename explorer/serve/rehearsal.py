"""A class that opens the page at once: visitors without a browser, who do what a page does."""

import asyncio
import json
import math
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any, NamedTuple
from uuid import uuid4

import psutil
from tornado.httpclient import HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.websocket import WebSocketClientConnection, websocket_connect

from explorer.wording import counted

__all__ = ["Rung", "Usage", "Visitor", "climb", "percentile", "until_idle", "usage_of"]

PATIENCE_SECONDS = 180.0  # a visitor for whom a step takes longer has failed
AFTERWARDS_SECONDS = 60.0  # by then, all that visitors took is to be given back

_MOST_BYTES = 1 << 28
_PROTOCOL = "v1.kernel.websocket.jupyter.org"
_SETTINGS = "hidden=16&batch=64"


class Usage(NamedTuple):
    """Processes, memory in MiB (of shared pages a share each), and CPU seconds of a server with its kernels."""

    processes: int = 0
    memory: float = 0.0
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Rung:
    """How so many visitors at once fared; times are median and 95th percentile in seconds."""

    visitors: int
    seated: int
    waited: int
    failed: int
    first_byte: tuple[float, float]
    page: tuple[float, float]
    """From the request until the page is whole and its widgets' states are there."""
    point: tuple[float, float]
    """From a change of the settings until something is trained."""
    memory: float
    """MiB a seat; as the next, 0 where the server's processes are not known."""
    cpu: float
    """Computing time a seat until its page is there, in seconds."""
    left_over: str
    """What was not given back after they left; empty if all was."""


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the value that so many percent of `values` don't exceed, NaN left out; NaN for no values."""
    known = sorted(value for value in values if not math.isnan(value))
    return known[max(0, math.ceil(percent / 100 * len(known)) - 1)] if known else math.nan


def usage_of(pid: int | None) -> Usage:
    """Return what a process and its descendants take; None is one that isn't known."""
    server = [] if pid is None else [psutil.Process(pid)]
    found = []
    for process in (*server, *(child for one in server for child in one.children(recursive=True))):
        try:
            memory, times = process.memory_full_info(), process.cpu_times()
        except psutil.Error:  # it has ended
            continue
        found.append(Usage(1, getattr(memory, "pss", memory.uss) / (1 << 20), times.user + times.system))
    return Usage(*map(sum, zip(*found, strict=True)))


async def until_idle(pid: int | None) -> Usage:
    """Wait until a server computes nothing for two seconds, a minute at most, and return what it takes then."""
    now = usage_of(pid)
    for _ in range(30):
        before = now
        await asyncio.sleep(2)
        now = usage_of(pid)
        if now.cpu - before.cpu < 0.1:
            break
    return now


class Visitor:
    """One who opens the page at the address `url`, trains, and closes it."""

    def __init__(self, client: SimpleAsyncHTTPClient, url: str) -> None:
        self.outcome = "failed"
        self.first_byte = self.page = self.point = math.nan
        self._client, self._url = client, url
        self._cookies: SimpleCookie = SimpleCookie()
        self.kernel, self._session = "", uuid4().hex  # the kernel's id, once it is known
        self._socket: WebSocketClientConnection | None = None
        self._models: dict[str, str] = {}  # id of each widget by its class

    async def open(self) -> None:
        """Fetch the page, connect with its kernel, and receive the widgets' states."""
        begun, pieces = time.perf_counter(), list[bytes]()

        def take(piece: bytes) -> None:
            if not pieces:
                self.first_byte = time.perf_counter() - begun
            pieces.append(piece)

        answer = await self._client.fetch(self._request("", streaming_callback=take), raise_error=False)
        for line in answer.headers.get_list("Set-Cookie"):
            self._cookies.load(line)
        if answer.code == 503:
            self.outcome = "waited"
            return
        answer.rethrow()
        self.kernel = re.findall(r'"kernelId": "([0-9a-f-]+)"', b"".join(pieces).decode())[0]
        request = self._request(f"api/kernels/{self.kernel}/channels?session_id={self._session}")
        request.url = request.url.replace("http", "ws", 1)
        self._socket = await websocket_connect(
            request, subprotocols=[_PROTOCOL], max_message_size=_MOST_BYTES
        )
        control = uuid4().hex
        await self._say("comm_open", comm_id=control, target_name="jupyter.widget.control", data={})
        await self._say("comm_msg", comm_id=control, data={"method": "request_states"})
        states = (await self._hear(lambda data: data.get("method") == "update_states"))["states"]
        self._models = {one["state"].get("_anywidget_id", ""): model for model, one in states.items()}
        await self._tell("heartbeat.Heartbeat", {"ping": 0})
        self.page, self.outcome = time.perf_counter() - begun, "seated"

    async def train(self) -> None:
        """Ask for other settings, and wait until something is trained."""
        begun = time.perf_counter()
        await self._tell("header.Header", {"visit": _SETTINGS})
        await self._hear(lambda data: 0 < data.get("state", {}).get("fraction", 0) < 1)
        self.point = time.perf_counter() - begun

    async def close(self) -> None:
        """Close the page: it ends its kernel."""
        if self.kernel:
            request = self._request(f"voila/api/shutdown/{self.kernel}", method="POST", body=b"")
            request.headers["X-XSRFToken"] = self._cookies["_xsrf"].value
            await self._client.fetch(request, raise_error=False)
        self.vanish()

    def vanish(self) -> None:
        """Break the connection, as a browser that crashes."""
        if self._socket is not None and (protocol := self._socket.protocol) is not None:
            self._socket.close()
            if protocol.stream is not None:
                protocol.stream.close()

    def _request(self, path: str, **options: Any) -> HTTPRequest:
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in self._cookies.items())
        patience: dict[str, Any] = {"request_timeout": PATIENCE_SECONDS, "connect_timeout": PATIENCE_SECONDS}
        return HTTPRequest(self._url + path, headers={"Cookie": cookie}, **patience, **options)

    async def _tell(self, widget: str, content: dict[str, Any]) -> None:
        model = self._models[f"explorer.widgets.{widget}"]
        await self._say("comm_msg", comm_id=model, data={"method": "custom", "content": content})

    async def _say(self, kind: str, **content: Any) -> None:
        """Send a message as Jupyter's protocol v1 has it: where its parts begin and end, and they."""
        assert self._socket is not None
        header = {"msg_id": uuid4().hex, "session": self._session, "username": "", "msg_type": kind}
        header |= {"version": "5.3", "date": "2020-01-01T00:00:00Z"}
        parts = [
            b"shell",
            *(json.dumps(part).encode() for part in (header, {}, {"version": "1.0.0"}, content)),
        ]
        ends = [sum(map(len, parts[:n])) + 8 * (len(parts) + 2) for n in range(len(parts) + 1)]
        numbers = (number.to_bytes(8, "little") for number in (len(ends), *ends))
        await self._socket.write_message(b"".join((*numbers, *parts)), binary=True)

    async def _hear(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return what the first message of a widget says that is looked for."""
        assert self._socket is not None
        while isinstance(message := await self._socket.read_message(), bytes):
            begin, end = (int.from_bytes(message[at : at + 8], "little") for at in (40, 48))
            data = json.loads(message[begin:end]).get("data")
            if isinstance(data, dict) and is_it(data):
                return data
        raise ConnectionError("the server has closed the socket")


async def climb(url: str, n: int, pid: int | None, idle: Usage, say: Callable[[str], object]) -> Rung:
    """Return how `n` visitors fare who come at once to a server, whose process may be known.

    When nobody is there, and a kernel waits for the next visitor, it takes what `idle` says.
    """
    client = SimpleAsyncHTTPClient(force_instance=True, max_clients=n, max_buffer_size=_MOST_BYTES)
    visitors = [Visitor(client, url) for _ in range(n)]
    before = usage_of(pid)
    say(f"{counted(n, 'visitor')} at once")
    await _all(visitors, Visitor.open)
    seated = [visitor for visitor in visitors if visitor.outcome == "seated"]
    after, share = usage_of(pid), max(1, len(seated))
    say(f"{len(seated)} have the page, and train")
    await _all(seated, Visitor.train)
    await asyncio.gather(*(visitor.close() for visitor in visitors), return_exceptions=True)
    say("They have left")
    left_over = await _left_over(pid, idle)
    client.close()
    outcomes = [visitor.outcome for visitor in visitors]
    columns = zip(*((one.first_byte, one.page, one.point) for one in visitors), strict=True)
    figures: list[Any] = [outcomes.count(outcome) for outcome in ("seated", "waited", "failed")]
    figures += [(percentile(column, 50), percentile(column, 95)) for column in columns]
    figures += [(new - old) / share for new, old in zip(after[1:], before[1:], strict=True)]
    return Rung(n, *[*figures, left_over])


async def _all(visitors: Sequence[Visitor], do: Callable[[Visitor], Any]) -> None:
    """Let all visitors do the same at once; whoever can't has failed."""

    async def one(visitor: Visitor) -> None:
        try:
            await asyncio.wait_for(do(visitor), PATIENCE_SECONDS)
        except Exception:  # noqa: BLE001  # whatever it is, it is counted
            visitor.outcome = "failed"

    await asyncio.gather(*map(one, visitors))


async def _left_over(pid: int | None, idle: Usage) -> str:
    """Wait until a server takes no more than when idle, and return what it still takes after a minute."""
    deadline = time.monotonic() + AFTERWARDS_SECONDS
    while (now := usage_of(pid)).processes > idle.processes or now.memory > 1.1 * idle.memory + 20:
        if time.monotonic() > deadline:
            more = now.memory - idle.memory
            return f"{now.processes - idle.processes} processes and {more:.0f} MiB more than before"
        await asyncio.sleep(0.5)
    return ""
