"""What extensions answer at addresses of their own, ``/x/<extension>/<path>``."""

import re
from asyncio import wrap_future
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from tornado.web import authenticated

from explorer.discovery import ExtensionError, Offer, offers
from explorer.serve.gate import write_refusal


def extension_handlers(base_url: str) -> list[Any]:
    """Return a handler for each route of an extension."""
    addresses = ((f"x/{route.by.extension.name}/{route.what.path}", route) for route in offers("routes"))
    return [(base_url + re.escape(address), RouteHandler, {"route": route}) for address, route in addresses]


class RouteHandler(JupyterHandler):
    """Sends what an extension answers, to those who may open the page."""

    def initialize(self, route: Offer) -> None:
        """Set the route."""
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
        """Say why the request can't be read."""
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
    return media_type + "; charset=utf-8" * is_text, made


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
