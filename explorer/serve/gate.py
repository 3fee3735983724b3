"""Access control: requests are refused before any other handler sees them.

A foreign host name may have been pointed at this server, so that a stranger's page has the same origin (DNS
rebinding). Cross-site requests would start a kernel with each image. Tokens and cookies are Jupyter's.
"""

import socket
from ipaddress import ip_address
from typing import Any

from jupyter_server.base.handlers import FileFindHandler
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest, split_host_and_port
from tornado.routing import Router
from tornado.web import Application, HTTPError, RequestHandler

from explorer.figures.palette import PALETTES
from explorer.serve.access import is_loopback

METHODS = ("GET", "POST", "DELETE")

FOREIGN_HOST = (
    "This server does not answer to the name “{}”. Whoever runs it can allow the name: --allow-host {}"
)
CROSS_SITE = "A page of another site has asked for this. Open it in a window of its own."
NO_PAGE = "The address leads nowhere: it may be mistyped, or only a part of a link."
NO_TOKEN = "Only its token opens this page: use the address that its terminal or its owner has."
NO_METHOD = "The server answers GET, POST and DELETE alone."


class PlainHandler(RequestHandler):
    """A handler that is not Jupyter's, with the headers that all of the server's responses have."""

    def set_default_headers(self) -> None:
        """Set the headers."""
        for name, value in self.settings.get("headers", {}).items():
            self.set_header(name, value)


class RefusalHandler(PlainHandler):
    """Sends an error page with the explorer's design that gives the reason."""

    def initialize(self, status: int = 404, reason: str = NO_PAGE) -> None:
        """Set the HTTP status code and the reason, one sentence for the user."""
        self._status, self._why = status, reason

    def prepare(self) -> None:
        """Refuse the request, whatever its method."""
        raise HTTPError(self._status)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Write the page; tornado calls this directly for methods that it doesn't know."""
        write_refusal(self, status_code, NO_METHOD if status_code == 405 else self._why)


class FilesHandler(PlainHandler, FileFindHandler):
    """Serves files of the page's templates and of JupyterLab's extensions."""

    def write_error(self, status_code: int, **_: Any) -> None:
        """Report that there is no such file, also for one that is in none of the folders."""
        status = 404 if status_code == 403 else status_code
        self.set_status(status)
        write_refusal(self, status, NO_PAGE)


def write_refusal(handler: RequestHandler, status: int, reason: str) -> None:
    """Finish the response with an error page that gives the reason, one sentence."""
    if status == 405:
        handler.set_header("Allow", ", ".join(METHODS))
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    page = handler.settings["voila_jinja2_env"].get_template("refusal.html")
    values = {"base_url": handler.settings["base_url"], "theme": theme_shown(handler), "status": status}
    handler.finish(page.render(reason=reason, **values))


class Gate(Router):
    """Routes each request to its handler, unless it is refused."""

    def __init__(self, app: Application, ip: str) -> None:
        self._app, self._is_loopback = app, is_loopback(ip)
        self._names = {"localhost"}
        if not self._is_loopback:
            own = socket.gethostname().lower()
            self._names |= {own, own.partition(".")[0] + ".local", ip.lower()}

    def find_handler(self, request: HTTPServerRequest, **_: Any) -> HTTPMessageDelegate | None:
        """Return the delegate that reads the request and responds."""
        if refusal := self._refusal(request):
            given = dict(zip(("status", "reason"), refusal, strict=True))
            return self._app.get_handler_delegate(request, RefusalHandler, given)
        return self._app.find_handler(request)

    def _refusal(self, request: HTTPServerRequest) -> tuple[int, str] | None:
        name, _ = split_host_and_port(request.host.lower())
        if not self.is_own(name):
            return 403, FOREIGN_HOST.format(name, name)
        if request.method not in METHODS:
            return 405, NO_METHOD
        if not _is_for_itself(request):
            return 403, CROSS_SITE
        # A JupyterHub's proxy asks for no login if a request claims to open a WebSocket.
        is_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        is_lost = "%00" in request.path or (is_socket and not request.path.endswith("/channels"))
        return (404, NO_PAGE) if is_lost else None

    def is_own(self, name: str) -> bool:
        """Return whether a host name is this server's, in lower case and without a port."""
        try:  # names can be rebound, addresses can't
            address = ip_address(name.strip("[]"))
        except ValueError:
            return name.rstrip(".") in self._names
        return address.is_loopback or not self._is_loopback or name in self._names


def _is_for_itself(request: HTTPServerRequest) -> bool:
    """Return whether a request is not a cross-site one, by the Sec-Fetch headers that browsers send."""
    headers = request.headers
    if headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}:
        return True
    is_page = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    return is_page and request.method == "GET"


def theme_shown(handler: RequestHandler) -> str | None:
    """Return the theme of the last page that this browser showed, None if there was none."""
    shown = handler.get_cookie("explorer-theme")
    return shown if shown in PALETTES else None
