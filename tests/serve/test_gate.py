"""What a server lets in, and what it says to everything else."""

import asyncio
import json
import logging
import re
import shutil
import socket
import ssl
import subprocess
from types import SimpleNamespace
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

import needs
import pytest
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1
from thinned import one_in
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.websocket import websocket_connect

from explorer.serve import gate
from explorer.serve.access import Access, RefusedError, tls_context
from explorer.serve.environment import TerminalFormatter, configure_log
from explorer.serve.gate import Gate, Tries
from explorer.serve.server import ExplorerServer

from .conftest import page_config

OPENSSL = needs.needs("openssl, to make a certificate", shutil.which("openssl"))
PAGE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def refusal(ip="127.0.0.1", method="GET", path="/", access=Access(), **headers):  # noqa: B008  # frozen
    """What a request is refused with; nothing if it comes in."""
    app = SimpleNamespace(
        get_handler_delegate=lambda _, __, said: (said["status"], said["reason"]), find_handler=lambda _: None
    )
    names = {name.replace("_", "-"): value for name, value in {"Host": "localhost", **headers}.items()}
    connection, line = SimpleNamespace(context=None), RequestStartLine(method, path, "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=HTTPHeaders(names), connection=connection)
    return Gate(app, ip, access).find_handler(request)


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
    assert refusal("0.0.0.0", Host=host, access=Access(names=(host,))) is None
    assert refusal(Host=host, access=Access(is_in_hub=True)) is None


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


def test_tries_are_counted_by_address_for_a_while(monkeypatch):
    time = [0.0]
    monkeypatch.setattr(gate, "monotonic", lambda: time[0])
    tries = Tries(most=2, seconds=60)
    for _ in range(2):
        assert tries.seconds_to_wait("a") == 0
        tries.note("a")
        time[0] += 10
    assert (tries.seconds_to_wait("a"), tries.seconds_to_wait("b")) == (40, 0)
    time[0] = 60
    assert tries.seconds_to_wait("a") == 0
    tries.note("a")
    assert tries.seconds_to_wait("a") == 10


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


WORD, TOKEN = "correct horse", "a-token-of-our-own"
OPTIONS = ["--base-url=/class/", f"--token={TOKEN}", "--ip=0.0.0.0", "--allow-host=nn.example.org"]


@pytest.fixture(scope="module")
def protected(start):
    return start(*OPTIONS, EXPLORER_PASSWORD=WORD)


def cookies(headers):
    """The cookies that an answer sets, as the next request names them."""
    return "; ".join(one.partition(";")[0] for one in headers.get_all("Set-Cookie"))


def log_in(server, word, path="login", **headers):
    _, form, page = server.ask(f"/class/{path}")
    xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page).group(1)
    headers |= {"Content_Type": "application/x-www-form-urlencoded", "Cookie": cookies(form)}
    return server.ask(f"/class/{path}", "POST", f"_xsrf={quote(xsrf)}&password={quote(word)}", **headers)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *((method, "/class/", 405) for method in ("HEAD", "TRACE", "PUT", "BREW")),
        *(("GET", f"/{path}", 404) for path in ("", "%00", "typo", "login", "class/typo", "class/%00", "class//")),
        *(("GET", f"/class/{path}", 404) for path in ("voila/static/%00", "voila/static/no.js", "../x")),
        *(("GET", f"/class/voila/{path}", 404) for path in ("templates/x", "files/x", "query/a-b-c-d-e")),
        *(("GET", f"/class/voila/{path}/%00", 404) for path in ("labextensions", "api/themes")),
        *(("GET", f"/class/voila/labextensions/{path}", 404) for path in ("", "x.js", "anywidget/static/x.js")),
        *(("GET", f"/class/explorer/{path}", 404) for path in ("parts/x.js", "plotly/x", "voila/0/voila.js")),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_in_a_page_of_ours(protected, method, path, status):
    found, headers, page = protected.ask(path, method)
    assert found == status
    if method != "HEAD":
        assert "Neural network explorer" in page
        assert 'href="/class/"' in page
    assert headers.get("Allow") == ("GET, POST, DELETE" if status == 405 else None)


