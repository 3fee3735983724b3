"""What the server refuses before anybody else sees it, and the page that says so.

A name that is not this server's may have been pointed at it, so that a stranger's page counts as one of its own
(DNS rebinding). What another site's page fetches would start a kernel with each image on it.
"""

import socket
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest, split_host_and_port
from tornado.routing import Router
from tornado.web import Application, HTTPError, RequestHandler
from voila.static_file_handler import MultiStaticFileHandler

from explorer.figures.palette import PALETTES
from explorer.serve.access import Access, is_loopback

__all__ = ["Door", "FilesHandler", "RefusalHandler", "theme_shown", "write_refusal"]

METHODS = ("GET", "POST", "DELETE")

TITLES = MappingProxyType({403: "This is not open to you", 405: "That can’t be done here"})
NO_TITLE = "There is no such page"

FOREIGN_HOST = (
    "This server does not answer to the name “{}”. Whoever runs it can allow the name: --allow-host {}"
)
CROSS_SITE = "A page of another site has asked for this. Open it in a window of its own."
NO_PAGE = "The address leads nowhere: it may be mistyped, or only a part of a link."
NO_METHOD = "The server answers GET, POST and DELETE alone."


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
        write_refusal(self, status_code, NO_METHOD if status_code == 405 else self._why)


class FilesHandler(MultiStaticFileHandler):
    """Sends files of several folders."""

    def write_error(self, status_code: int, **_: Any) -> None:
        """Say that there is no such file; Voilà takes one that is in none of the folders for forbidden."""
        status = 404 if status_code == 403 else status_code
        self.set_status(status)
        write_refusal(self, status, NO_PAGE)


def write_refusal(handler: RequestHandler, status: int, reason: str) -> None:
    """Finish a request with the page that says in one sentence why there is no other."""
    if status == 405:
        handler.set_header("Allow", ", ".join(METHODS))
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    page = handler.settings["voila_jinja2_env"].get_template("refusal.html")
    values = {"base_url": handler.settings["base_url"], "theme": theme_shown(handler), "status": status}
    handler.finish(page.render(title=TITLES.get(status, NO_TITLE), reason=reason, **values))


class Door(Router):
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
