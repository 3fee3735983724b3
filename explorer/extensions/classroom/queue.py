"""The page for visitors with a seat, and the queue of the others."""

import re
from collections.abc import AsyncIterator
from secrets import token_urlsafe

from tornado.web import authenticated
from voila.handler import BaseVoilaHandler

from explorer.extensions.classroom.kernels import BROWSER, REFRESH_SECONDS, TakenSeat
from explorer.serve.gate import theme_shown
from explorer.serve.pages import PageHandler, ScriptHandler
from explorer.wording import ordinal

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
        """Record that the browser has closed the connection."""
        super().on_connection_close()
        if self._seat is not None:
            self._seat.is_left = True


class SeatedScriptHandler(ScriptHandler):
    """Sends a script, and keeps the seat of the browser that reads it."""

    def note_loading(self) -> None:
        """Record that the page is loading."""
        self.settings["explorer_seats"].note_loading(self.get_cookie(BROWSER))


class PlaceHandler(BaseVoilaHandler):
    """Reports a queued page's position, and keeps it in the queue."""

    @authenticated
    def get(self) -> None:
        """Send the position, 0 if there is a seat, and a sentence that states it."""
        place = self.settings["explorer_seats"].position(_browser(self))
        self.set_header("Cache-Control", "no-store")
        self.finish({"place": place, "words": _queue_words(place)})
