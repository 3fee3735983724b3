"""Who comes in to a class: with a password, over TLS, by other names, or through a hub."""

import asyncio
import json
import re
import shutil
import socket
import ssl
import subprocess
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

import needs
import pytest
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1
from processes import page_config
from thinned import one_in
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from explorer.extensions.classroom import gate
from explorer.extensions.classroom.gate import Tries
from explorer.extensions.classroom.pool import tls_context
from explorer.serve.access import RefusedError

OPENSSL = needs.needs("openssl, to make a certificate", shutil.which("openssl"))


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
