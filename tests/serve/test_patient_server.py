"""Silent clients, clients who don't read, a lack of files and a clock set back keep nobody out."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from types import SimpleNamespace
from urllib.request import urlopen

import needs
import pytest
from tornado.ioloop import IOLoop
from tornado.locks import Event
from tornado.web import Application, RequestHandler

from explorer.serve import patient_server as module
from explorer.serve.patient_server import patient_server, raise_file_limit, use_steady_clock
from explorer.serve.server import ExplorerServer

FILES, CLIENTS = 64, 100

SERVER = f"""
import asyncio, resource
from tornado.web import Application, RequestHandler
from explorer.serve import patient_server

tries, accept = [], patient_server.PatientSocket.accept
patient_server.PatientSocket.accept = lambda self: tries.append(1) or accept(self)

class Answer(RequestHandler):
    def get(self):
        self.finish(str(len(tries)))

async def serve():
    resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES // 2}, {FILES}))
    assert patient_server.raise_file_limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0] == {FILES}
    patient_server.HEADER_SECONDS = 1.5
    server = patient_server.patient_server(Application([("/", Answer)]), 0, "127.0.0.1")
    print(next(iter(server._sockets.values())).getsockname()[1], flush=True)
    await asyncio.Event().wait()

asyncio.run(serve())
"""


@pytest.fixture
def server():
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


@needs.POSIX
@pytest.mark.slow
def test_half_open_requests_beyond_the_limit_of_files_are_waited_out_and_said_once(server):
    address = ("127.0.0.1", int(server.stdout.readline()))

    def answer():
        with urlopen(f"http://{address[0]}:{address[1]}/", timeout=20) as page:
            return int(page.read())

    begun = time.monotonic()
    silent = [socket.create_connection(address) for _ in range(CLIENTS)]
    for client in silent:
        client.sendall(b"GET / HTTP/1.1\r\nHost:")
    tries = answer()  # it came last, and is served when those before it were sent away
    assert time.monotonic() - begun > 1
    assert tries < 2 * CLIENTS
    for client in silent:
        client.close()
    server.terminate()
    assert server.stderr.read().splitlines() == ["No new visitor can connect for now: Too many open files."]


class BegunError(Exception):
    """The server has begun."""


OTHER_DAYS = """
import asyncio, sys, time
real, days = time.time, 0
time.time = lambda: real() + 86400 * days

from tornado.ioloop import PeriodicCallback
from tornado.web import create_signed_value, decode_signed_value
from explorer.serve.patient_server import use_steady_clock
from explorer.serve.gate import Tries
from explorer.serve.kernels import Seats
from explorer.training.share import Share

async def tell():
    global days
    use_steady_clock()
    ticks, seats, tries, line = [], Seats(1), Tries(most=1), [Share(sys.argv[1], cores=1) for _ in range(2)]
    PeriodicCallback(lambda: ticks.append(1), 5).start()
    await seats.assign("a", None)
    tries.note("here")
    login = create_signed_value("secret", "name", b"ada")
    for days in (0, -1, 1):
        await asyncio.sleep(0.05)
        ticks.clear()
        await asyncio.sleep(0.2)
        waits = tries.seconds_to_wait("here") > 50
        name = decode_signed_value("secret", "name", login)
        places = [share.place() for share in line]
        asked = seats.position("a"), seats.position("b")
        print(days, len(ticks) > 2, *asked, waits, name.decode(), *places, flush=True)

