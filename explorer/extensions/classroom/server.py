"""A server for a class: seats and their queue, forked kernels, and limits on what each visitor may take."""

import re
from collections.abc import AsyncIterator, Callable
from secrets import token_urlsafe
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import PeriodicCallback
from tornado.web import authenticated
from traitlets.config import Config
from voila.handler import BaseVoilaHandler

from explorer.extensions.classroom import gate, kernels
from explorer.extensions.classroom.kernels import BROWSER, REFRESH_SECONDS, TakenSeat
from explorer.extensions.classroom.sockets import MOST_FRAME_BYTES, FairServer, SocketHandler
from explorer.serve.gate import theme_shown
from explorer.serve.pages import PageHandler, ScriptHandler
from explorer.serve.server import ExplorerServer, ServerSettings
from explorer.training.turns import n_cores
from explorer.wording import counted, ordinal

PLACE = "explorer/place"  # address at which a queued page polls its position
_KERNEL = re.compile(r'"kernelId": "([0-9a-f-]+)"')


def _queue_words(position: int) -> str:
    return f"You are {'next' if position <= 1 else ordinal(position)} in line."


def _browser(handler: BaseVoilaHandler) -> str:
    """Return the requesting browser's cookie; one without a cookie gets it with the response."""
    browser: str = handler.get_cookie(BROWSER, "")
    if not re.fullmatch(r"[\w-]{22}", browser, re.ASCII):
        browser = token_urlsafe(16)
        handler.set_cookie(BROWSER, browser, path=handler.base_url, httponly=True, samesite="Lax")
    return browser


class SeatedPageHandler(PageHandler):
    """Sends the page to a visitor with a seat, and the queue's page to the others."""

    _seat: TakenSeat | None = None

    async def framed(self, page: AsyncIterator[str]) -> AsyncIterator[str]:
        """Yield the page; if all seats are taken, the queue's page."""
        seats, browser = self.settings["explorer_seats"], _browser(self)
        self._seat = seat = await seats.assign(browser, self.kernel_manager)
        if seat is None:
            self.set_status(503)
            self.set_header("Retry-After", str(REFRESH_SECONDS))
            words = _queue_words(seats.position(browser))
            values = {"theme": theme_shown(self), "refresh": REFRESH_SECONDS, "place": PLACE}
            yield self.render_template("full.html", words=words, **values)
            return
        async with seats.opening(seat, self.kernel_manager):
            async for html in super().framed(page):
                yield html

    async def content(self, page: AsyncIterator[str]) -> AsyncIterator[str]:
        """Yield what the seat's kernel makes, once there is one; if that has ended, a page that says so."""
        manager, kernel = self.kernel_manager, ""
        manager.order.note_visit()
        await manager.replace_dead()
        async for html in super().content(page):
            if (found := _KERNEL.search(html)) and self._seat is not None:
                self._seat.kernel = kernel = found[1]
            yield html
        if not await manager.is_living(kernel):
            yield self.render_template("reload.html")

    def on_connection_close(self) -> None:
        super().on_connection_close()
        if self._seat is not None:
            self._seat.is_left = True


class SeatedScriptHandler(ScriptHandler):
    """Sends a script, and keeps the seat of the browser that reads it."""

    def note_loading(self) -> None:
        self.settings["explorer_seats"].note_loading(self.get_cookie(BROWSER))


class PlaceHandler(BaseVoilaHandler):
    """Reports a queued page's position, and keeps it in the queue."""

    @authenticated
    def get(self) -> None:
        """Send the position, 0 if there is a seat, and a sentence that states it."""
        place = self.settings["explorer_seats"].position(_browser(self))
        self.set_header("Cache-Control", "no-store")
        self.finish({"place": place, "words": _queue_words(place)})


class ClassroomServer(ExplorerServer):
    """Serves a notebook to as many visitors as there are seats."""

    _settings: Any  # with the pool and the access of a `Classroom`
    kernels = kernels.SeatedKernels
    page_handler = SeatedPageHandler
    script_handler = SeatedScriptHandler
    socket_handler = SocketHandler

    def kernel_attributes(self) -> dict[str, Any]:
        pool = self._settings.pool
        self._most_files = kernels.raise_file_limit()
        seats = kernels.seats_of(pool.seats, n_cores(), kernels.free_memory(), self._most_files)
        self.seats, self.room = kernels.Seats(seats), counted(seats, "seat")
        kernels.register_provisioner()
        return {"seats": self.seats, "warm_process": pool.warm_process}

    def configuration(self, settings: ServerSettings) -> Config:
        config = super().configuration(settings)
        config.PasswordIdentityProvider.hashed_password = self._settings.access.hashed_password
        config.PasswordIdentityProvider.allow_password_change = False
        config.VoilaKernelManager.fill_delay = 0.0  # `SeatedKernels` waits
        config.KernelProvisionerFactory.default_provisioner_name = kernels.PROVISIONER
        return config

    def http_server(self, **options: Any) -> HTTPServer:
        access, most = self._settings.access, self._most_files // 2  # the others are for everybody else
        router = gate.ClassGate(self.app, self.ip, access)
        return FairServer(router, most_connections=most, ssl_options=access.tls, **options)

    def init_settings(self) -> dict[str, Any]:
        return super().init_settings() | {
            "explorer_seats": self.seats,
            "is_in_hub": self._settings.access.is_in_hub,
            "websocket_max_message_size": MOST_FRAME_BYTES,
        }

    def init_handlers(self) -> list[Any]:
        options = {"voila_configuration": self.voila_configuration}
        return [(self.base_url + PLACE, PlaceHandler, options), *super().init_handlers()]

    def login_handlers(self) -> list[Any]:
        options = {"tries": gate.Tries(), "access": self._settings.access}
        login = (f"{self.base_url}login", gate.LoginHandler, options)
        return [login, (f"{self.base_url}logout", gate.LogoutHandler)]

    async def serve(self, listening: Callable[[str], object]) -> None:
        look = PeriodicCallback(lambda: self.seats.look(self.kernel_manager), 1000 * kernels.LOOK_SECONDS)
        look.start()
        try:
            await super().serve(listening)
        finally:
            look.stop()
