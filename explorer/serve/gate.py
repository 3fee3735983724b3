"""Access control: requests are refused before any other handler sees them.

A foreign host name may have been pointed at this server, so that a stranger's page has the same origin (DNS
rebinding). Cross-site requests would start a kernel with each image. Tokens and cookies are Jupyter's. Those who
may open the page also get what extensions answer, at ``/x/<extension>/<path>``.
"""

import re
import socket
from asyncio import wrap_future
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from ipaddress import ip_address
from threading import Thread
from typing import Any

from jupyter_server.base.handlers import FileFindHandler, JupyterHandler
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest, split_host_and_port
from tornado.routing import Router
from tornado.web import Application, HTTPError, RequestHandler, authenticated

from explorer.discovery import ExtensionError, Offer
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
        for name, value in self.settings.get("headers", {}).items():
            self.set_header(name, value)


class RefusalHandler(PlainHandler):
    """Sends an error page with the explorer's design that gives the reason."""

    def initialize(self, status: int = 404, reason: str = NO_PAGE) -> None:
        self._status, self._why = status, reason

    def prepare(self) -> None:
        raise HTTPError(self._status)

    def write_error(self, status_code: int, **_: Any) -> None:
        # tornado calls this directly for methods that it doesn't know
        write_refusal(self, status_code, NO_METHOD if status_code == 405 else self._why)


class FilesHandler(PlainHandler, FileFindHandler):
    """Serves files of the page's templates and of JupyterLab's extensions."""

    def write_error(self, status_code: int, **_: Any) -> None:
        status = 404 if status_code == 403 else status_code  # in none of the folders
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
        if refusal := self._refusal(request):
            return self._app.get_handler_delegate(request, RefusalHandler, refusal)
        return self._app.find_handler(request)

    def _refusal(self, request: HTTPServerRequest) -> dict[str, Any]:
        name, _ = split_host_and_port(request.host.lower())
        if not self.is_own(name):
            return {"status": 403, "reason": FOREIGN_HOST.format(name, name)}
        if request.method not in METHODS:
            return {"status": 405, "reason": NO_METHOD}
        headers = request.headers
        is_page = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
        is_own = headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}
        if not is_own and not (is_page and request.method == "GET"):
            return {"status": 403, "reason": CROSS_SITE}
        # A JupyterHub's proxy asks for no login if a request claims to open a WebSocket.
        is_socket = headers.get("Upgrade", "").lower() == "websocket"
        is_lost = "%00" in request.path or (is_socket and not request.path.endswith("/channels"))
        return {"status": 404, "reason": NO_PAGE} if is_lost else {}

    def is_own(self, name: str) -> bool:
        """Return whether a host name is this server's, in lower case and without a port."""
        try:  # names can be rebound, addresses can't
            address = ip_address(name.strip("[]"))
        except ValueError:
            return name.rstrip(".") in self._names
        return address.is_loopback or not self._is_loopback or name in self._names


def theme_shown(handler: RequestHandler) -> str | None:
    """Return the theme of the last page that this browser showed, None if there was none."""
    shown = handler.get_cookie("explorer-theme")
    return shown if shown in PALETTES else None


class RouteHandler(JupyterHandler):
    """Sends what an extension answers, to those who may open the page."""

    def initialize(self, route: Offer) -> None:
        self._route = route

    @authenticated
    async def get(self) -> None:
        """Send the answer, or a page that says why there is none."""
        names = self.request.query_arguments.keys() - {"token"}  # which is for the server alone
        query = {name: self.get_query_argument(name) for name in names}
        self.set_header("Cache-Control", "no-store")
        try:
            media_type, content = await wrap_future(in_thread(partial(answered, self._route, query)))
        except ExtensionError as error:
            self.set_status(500)
            write_refusal(self, 500, str(error))
        else:
            self.set_header("Content-Type", media_type)
            self.finish(content)

    def write_error(self, status_code: int, **_: Any) -> None:
        write_refusal(self, status_code, "The address can't be read.")


def answered(route: Offer, query: Mapping[str, str]) -> tuple[str, bytes]:
    """Return the media type and the content that an extension answers; raises `ExtensionError` if it fails."""
    answer = route.call(route.what.answer, query)
    with route.explaining_errors():
        media_type, content = answer
        if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", media_type, re.ASCII):
            raise ValueError(f"{media_type!r} is no media type")
        is_text = isinstance(content, str)
        made = content.encode() if is_text else bytes(memoryview(content))
    return media_type + ("; charset=utf-8" if is_text else ""), made


def in_thread(function: Callable[[], Any]) -> Future[Any]:
    """Call a function in a thread that nobody waits for when the process ends, and return its future result."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()  # so that only the thread sets it

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001  # it is raised where the result is awaited
            future.set_exception(error)

    Thread(target=work, daemon=True).start()
    return future
