"""No client keeps the others out: neither with many connections, nor with files that it doesn't read."""

import asyncio
import errno
import socket
from urllib.request import urlopen

import needs
import psutil
import pytest
from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler

from explorer.extensions.classroom import sockets
from explorer.extensions.classroom.sockets import FairServer

LARGE = 1 << 25
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


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
    writer.write(GET)
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

    monkeypatch.setattr(sockets, "_REST_SECONDS", 0.1)
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

    server = start()
    process = psutil.Process(server.process.pid)
    limit = process.num_fds() + 20
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    host, port = server.place.rsplit(":", 1)
    opened = [socket.create_connection((host, int(port))) for _ in range(60)]
    before = sum(process.cpu_times()[:2])
    with pytest.raises(OSError, match="timed out"):
        urlopen(server.url, timeout=3)
    assert sum(process.cpu_times()[:2]) - before < 1
    for one in opened:
        one.close()
    assert server.page()
    _, _, err = server.end()
    assert err.count("No more files can be opened") == 1
    assert len(err) < 50_000  # not a megabyte a second; a kernel that starts just then may fail, too
