"""The page as it comes over HTTP: its beginning at once, the line, and what is left of a page that is gone."""

import asyncio
import json
import re
import subprocess
import sys
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from socket import create_connection
from urllib.request import Request, urlopen

import psutil
import pytest
from processes import kernel_processes
from visitor import Visitor, client_for

from explorer.serve.pages import PLOTLY_SCRIPT


@pytest.fixture(scope="module")
def server(start):
    """A server with one seat."""
    return start("--seats", "1")


@pytest.mark.slow
def test_a_page_begins_before_its_kernel_is_there_which_is_the_only_one(server):
    with closing(HTTPConnection(server.place)) as page:
        page.request("GET", "/")
        answer = page.getresponse()
        first = answer.read1()
        rest = answer.read().decode()
    assert first.startswith(b"<!DOCTYPE html>")
    assert b"kernelId" not in first
    assert (first.decode() + rest).count('<main id="rendered_cells"') == 1  # the opening is sent once
    assert rest.count("kernelId") == 1
    assert "application/vnd.voila.cell-output+json" in rest
    assert len(kernel_processes(server.process.pid)) <= 1


@pytest.mark.slow
def test_who_finds_no_seat_is_told_the_place_in_line_and_keeps_it(server):
    with ExitStack() as opened:
        pages = [opened.enter_context(closing(HTTPConnection(server.place))) for _ in range(4)]
        for page in pages:
            page.request("GET", "/")
        answers = [page.getresponse() for page in pages]
        full = [answer for answer in answers if answer.status == 503]
        assert len(full) >= 2
        places = [place_of(server.place, answer) for answer in full]
        assert places == [place_of(server.place, answer) for answer in full]
    assert {*places} >= {1, 2}


def place_of(address, answer):
    """The place in line that an answer and its browser's next question say."""
    assert answer.headers["Retry-After"] == "5"
    cookies = "; ".join(line.partition(";")[0] for line in answer.headers.get_all("Set-Cookie"))
    with urlopen(Request(f"http://{address}/explorer/place", headers={"Cookie": cookies})) as said:
        found = json.load(said)
    assert found["words"] in (answer.read().decode() or found["words"])
    return found["place"]


@pytest.mark.slow
def test_who_asks_for_plotly_s_script_and_never_reads_takes_no_memory_and_keeps_nobody_out(server):
    address, process = server.place, server.process
    host, _, port = address.partition(":")
    with closing(HTTPConnection(address)) as reader, ExitStack() as opened:

        def read(path):
            reader.request("GET", path)
            return reader.getresponse().read()

        size, before = len(read(f"/{PLOTLY_SCRIPT}")), megabytes(process.pid)
        assert size > 4 << 20
        for _ in range(60):
            client = opened.enter_context(create_connection((host, int(port))))
            client.sendall(f"GET /{PLOTLY_SCRIPT} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
            assert client.recv(8) == b"HTTP/1.1"
        assert len(read(f"/{PLOTLY_SCRIPT}")) == size
        assert megabytes(process.pid) - before < 30  # one copy for each would be 280
        assert b"place" in read("/explorer/place")


def megabytes(pid):
    return psutil.Process(pid).memory_info().rss >> 20


SHORT = """
from explorer.extensions.classroom import kernels as seats
from explorer.serve.command import main
seats.FETCHED_SECONDS = seats.LEFT_SECONDS = 6.0
main(["--no-browser", "--port", "0", "--seats", "2"])
"""


@pytest.mark.long
def test_a_kernel_whose_page_is_gone_without_a_word_ends_also_while_it_trains():
    with subprocess.Popen([sys.executable, "-c", SHORT], stdout=subprocess.PIPE, text=True) as process:
        url = re.search(r"http://\S+", process.stdout.readline()).group()
        try:
            asyncio.run(asyncio.wait_for(come_and_vanish(url), 60))
        finally:
            process.terminate()


async def come_and_vanish(url):
    client = client_for(10)
    visitor = Visitor(client, url)
    await visitor.open()
    await visitor.train()
    page = await client.fetch(url, request_timeout=60)  # never connects
    fetched = re.search('"kernelId": "([^"]+)"', page.body.decode()).group(1)
    visitor.vanish()
    for kernel in (fetched, visitor.kernel):
        while (await client.fetch(f"{url}api/kernels/{kernel}", raise_error=False)).code != 404:
            await asyncio.sleep(0.2)
    client.close()
