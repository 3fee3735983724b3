"""The page, from templates that are compiled once, for visitors with a seat; the others join a queue."""

import re
from collections.abc import AsyncIterator
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs

import voila.notebook_renderer
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from tornado.web import authenticated
from voila.exporter import VoilaExporter
from voila.handler import BaseVoilaHandler
from voila.notebook_renderer import NotebookRenderer
from voila.tornado.handler import TornadoVoilaHandler

from explorer.serve.gate import theme_shown
from explorer.serve.seats import BROWSER, REFRESH_SECONDS, TakenSeat
from explorer.wording import ordinal

PLACE = "explorer/place"  # address at which a queued page polls its position

_OPENING_ENDS = '<main id="rendered_cells" aria-busy="true">'
_KERNEL = re.compile(r'"kernelId": "([0-9a-f-]+)"')
_FAILED = '<p class="explorer-notice explorer-failed" role="alert">The explorer could not start.</p></main>'


async def opening_of(renderer: NotebookRenderer) -> str:
    """Return the page's opening, a skeleton that needs no kernel."""
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
    """Return the requesting browser's cookie; one without a cookie gets it with the response."""
    browser: str = handler.get_cookie(BROWSER, "")
    if not re.fullmatch(r"[\w-]{22}", browser, re.ASCII):
        browser = token_urlsafe(16)
        handler.set_cookie(BROWSER, browser, path=handler.base_url, httponly=True, samesite="Lax")
    return browser


class PageHandler(TornadoVoilaHandler):
    """Sends the page; the browser's last theme is passed to the kernel in the query string."""

    _seat: TakenSeat | None = None

    async def prepare(self, **options: Any) -> None:
        """Let in anyone with the token, whose cookie then replaces it.

        A link with a token redirects to the same address without it: users see and share addresses.
        """
        await super().prepare(**options)
        if self.current_user is not None and "token" in self.request.query_arguments:
            parts = [part for part in self.request.query.split("&") if part.partition("=")[0] != "token"]
            self.redirect("?".join(filter(None, [self.request.path, "&".join(parts)])))

    def should_use_rendered_notebook(self, _data: object, pool_size: int, *_: object) -> bool:
        """Return whether a preheated kernel, ready or starting, can take this visitor."""
        return pool_size > 0

    async def get_generator(self, path: str | None = None) -> AsyncIterator[str]:
        """Yield the page piece by piece."""
        _ = self.xsrf_token  # sets the cookie that the page needs to end its kernel when it is closed
        query, shown = self.request.query, theme_shown(self)
        if shown is not None and "theme" not in parse_qs(query, keep_blank_values=True):
            self.request.query = "&".join(filter(None, [query, f"theme={shown}"]))
        async for html in self.seated(super().get_generator(path)):
            yield html

    async def seated(self, page: AsyncIterator[str]) -> AsyncIterator[str]:
        """Yield the page, its opening at once; if all seats are taken, the queue's page."""
        seats, browser = self.settings["explorer_seats"], _browser(self)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self._seat = seat = await seats.take(browser, self.kernel_manager)
        if seat is None:
            self.set_status(503)
            self.set_header("Retry-After", str(REFRESH_SECONDS))
            words = _in_line(seats.place(browser))
            values = {"theme": theme_shown(self), "refresh": REFRESH_SECONDS, "place": PLACE}
            yield self.render_template("full.html", words=words, **values)
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
                    yield self.render_template("reload.html")
            except RuntimeError as error:  # raised by Jupyter for a kernel that dies at startup
                self.log.warning("A kernel died as it started: %s", error)
                yield self.render_template("reload.html")
            except Exception:  # a template's or Voilà's: half of the page is sent, and its end says so
                self.log.exception("A page could not be made")
                yield _FAILED

    def on_connection_close(self) -> None:
        """Record that the browser has closed the connection."""
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
    """Reports a queued page's position, and keeps it in the queue."""

    @authenticated
    def get(self) -> None:
        """Send the position, 0 if there is a seat, and a sentence that states it."""
        place = self.settings["explorer_seats"].place(_browser(self))
        self.set_header("Cache-Control", "no-store")
        self.finish({"place": place, "words": _in_line(place)})


class CompiledTemplates(BytecodeCache):
    """Caches the page's compiled templates.

    Voilà rebuilds the page for each kernel. Compiling its templates would block the server for 0.2 s each time,
    just while the previous page loads.
    """

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load a template from the cache, if it is there."""
        if compiled := self._compiled.get(bucket.key):
            bucket.bytecode_from_string(compiled)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Put a template into the cache."""
        self._compiled[bucket.key] = bucket.bytecode_to_string()


class PageExporter(VoilaExporter):
    """Renders the page from templates that are compiled once."""

    templates = CompiledTemplates()

    @property
    def environment(self) -> Environment:
        """Return the template environment."""
        environment: Environment = super().environment
        environment.bytecode_cache = self.templates
        return environment


# Voilà has no setting for the class; it looks the class up by this name.
voila.notebook_renderer.VoilaExporter = PageExporter