@pytest.mark.slow
def test_who_calls_it_by_a_foreign_name_reads_why(protected):
    status, headers, page = protected.ask("/class/", Host="evil.example")
    assert status == 403
    assert "--allow-host evil.example" in page
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert protected.ask("/class/login", Host="nn.example.org")[0] == 200


@pytest.mark.slow
def test_nobody_comes_in_without_the_password(protected):
    status, headers, _ = protected.ask("/class/?hidden=8")
    assert (status, headers["Location"]) == (302, "/class/login?next=%2Fclass%2F%3Fhidden%3D8")
    assert "Path=/class/" in protected.ask("/class/login")[1]["Set-Cookie"]
    status, headers, _ = protected.ask("/class/logout")
    assert (status, headers["Location"]) == (302, "/class/login")
    assert "username-" in headers["Set-Cookie"]
    for path in ("", "login", "logout", "explorer/place", "voila/api/shutdown/1"):
        assert protected.ask(f"/class/{path}", "POST", b"")[0] == 403
    kernel = "/class/api/kernels/00000000-0000-0000-0000-000000000000"
    assert protected.ask(kernel)[0] == protected.ask(kernel, "DELETE")[0] == 403
    with pytest.raises(HTTPClientError, match="403"):
        asyncio.run(connect(protected, f"{kernel}/channels?session_id=1"))


async def connect(server, path, message=None, **headers):
    """Open a socket, say something and hear the server's goodbye."""
    request = HTTPRequest(f"ws://{server.place}{path}", headers=headers)
    opened = await websocket_connect(request, subprotocols=["v1.kernel.websocket.jupyter.org"])
    if message is not None:
        await opened.write_message(message, binary=True)
    opened.close()
    while await opened.read_message() is not None:
        pass


@pytest.mark.slow
@pytest.mark.parametrize("word", [WORD, TOKEN])
def test_password_and_token_let_in_for_the_settings_that_were_asked_for(protected, word):
    status, headers, _ = log_in(protected, word, "login?next=%2Fclass%2F%3Fhidden%3D8")
    assert (status, headers["Location"]) == (302, "/class/?hidden=8")
    cookie = headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "Path=/class/", "SameSite=Lax"))
    assert WORD not in cookie


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "target"),
    one_in(3, [
        (302, "//evil.example/"), (302, "https://evil.example/"), (302, "/elsewhere"),
        (302, "/class/%5C%5C/../.."), (400, "http://[::1"), (400, "//["),
        (400, "http://\u2100.com/"), (400, "/class/\nx"), (400, "/class/\x7f"),
    ]),
)  # fmt: skip
def test_a_login_leads_nowhere_else_or_says_that_there_is_no_such_address(protected, target, status):
    found, headers, page = log_in(protected, WORD, f"login?next={quote(target, safe='')}")
    assert found == status
    assert headers.get("Location", "").startswith("/class/" if status == 302 else "")
    assert ("Location" in headers, "login is not valid" in page) == (status == 302, status == 400)


@pytest.mark.slow
def test_a_link_with_the_token_goes_on_without_it(protected):
    status, headers, _ = protected.ask(f"/class/?hidden=8&token={TOKEN}&theme=dark")
    assert (status, headers["Location"]) == (302, "/class/?hidden=8&theme=dark")
    assert "Path=/class/" in headers["Set-Cookie"]
    assert protected.ask("/class/?token=another")[1]["Location"].startswith("/class/login?")


@pytest.mark.slow
def test_all_that_the_page_names_lies_under_the_path(protected):
    _, headers, _ = protected.ask(f"/class/?token={TOKEN}")
    cookie = cookies(headers)
    page = protected.ask("/class/", Cookie=cookie)[2]
    assert page.count("application/vnd.voila.cell-output+json") == 1
    config = page_config(page)
    assert config["baseUrl"] == "/class/"
    addresses = {*re.findall(r'(?:href|src)="([^"]+)"', page)}
    assert len(addresses) > 10
    for address in addresses:
        assert address.startswith("/class/")
        assert protected.ask(address)[0] == 200, address
    say_something_forged(protected, config["kernelId"], cookie)


