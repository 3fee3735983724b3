"""The page's side of a seat: the page for who has one, a place in line for the others."""

import re
from collections.abc import AsyncIterator
from secrets import token_urlsafe

from tornado.web import authenticated
from voila.handler import BaseVoilaHandler
from voila.notebook_renderer import NotebookRenderer

from explorer.serve.refusals import theme_shown
from explorer.serve.seats import REFRESH_SECONDS, TakenSeat
from explorer.wording import ordinal

__all__ = ["BROWSER", "PLACE", "PlaceHandler", "SeatedPage", "opening_of"]

BROWSER = "explorer-browser"
"""Cookie by which a browser keeps its place, and a page that is reloaded its seat."""

PLACE = "explorer/place"
"""Address at which a page in line asks for its place."""

_OPENING_ENDS = '<main id="rendered_cells" aria-busy="true">'
_KERNEL = re.compile(r'"kernelId": "([0-9a-f-]+)"')
_RELOAD = """<script>
try {
  const tries = Number(sessionStorage.getItem("explorer-tries"));
  sessionStorage.setItem("explorer-tries", tries + 1);
  if (tries < 3) location.reload();
} catch {}  // storage is forbidden: nothing would end the tries
</script>"""
"""For a page whose kernel died before all of it was there: the next kernel takes the visit."""

_FAILED = '<p class="explorer-notice explorer-failed" role="alert">The explorer could not start.</p></main>'


async def opening_of(renderer: NotebookRenderer) -> str:
    """Return the beginning of the page, a skeleton, which needs no kernel."""
    await renderer.initialize()
    opening = ""
    async for html, _ in renderer.generate_content_generator():
        opening += html
        if _OPENING_ENDS in opening:
            break
    return opening.partition(_OPENING_ENDS)[0] + _OPENING_ENDS


def _in_line(place: int) -> str:
    return "You are next in line." if place <= 1 else f"You are {ordinal(place)} in line."


def _browser(handler: BaseVoilaHandler) -> str:
    """Return the cookie of the browser that asks; one without gets it with the answer."""
    browser: str = handler.get_cookie(BROWSER, "")
    if not re.fullmatch(r"[\w-]{22}", browser, re.ASCII):
        browser = token_urlsafe(16)
        handler.set_cookie(BROWSER, browser, path=handler.base_url, httponly=True, samesite="Lax")
    return browser


class SeatedPage(BaseVoilaHandler):
    """Part of the handler that sends the page."""

    _seat: TakenSeat | None = None

    async def seated(self, page: AsyncIterator[str]) -> AsyncIterator[str]:
        """Yield the page, its beginning at once; where all seats are taken, the page of who is in line."""
        seats, browser = self.settings["explorer_seats"], _browser(self)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self._seat = seat = await seats.take(browser, self.kernel_manager)
        if seat is None:
            self.set_status(503)
            self.set_header("Retry-After", str(REFRESH_SECONDS))
            yield self._page_in_line(seats.place(browser))
            return
        yield await self.settings["explorer_opening"]
        manager = self.kernel_manager
        async with seats.opening(seat, manager):
            try:
                manager.order.note_visit()
                await manager.replace_dead()
                async for html in _after_opening(page):
                    if found := _KERNEL.search(html):
                        seat.kernel = found[1]
                    yield html
                if not await manager.is_living(seat.kernel):
                    yield _RELOAD
            except RuntimeError as error:  # Jupyter's word for a kernel that dies as it starts
                self.log.warning("A kernel died as it started: %s", error)
                yield _RELOAD
            except Exception:  # a template's or Voilà's: half of the page is sent, and its end says so
                self.log.exception("A page could not be made")
                yield _FAILED

    def _page_in_line(self, place: int) -> str:
        html: str = self.render_template(
            "full.html",
            words=_in_line(place),
            theme=theme_shown(self),
            refresh=REFRESH_SECONDS,
            place=PLACE,
        )
        return html

    def on_connection_close(self) -> None:
        """Note that nobody waits for the page any more."""
        super().on_connection_close()
        if self._seat is not None:
            self._seat.is_left = True


async def _after_opening(page: AsyncIterator[str]) -> AsyncIterator[str]:
    opening = ""
    async for html in page:
        if _OPENING_ENDS in opening:
            yield html
        elif _OPENING_ENDS in (opening := opening + html):
            yield opening.partition(_OPENING_ENDS)[2]


class PlaceHandler(BaseVoilaHandler):
    """Tells a page in line its place, and keeps it."""

    @authenticated
    def get(self) -> None:
        """Send the place, 0 where there is a seat, and a sentence that says it."""
        place = self.settings["explorer_seats"].place(_browser(self))
        self.set_header("Cache-Control", "no-store")
        self.finish({"place": place, "words": _in_line(place)})
