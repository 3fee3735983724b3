"""What a server lets in, and what it says to everything else."""

import logging
from functools import partial
from types import SimpleNamespace

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from explorer.extensions.classroom.gate import ClassGate
from explorer.extensions.classroom.pool import ClassAccess
from explorer.serve.environment import TerminalFormatter, configure_log
from explorer.serve.gate import Gate
from explorer.serve.server import ExplorerServer

PAGE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def refusal(ip="127.0.0.1", method="GET", path="/", kind=Gate, **headers):
    """What a request is refused with; nothing if it comes in."""
    app = SimpleNamespace(
        get_handler_delegate=lambda _, __, said: (said["status"], said["reason"]), find_handler=lambda _: None
    )
    names = {name.replace("_", "-"): value for name, value in {"Host": "localhost", **headers}.items()}
    connection, line = SimpleNamespace(context=None), RequestStartLine(method, path, "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=HTTPHeaders(names), connection=connection)
    return kind(app, ip).find_handler(request)


@pytest.fixture(autouse=True)
def _name(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "Desk.lan")


OWN = ["localhost", "127.0.0.1:8866", "[::1]:8866", "LOCALHOST:1", "localhost."]


@pytest.mark.parametrize("host", OWN)
def test_this_computer_answers_to_its_own_names(host):
    assert refusal(Host=host) is refusal("0.0.0.0", Host=host) is None


@pytest.mark.parametrize(
    "host", ["desk.lan", "desk.local:8866", "192.168.1.2", "[fe80::1]:8866", "203.0.113.9"]
)
def test_a_network_reaches_it_by_its_name_and_addresses(host):
    assert refusal("0.0.0.0", Host=host) is None
    assert refusal(Host=host)[0] == 403


FOREIGN = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "2130706433", "-"]


@pytest.mark.parametrize("host", FOREIGN)
def test_a_name_that_was_pointed_at_it_is_foreign(host):
    for ip in ("127.0.0.1", "0.0.0.0", "::", "192.168.1.2"):
        status, reason = refusal(ip, Host=f"{host}:8866")
        assert (status, f"--allow-host {host}" in reason) == (403, True)
    for access in (ClassAccess(names=(host,)), ClassAccess(is_in_hub=True)):
        assert refusal(Host=host, kind=partial(ClassGate, access=access)) is None


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_s_page_can_link_here_and_nothing_else(site):
    assert refusal(Sec_Fetch_Site=site, **PAGE) is None
    frame, post = {**PAGE, "Sec-Fetch-Dest": "iframe"}, {**PAGE, "method": "POST"}
    for wrong in ({}, {"Sec-Fetch-Dest": "image"}, frame, post):
        assert refusal(Sec_Fetch_Site=site, **wrong)[0] == 403
    for own in ("same-origin", "none"):
        assert refusal(Sec_Fetch_Site=own) is None


@pytest.mark.parametrize("method", ["HEAD", "TRACE", "OPTIONS", "PUT", "PATCH", "CONNECT", "\x1b"])
def test_three_methods_are_answered(method):
    assert refusal(method=method)[0] == 405


def test_only_a_kernels_address_becomes_a_socket():
    assert refusal(Upgrade="websocket", path="/api/kernels/1/channels") is None
    assert refusal(Upgrade="WebSocket", path="/")[0] == 404


def test_a_log_line_is_one_and_moves_no_cursor():
    evil = "a\x1b[2J\r\nERROR: \x9b\u202eb\tc"
    record = logging.LogRecord("x", logging.WARNING, "", 0, "type %s", (evil,), None)
    said = TerminalFormatter("%(levelname)s: %(message)s").format(record)
    assert said == "WARNING: type a\\x1b[2J\\r\n    ERROR: \\x9b\\u202eb\tc"


def test_what_the_server_and_its_packages_log_is_written_so(monkeypatch):
    monkeypatch.setattr(logging.lastResort, "formatter", None)
    configure_log()
    ours = ExplorerServer.__new__(ExplorerServer).log.handlers
    formatters = [logging.lastResort.formatter, *(handler.formatter for handler in ours)]
    assert [type(one) for one in formatters] == [TerminalFormatter] * 2


@pytest.mark.long
def test_one_visitor_s_page_opens_with_its_token_alone_and_says_so(start):
    token = "a-token-of-our-own"
    server = start("--extensions=none", f"--token={token}")
    assert server.ask("/")[1]["Location"].startswith("/login?")
    status, _, page = server.ask("/login")
    assert (status, "Only its token opens this page" in page) == (403, True)
    status, headers, _ = server.ask(f"/?token={token}")
    assert (status, headers["Location"]) == (302, "/")
    cookie = "; ".join(one.partition(";")[0] for one in headers.get_all("Set-Cookie"))
    assert "cell-output+json" in server.ask("/", Cookie=cookie)[2]
    assert server.ask("/", Cookie=cookie, Host="evil.example")[0] == 403
    assert server.ask("/", Cookie=cookie, Sec_Fetch_Site="cross-site")[0] == 403