asyncio.run(tell())
"""
"""What is there still on the same day, when the clock is set back by one, and when it is set on by one."""


@pytest.mark.long
def test_a_clock_that_is_set_back_stops_nothing_and_moves_nobody(tmp_path):
    (tmp_path / "line").mkdir()
    command = [sys.executable, "-c", OTHER_DAYS, tmp_path]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    assert said == [f"{days} True 1 2 True ada 0 1" for days in (0, -1, 1)]


def test_the_server_s_own_loop_goes_by_it():
    def start():
        raise BegunError(IOLoop.current().time())

    before = time.monotonic()
    with pytest.raises(BegunError) as begun:
        asyncio.run(ExplorerServer.serve(SimpleNamespace(start=start), print))
    assert before <= begun.value.args[0] <= time.monotonic()


def test_a_loop_of_another_library_keeps_its_clock():
    """One that counts in the time of day would wait for ever for what it wanted to do in two milliseconds."""

    async def wait():
        with pytest.raises(TimeoutError):
            await Event().wait(time.time() + 0.002)

    async def serve():
        use_steady_clock()

    asyncio.run(serve())
    asyncio.run(asyncio.wait_for(wait(), 10))


@needs.POSIX
def test_the_limit_of_files_is_raised_as_far_as_macos_lets_it(monkeypatch):
    import resource

    def setrlimit(_, limits):
        if limits[0] > 24_576:
            raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    assert raise_file_limit() == 24_576


def test_what_is_larger_than_a_login_is_refused_before_it_is_read():
    async def answer():
        server = patient_server(Application(), 0, "127.0.0.1")
        port = next(iter(server._sockets.values())).getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
        line = await asyncio.wait_for(reader.readline(), 10)  # the body, which doesn't come, has twenty
        writer.close()
        server.stop()
        return line

    assert b" 400 " in asyncio.run(answer())


class Large(RequestHandler):
    """Sends as many bytes as are asked for, all at once, and tells the test who went before they were read."""

    async def get(self, name, size):
        self.write(bytes(int(size)))
        await self.flush()

    def on_connection_close(self):
        self.settings["gone"].append(self.path_args[0])


class Reading:
    """A server, and clients who read as they are told, on a clock that the test sets."""

    def __init__(self, monkeypatch):
        monkeypatch.setattr(module, "monotonic", lambda: self.now)
        monkeypatch.setattr(module, "LOOK_SECONDS", 3600.0)  # the test looks
        self.now, self.gone, self._clients = 0.0, [], []

    async def __aenter__(self):
        self._server = patient_server(Application([("/(.)/(.*)", Large)], gone=self.gone), 0, "127.0.0.1")
        self._port = next(iter(self._server._sockets.values())).getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.stop()
        for client in self._clients:
            client.close()
        await self._server.close_all_connections()

    async def ask(self, name, size=8 << 20, ip="127.0.0.1"):
        """Let a client ask for so much; return it once its answer has begun to come."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 15)
        client.bind((ip, 0))
        client.setblocking(False)
        self._clients.append(client)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", self._port))
        await loop.sock_sendall(client, f"GET /{name}/{size} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await loop.sock_recv(client, 100)
        return client

    async def look(self, seconds, **options):
        """Let the server look after so many seconds; return who was sent away."""
        self.now += seconds
        self.gone.clear()
        self._server.look(**options)
        for _ in range(5):
            await asyncio.sleep(0)
        return sorted(self.gone)


async def test_who_reads_on_is_served_to_the_end_and_who_has_stopped_is_ended(monkeypatch):
    async with Reading(monkeypatch) as readers:
        patient, *_ = [await readers.ask(name, size=32 << 20) for name in "abc"]
        assert await readers.look(0) == []
        assert await readers.look(module.READ_SECONDS - 1) == []
        left = 16 << 20  # more than the system keeps
        while left > 0:
            left -= len(await asyncio.get_running_loop().sock_recv(patient, left))
        assert await readers.look(2) == ["b", "c"]
        assert await readers.look(module.READ_SECONDS - 1) == []
        assert await readers.look(2) == ["a"]


async def read_all(client):
    while await asyncio.get_running_loop().sock_recv(client, 1 << 20):
        pass


async def test_what_is_ended_is_dropped_by_the_system_as_well(monkeypatch):
    async with Reading(monkeypatch) as readers:
        client = await readers.ask("a")
        await readers.look(0)
        assert await readers.look(module.READ_SECONDS + 1) == ["a"]
        with pytest.raises(ConnectionResetError):
            await read_all(client)


@needs.PROC
@pytest.mark.parametrize("bound", ["full", "together", "an address", "connections"])
async def test_where_there_is_no_room_the_slow_of_the_address_with_most_waiting_go_first(monkeypatch, bound):
    if bound == "connections":
        monkeypatch.setattr(module, "raise_file_limit", lambda: 8)
    async with Reading(monkeypatch) as readers:
        for name in "abc":
            await readers.ask(name, ip="127.0.0.2")
            await readers.look(0.5)
        await readers.ask("d")
        if bound == "connections":
            await readers.ask("e", size=1)
        assert await readers.look(0) == []
        assert await readers.look(1, is_full=True) == []  # nobody is slow yet
        if bound == "together":
            monkeypatch.setattr(module, "MOST_WAITING", 20 << 20)
        elif bound == "an address":
            monkeypatch.setattr(module, "MOST_WAITING_AN_ADDRESS", 20 << 20)
        options = {"is_full": True} if bound == "full" else {}
        assert await readers.look(2, **options) == ["a", "b"]
