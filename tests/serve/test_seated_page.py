"""The page as it comes over HTTP: its beginning at once, the line, and a link that nobody looks at."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from urllib.request import Request, urlopen

import pytest

from explorer.serve.seats import PAUSED_SECONDS


@pytest.fixture(scope="module")
def server():
    """The address of a server with two seats."""
    command = [sys.executable, "-m", "explorer", "--no-browser", "--port", "0", "--seats", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield re.search(r"//(\S+)/", process.stdout.readline()).group(1)
        process.terminate()


def activity_of(kernel):
    """When a kernel last said something."""
    with urlopen(kernel) as answer:
        return json.load(answer)["last_activity"]


@pytest.mark.slow
def test_a_page_begins_before_its_kernel_is_there_and_a_link_without_a_page_trains_nothing(server):
    address = server
    with closing(HTTPConnection(address)) as page:
        page.request("GET", "/?hidden=8&batch=32&epochs=500")
        answer = page.getresponse()
        first = answer.read1()
        rest = answer.read().decode()
    assert first.startswith(b"<!DOCTYPE html>")
    assert b"kernelId" not in first
    assert rest.count("kernelId") == 1
    assert "application/vnd.voila.cell-output+json" in rest
    kernel = f"http://{address}/api/kernels/" + re.search('"kernelId": "([^"]+)"', rest).group(1)
    deadline = time.monotonic() + PAUSED_SECONDS * 0.7  # until a run would be paused
    before, now = None, activity_of(kernel)
    while before != now:  # what a run tells its page counts as activity
        assert time.monotonic() < deadline
        time.sleep(3)
        before, now = now, activity_of(kernel)


@pytest.mark.slow
def test_who_finds_no_seat_is_told_the_place_in_line_and_keeps_it(server):
    address = server
    with ExitStack() as opened:
        pages = [opened.enter_context(closing(HTTPConnection(address))) for _ in range(4)]
        for page in pages:
            page.request("GET", "/")
        answers = [page.getresponse() for page in pages]
        full = [answer for answer in answers if answer.status == 503]
        assert len(full) >= 2
        places = [place_of(address, answer) for answer in full]
        assert places == [place_of(address, answer) for answer in full]
    assert {*places} >= {1, 2}


def place_of(address, answer):
    """The place in line that an answer and its browser's next question say."""
    assert answer.headers["Retry-After"] == "5"
    cookies = "; ".join(line.partition(";")[0] for line in answer.headers.get_all("Set-Cookie"))
    with urlopen(Request(f"http://{address}/explorer/place", headers={"Cookie": cookies})) as said:
        found = json.load(said)
    assert found["words"] in (answer.read().decode() or found["words"])
    return found["place"]
