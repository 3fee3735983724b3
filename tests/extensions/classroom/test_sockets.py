"""A stranger troubles nobody else: not by what a socket sends, nor by many connections or files left unread."""

import asyncio
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import uuid4

import nbformat
import needs
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from processes import kernel_process
from tornado.httpclient import HTTPRequest
from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler
from tornado.websocket import websocket_connect
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from explorer.extensions.classroom.sockets import FairServer, FrameError, SocketHandler, check_frame

SERVE = Path(__file__).parents[2] / "browser" / "serve_page.py"
PROTOCOL = "v1.kernel.websocket.jupyter.org"
CONTROL = "jupyter.widget.control"
CELL = """\
import ipywidgets
from explorer.serve.request import wait_for_visitor
wait_for_visitor()
ipywidgets.HTML("x" * 1_000_000)
"""


def frame(kind, content, *, channel="shell", buffers=(), **header):
    """A message as the page sends it."""
    head = {"msg_id": uuid4().hex, "session": "s", "username": "", "date": "", "version": "5.3"}
    head["msg_type"] = kind
    parts = [json.dumps(part).encode() for part in (head | header, {}, {"version": "1.0.0"}, content)]
    return framed([channel.encode(), *parts, *buffers])


def framed(parts):
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return b"".join([n.to_bytes(8, "little") for n in (len(offsets), *offsets)] + parts)


def to_comm(data, comm_id="c", **more):
    return {"comm_id": comm_id, "data": data, **more}


OPEN_CONTROL = frame("comm_open", to_comm({}, target_name=CONTROL))


def ask():
    return frame("comm_msg", to_comm({"method": "request_states"}))


UPDATE = {"method": "update", "state": {"value": 1}, "buffer_paths": [["ink"]]}
UPDATED = frame("comm_msg", to_comm(UPDATE), buffers=[b"ink"])


@pytest.mark.parametrize(
    "sent",
    [
        frame("kernel_info_request", {}),
        frame("comm_info_request", {"target_name": "jupyter.widget"}),
        OPEN_CONTROL,
        ask(),
        UPDATED,
        frame("comm_msg", to_comm({"method": "custom", "content": {}}), buffers=[b"1" * (1 << 20)]),
        frame("comm_close", to_comm({})),
    ],
    ids=range(7),
)
def test_what_a_page_sends_passes(sent):
    check_frame(sent)


HOSTILE = {
    "an offset for each of 2^64 - 1": b"\xff" * 8,
    "2^29 parts": bytes.fromhex("1fffffff"),
    "nothing": b"",
    "text": "{}",
    "an offset beyond the frame": UPDATED[:-1],
    "offsets that go back": UPDATED[:56] + bytes(8) + UPDATED[64:],
    "offsets that overlap the table": b"".join(n.to_bytes(8, "little") for n in (6, 0, 8, 16, 24, 32, 40)),
    "a thousand parts": frame("comm_msg", to_comm(UPDATE), buffers=[b"ink"] * 1000),
    "a part that is no JSON": framed([b"shell", b"{", b"{}", b"{}", b"{}"]),
    "lists in lists": framed([b"shell", b"{}", b"{}", b"{}", b"[" * 100_000]),
    "a list for an object": frame("kernel_info_request", []),
    "too large a frame": frame("comm_msg", to_comm(UPDATE), buffers=[bytes(2 << 20)]),
    "another channel": frame("kernel_info_request", {}, channel="control"),
    "code": frame("execute_request", {"code": "1"}),
    "an end": frame("shutdown_request", {}),
    "a forged line": frame("x\n\x1b[31mERROR", {}),
    "no session": frame("kernel_info_request", {}, session=None),
    "a new widget": frame("comm_open", to_comm({}, target_name="jupyter.widget")),
    "a name with a line of its own": frame("comm_msg", to_comm({"method": "custom"}, comm_id="a\nb")),
    "another method": frame("comm_msg", to_comm({"method": "\x1b[2J"})),
    "no data": frame("comm_msg", {"comm_id": "c"}),
    "a state that is none": frame("comm_msg", to_comm({"method": "update", "state": 1})),
    "a buffer for no trait": frame("comm_msg", to_comm(UPDATE | {"buffer_paths": [["a", 0]]}), buffers=[b""]),
}


@pytest.mark.timeout(30)  # what names 2⁵⁰ offsets would go on for ever
@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
def test_what_no_page_sends_is_refused(sent):
    with pytest.raises(FrameError):
        check_frame(sent)


@given(
    st.binary(max_size=400)
    | st.tuples(st.integers(0, 300), st.binary(min_size=1, max_size=16)).map(
        lambda change: UPDATED[: change[0]] + change[1] + UPDATED[change[0] + len(change[1]) :]
    )
)
def test_whatever_is_sent_passes_or_is_refused(sent):
    with suppress(FrameError):
        check_frame(sent)


