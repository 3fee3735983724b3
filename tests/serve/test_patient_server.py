"""Clients that say nothing, and more of them than the server has files for, keep nobody else out for long."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import needs
import pytest

FILES, CLIENTS = 64, 100

SERVER = f"""
import asyncio, resource
from tornado.web import Application, RequestHandler
from explorer.serve import patient_server

class Answer(RequestHandler):
    def get(self):
        self.finish(str(sum(resource.getrusage(resource.RUSAGE_SELF)[:2])))

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
            return float(page.read())

    cpu, begun = answer(), time.monotonic()
    silent = [socket.create_connection(address) for _ in range(CLIENTS)]
    for client in silent:
        client.sendall(b"GET / HTTP/1.1\r\nHost:")
    cpu = answer() - cpu  # it came last, and is served when those before it were sent away
    assert time.monotonic() - begun > 1
    assert cpu < 0.5
    for client in silent:
        client.close()
    server.terminate()
    assert server.stderr.read().splitlines() == ["No new visitor can connect for now: Too many open files."]