def say_something_forged(server, kernel, cookie):
    """What the server then logs is looked at when it has ended, below."""
    header = {"msg_id": "1", "msg_type": "\x1b[31m\nERROR: forged", "session": "1", "username": ""}
    header |= {"version": "5.3"}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": {}, "buffers": []}
    message = serialize_msg_to_ws_v1(message, "shell", lambda part: json.dumps(part).encode())
    path = f"/class/api/kernels/{kernel}/channels?session_id=1"
    asyncio.run(connect(server, path, message, Cookie=cookie))


@pytest.mark.slow
def test_a_silent_client_keeps_nobody_out_and_a_body_beyond_a_login_s_is_refused(protected):
    parts = urlsplit(protected.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
        client.sendall(b"POST /class/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n")
        assert protected.ask("/class/login")[0] == 200
        client.sendall(b"\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")  # before the body, which doesn't come


@pytest.mark.long
def test_whoever_guesses_has_to_wait_even_with_the_right_word_at_last(protected):
    for _ in range(20):
        status, _, page = log_in(protected, "guess")
        assert status == 401
        assert "That is not the password or token." in page
    status, headers, page = log_in(protected, WORD)
    assert (status, "Too many attempts" in page, "Set-Cookie" in headers) == (429, True, False)
    assert 0 < int(headers["Retry-After"]) <= 60


@pytest.mark.slow
def test_of_all_that_the_log_tells_what_somebody_may_have_to_know(protected):
    code, out, err = protected.end()
    assert (code, out) == (0, "")
    port = urlsplit(protected.url).port
    assert f":{port}/class/: everybody who has the password or the token can use it." in err
    said = {line.partition(" to ")[0] for line in err.splitlines()[1:] if "Couldn't authenticate" not in line}
    assert said == {
        "WARNING: Not allowing login redirect",
        "WARNING: A page's socket was closed: it sent a type of message that a page has no use for.",
    }, err


@pytest.mark.long
def test_in_a_hub_a_socket_needs_the_page_s_own_cookie(start):
    server = start(JUPYTERHUB_SERVICE_PREFIX="/user/ada/")
    assert urlsplit(server.url).path == "/user/ada/"
    _, headers, page = server.ask("/user/ada/", Host="hub.example.org")
    kernel = page_config(page)["kernelId"]
    path, host = f"/user/ada/api/kernels/{kernel}/channels?session_id=1", {"Host": "hub.example.org"}
    for wrong in ("", "_xsrf=1", cookies(headers).replace("=", "=2|1:0|")):
        with pytest.raises(HTTPClientError, match="403") as refused:
            asyncio.run(connect(server, path, **host, Cookie=wrong))
        assert "Set-Cookie" not in refused.value.response.headers
    asyncio.run(connect(server, path, **host, Cookie=cookies(headers)))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for this computer alone, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    key, file = folder / "key.pem", folder / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    command += f" -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout {key} -out {file}"
    subprocess.run(command.split(), check=True, capture_output=True)
    return file, key


@OPENSSL
def test_a_certificate_is_looked_at_before_the_start(certificate, tmp_path):
    file, key = certificate
    assert tls_context(file, key)
    for wrong in ((tmp_path / "none", None), (file, None), (key, file)):
        with pytest.raises(RefusedError, match="certificate can't be used"):
            tls_context(*wrong)


@pytest.mark.long
@OPENSSL
def test_over_tls_the_page_comes_whole(start, certificate):
    file, key = certificate
    address = start("--certfile", str(file), "--keyfile", str(key)).url.replace("127.0.0.1", "localhost")
    assert address.startswith("https://localhost:")
    with urlopen(address, timeout=60, context=ssl.create_default_context(cafile=file)) as answer:
        page = answer.read().decode()
        assert "Secure" in answer.headers["Set-Cookie"]
    assert page.count("application/vnd.voila.cell-output+json") == 1