def test_who_has_sent_the_largest_file_waits_with_the_next_message(monkeypatch):
    slept, passed = [], []

    async def sleep(seconds):
        slept.append(seconds)

    async def send(handler):
        for _ in range(90):  # a megabyte each
            await handler.on_message(large)

    large = frame("comm_msg", to_comm(UPDATE), buffers=[bytes(1 << 20)])
    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(VoilaKernelWebsocketHandler, "on_message", lambda _, message: passed.append(message))
    handler = SocketHandler.__new__(SocketHandler)
    handler.initialize()
    handler.ws_connection = SimpleNamespace(is_closing=lambda: False)
    asyncio.run(send(handler))
    assert passed == [large] * 90
    assert 5 < len(slept) < 20
    assert slept == sorted(slept)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of a page with a kernel that has a megabyte to say: its address, its process, and its log."""
    folder = tmp_path_factory.mktemp("server")
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(CELL)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(made, folder / "page.ipynb")
    with (folder / "log").open("w") as log:
        command = [sys.executable, SERVE, folder / "page.ipynb"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    yield SimpleNamespace(url=process.stdout.readline().strip(), pid=process.pid, log=folder / "log")
    process.send_signal(signal.SIGTERM)
    process.stdout.close()
    process.wait(30)


@pytest.fixture(scope="module")
def kernel(server):
    """The kernel of a page."""
    return new_kernel(server)


def new_kernel(server):
    with urlopen(server.url, timeout=60) as answer:
        return re.search(r'"kernelId": "([^"]+)"', answer.read().decode()).group(1)


def address(server, kernel, session="s"):
    return f"{server.url}api/kernels/{kernel}/channels" + (f"?session_id={session}" if session else "")


def connect(server, kernel, session="s"):
    request = HTTPRequest(address(server, kernel, session).replace("http", "ws", 1), request_timeout=30)
    return websocket_connect(request, subprotocols=[PROTOCOL])


@contextmanager
def asked(server, kernel, *, protocol=PROTOCOL, session="s"):
    """A client that has asked for a socket."""
    with closing(HTTPConnection(server.url.split("/")[2], timeout=20)) as client:
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        headers |= {"Sec-WebSocket-Key": "x" * 22 + "==", "Sec-WebSocket-Protocol": protocol}
        client.request("GET", "/" + address(server, kernel, session).split("/", 3)[3], headers=headers)
        yield client


def refusal(server, kernel, **options):
    """The status with which the server refuses to open a socket; 0 where it opens one."""
    with asked(server, kernel, **options) as client:
        status = client.getresponse().status
        return 0 if status == 101 else status


def connections(server, kernel):
    with urlopen(f"{server.url}api/kernels/{kernel}", timeout=60) as answer:
        return json.load(answer)["connections"]


async def closed(socket):
    """Read until the server closes the socket; return the code."""
    while await socket.read_message() is not None:
        pass
    socket.close()
    return socket.close_code


def megabytes(pid):
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * 4096 >> 20


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "an offset for each of 2^64 - 1",
        "code",
        *(pytest.param(name, marks=pytest.mark.long) for name in ("text", "a new widget", "a forged line")),
    ],
)
def test_a_hostile_frame_closes_its_socket_and_the_server_serves_on(server, kernel, name):
    async def attack():
        socket = await connect(server, kernel)
        await socket.write_message(HOSTILE[name], binary=isinstance(HOSTILE[name], bytes))
        return await closed(socket)

    assert asyncio.run(asyncio.wait_for(attack(), 20)) == 1008
    with urlopen(f"{server.url}api/kernels/{kernel}", timeout=60) as answer:
        assert answer.status == 200
    assert "\x1b" not in server.log.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "session"), [("", "s"), ("v0", "s"), (PROTOCOL, ""), (PROTOCOL, "%0A")])
def test_a_socket_without_the_pages_protocol_or_a_session_is_not_opened(server, kernel, protocol, session):
    assert refusal(server, kernel, protocol=protocol, session=session) == 400


@pytest.mark.slow
async def test_a_kernel_has_few_sockets_and_one_that_is_closed_makes_room(server, kernel):
    sockets = [await connect(server, kernel, f"s{number}") for number in range(4)]
    assert refusal(server, kernel, session="s5") == 429
    sockets[0].close()
    await closed(sockets[0])
    assert refusal(server, kernel, session="s6") == 0
    for one in sockets[1:]:
        one.close()
        await closed(one)


@needs.PROC
@pytest.mark.slow
async def test_a_page_that_leaves_before_its_busy_kernel_answers_is_neither_logged_nor_counted(server):
    kernel = new_kernel(server)

    async def until_connected(n):
        while connections(server, kernel) != n:
            await asyncio.sleep(0.1)

    os.kill(process := kernel_process(kernel), signal.SIGSTOP)
    for number in range(2):
        with asked(server, kernel, session=f"s{number}"):
            assert connections(server, kernel) == 0
    connections(server, kernel)  # the server has noticed that they are gone
    os.kill(process, signal.SIGCONT)
    socket = await connect(server, kernel)
    await until_connected(1)
    socket.close()
    await closed(socket)
    await until_connected(0)
    assert not re.search("Error|Nudge|stale", server.log.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_who_never_reads_is_closed_before_much_waits_for_them(server, kernel):
    async def attack():
        socket = await connect(server, kernel)
        before = megabytes(server.pid)
        await socket.write_message(OPEN_CONTROL, binary=True)
        for _ in range(100):  # a megabyte each
            await socket.write_message(ask(), binary=True)
        # On a busy machine so much comes so slowly that the page is ended before, as one that doesn't read.
        while "doesn't read" not in server.log.read_text(encoding="utf-8") and connections(server, kernel):
            await asyncio.sleep(0.1)
        # On a busy machine all that was asked for may have come from the kernel at once.
        assert megabytes(server.pid) - before < 200
        return await closed(socket)

    asyncio.run(asyncio.wait_for(attack(), 60))


LARGE = 1 << 25


class LargeFile(RequestHandler):
    def get(self):
        self.write(bytes(LARGE))


@pytest.fixture
def started():
    """Start a server with a limit on connections in the running loop; return it and its port."""
    servers = []

    def start(most=100):
        listener = socket.create_server(("127.0.0.1", 0))
        server = FairServer(Application([("/", LargeFile)]), most_connections=most)
        port = listener.getsockname()[1]
        server.add_socket(listener)
        servers.append(server)
        return server, port

    yield start
    for server in servers:
        server.stop()


async def answered(port):
    """Open a connection, and return it with the first line that it gets."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    try:
        return reader, writer, await reader.readline()
    except ConnectionError:
        return reader, writer, b""


