"""Who comes in, and what those read who don't: refusals before anybody else sees a request, and the login.

A name that is not this server's may have been pointed at it, so that a stranger's page counts as one of its own
(DNS rebinding). What another site's page fetches would start a kernel with each image on it. Passwords, tokens and
cookies are Jupyter's, with a page of ours and a bound on guesses.
"""

import socket
from collections import deque
from ipaddress import ip_address
from math import ceil
from time import monotonic
from typing import Any, cast

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.login import LoginFormHandler
from jupyter_server.base.handlers import FileFindHandler
from tornado.escape import url_escape
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest, split_host_and_port
from tornado.routing import Router
from tornado.web import Application, HTTPError, RequestHandler
from voila.static_file_handler import MultiStaticFileHandler

from explorer.figures.palette import PALETTES
from explorer.serve.access import Access, is_loopback

METHODS = ("GET", "POST", "DELETE")

FOREIGN_HOST = (
    "This server does not answer to the name “{}”. Whoever runs it can allow the name: --allow-host {}"
)
CROSS_SITE = "A page of another site has asked for this. Open it in a window of its own."
NO_PAGE = "The address leads nowhere: it may be mistyped, or only a part of a link."
NO_TARGET = "The address to open after the login is not valid."
NO_METHOD = "The server answers GET, POST and DELETE alone."

MOST_TRIES, TRIES_SECONDS = 20, 60.0  # so many logins of one address may fail in this time


class RefusalHandler(RequestHandler):
    """Says in a page of ours why there is no other."""

    def initialize(self, status: int = 404, reason: str = NO_PAGE) -> None:
        """Take the HTTP status code, and one sentence for whoever asked."""
        self._status, self._why = status, reason

    def set_default_headers(self) -> None:
        """Set the headers that all of the server's answers have."""
        for name, value in self.settings.get("headers", {}).items():
            self.set_header(name, value)

    def prepare(self) -> None:
        """Refuse, whatever the method."""
        raise HTTPError(self._status)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Write the page; a method that tornado does not know comes here by itself."""
        _write_refusal(self, status_code, NO_METHOD if status_code == 405 else self._why)


class _Files(RequestHandler):
    """Refuses in a page of ours what is no file."""

    def write_error(self, status_code: int, **_: Any) -> None:
        """Say that there is no such file; Voilà takes one that is in none of the folders for forbidden."""
        status = 404 if status_code == 403 else status_code
        self.set_status(status)
        _write_refusal(self, status, NO_PAGE)


class FilesHandler(_Files, MultiStaticFileHandler):
    """Sends files of several folders."""


class ExtensionHandler(_Files, FileFindHandler):
    """Sends files of JupyterLab's extensions."""


def _write_refusal(handler: RequestHandler, status: int, reason: str) -> None:
    """Finish a request with the page that says in one sentence why there is no other."""
    if status == 405:
        handler.set_header("Allow", ", ".join(METHODS))
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    page = handler.settings["voila_jinja2_env"].get_template("refusal.html")
    values = {"base_url": handler.settings["base_url"], "theme": theme_shown(handler), "status": status}
    handler.finish(page.render(reason=reason, **values))


class Gate(Router):
    """Leads each request to its handler, unless it may not come in."""

    def __init__(self, app: Application, ip: str, access: Access) -> None:
        self._app, self._access = app, access
        self._is_loopback = is_loopback(ip)
        self._names = {"localhost", *access.names}
        if not self._is_loopback:
            own = socket.gethostname().lower()
            self._names |= {own, own.partition(".")[0] + ".local", ip.lower()}

    def find_handler(self, request: HTTPServerRequest, **_: Any) -> HTTPMessageDelegate | None:
        """Return what reads the request and answers it."""
        if refusal := self._refusal(request):
            status, reason = refusal
            return self._app.get_handler_delegate(
                request, RefusalHandler, {"status": status, "reason": reason}
            )
        return self._app.find_handler(request)

    def _refusal(self, request: HTTPServerRequest) -> tuple[int, str] | None:
        name, _ = split_host_and_port(request.host.lower())
        if not self._is_own(name):
            return 403, FOREIGN_HOST.format(name, name)
        if request.method not in METHODS:
            return 405, NO_METHOD
        if not _is_for_itself(request):
            return 403, CROSS_SITE
        # A hub's proxy asks nobody to log in who says that this is to be a socket.
        is_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        is_lost = "%00" in request.path or (is_socket and not request.path.endswith("/channels"))
        return (404, NO_PAGE) if is_lost else None

    def _is_own(self, name: str) -> bool:
        """Return whether a browser may call this server so; unlike a name, no address can be pointed here."""
        if self._access.is_in_hub:
            return True  # the hub's proxy passes its own name on
        try:
            address = ip_address(name.strip("[]"))
        except ValueError:
            return name.rstrip(".") in self._names
        return address.is_loopback or not self._is_loopback or name in self._names


def _is_for_itself(request: HTTPServerRequest) -> bool:
    """Return whether a request is not part of another site's page: browsers say what they fetch, and for whom."""
    headers = request.headers
    if headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}:
        return True
    is_page = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    return is_page and request.method == "GET"


def theme_shown(handler: RequestHandler) -> str | None:
    """Return the theme that this browser's last page had, None where it has had none."""
    shown = handler.get_cookie("explorer-theme")
    return shown if shown in PALETTES else None


class Tries:
    """Counts failed logins, so that nobody guesses a password: of one address, `most` may fail in `seconds`."""

    def __init__(self, most: int = MOST_TRIES, seconds: float = TRIES_SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._failed: deque[tuple[float, str]] = deque()

    def note(self, address: str) -> None:
        """Count a login from `address` that failed."""
        self._failed.append((monotonic(), address))

    def seconds_to_wait(self, address: str) -> float:
        """Return how long no login from `address` is looked at; 0 for not at all."""
        now = monotonic()
        while self._failed and self._failed[0][0] <= now - self._seconds:
            self._failed.popleft()
        times = [time for time, found in self._failed if found == address]
        return times[-self._most] + self._seconds - now if len(times) >= self._most else 0.0


class LoginHandler(LoginFormHandler):
    """Asks for the password, or for the token."""

    def initialize(self, tries: Tries, access: Access) -> None:
        """Take what counts the failures, and what may be asked for."""
        self._tries, self._access = tries, access

    def get_template(self, name: str) -> Any:
        """Return a template of ours, which is set in the page's colours."""
        return self.settings["voila_jinja2_env"].get_template(name)

    @property
    def template_namespace(self) -> dict[str, Any]:
        """What a template is given."""
        what = " or ".join(self._access.asked)
        return super().template_namespace | {"what": what, "theme": theme_shown(self)}

    def _redirect_safe(self, url: str, default: str | None = None) -> None:
        """Go on to the address that was asked for before the login."""
        try:
            cast("Any", super())._redirect_safe(url, default)
        except ValueError:  # a line break, or no host
            self.clear()
            self.set_status(400)
            _write_refusal(self, 400, NO_TARGET)

    @allow_unauthenticated
    def post(self) -> None:
        """Let in whoever has the password, unless they have guessed too often."""
        address, jupyters = self.request.remote_ip or "", cast("Any", super())  # whose methods have no types
        if seconds := self._tries.seconds_to_wait(address):
            self.set_status(429)
            self.set_header("Retry-After", str(ceil(seconds)))
            again = url_escape(self.get_argument("next", default=self.base_url))
            self.write(jupyters.render_template("login.html", next=again, seconds=ceil(seconds)))
            return
        jupyters.post()
        if self.get_status() == 401:
            self._tries.note(address)