async def test_an_address_has_no_more_connections_than_the_limit_and_new_ones_when_it_leaves(started, caplog):
    _, port = started(most=3)
    opened = [await answered(port) for _ in range(5)]
    assert [line for *_, line in opened] == [b"HTTP/1.1 200 OK\r\n"] * 3 + [b""] * 2
    assert caplog.messages == ["127.0.0.1 has 3 connections: it gets no more."]
    opened[0][1].transport.abort()
    while opened[-1][2] == b"":
        opened.append(await answered(port))
    for _, writer, _ in opened:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer, _ in opened), return_exceptions=True)


async def test_with_no_more_files_it_rests_and_says_so_once(started, monkeypatch, caplog):
    tries, accept = [], socket.socket.accept

    def full(listener):
        tries.append(None)
        if len(tries) <= 2:
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(listener)

    monkeypatch.setattr("explorer.extensions.classroom.sockets._REST_SECONDS", 0.1)
    monkeypatch.setattr(socket.socket, "accept", full)
    _, port = started()
    _, writer, line = await answered(port)
    assert line == b"HTTP/1.1 200 OK\r\n"
    (said,) = caplog.messages
    assert said == "No more files can be opened: new connections wait. A higher “ulimit -n” helps."
    assert len(tries) <= 4  # twice in vain, then for the connection and until there is none
    writer.close()


async def test_a_client_that_reads_nothing_is_left_and_a_slow_one_is_not(started):
    server, port = started()
    reader, writer, _ = await answered(port)
    server.close_stalled()
    for _ in range(3):
        await reader.readexactly(1 << 22)
        server.close_stalled()
    server.close_stalled()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await reader.readexactly(LARGE - 3 * (1 << 22))
    writer.close()
    assert IOLoop.current().asyncio_loop.is_running()


@needs.LINUX
@pytest.mark.long
def test_a_server_without_free_files_is_quiet_and_serves_again(start):
    import resource

    server = start("serve", "--seats", "1")
    server.page()  # takes the only seat: no kernel starts while files are short
    process = psutil.Process(server.process.pid)
    limit = process.num_fds() + 40
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    opened = [socket.create_connection(server.place.split(":")) for _ in range(80)]
    before = sum(process.cpu_times()[:2])
    with pytest.raises(OSError, match="timed out"):
        urlopen(server.url, timeout=3)
    assert sum(process.cpu_times()[:2]) - before < 1
    for one in opened:
        one.close()
    assert server.fetch(urlsplit(server.url).path)[0] == 503  # who comes next waits for the seat
    _, _, err = server.end()
    assert err.count("No more files can be opened") == 1
    assert len(err) < 1000  # not a megabyte a second
