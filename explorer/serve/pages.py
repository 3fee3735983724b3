"""What the server sends: the page, of templates that are compiled once, and files that the browser keeps."""

from asyncio import Future
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import voila.notebook_renderer
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from tornado.web import RequestHandler
from voila.exporter import VoilaExporter
from voila.request_info_handler import RequestInfoSocketHandler
from voila.tornado.handler import TornadoVoilaHandler

from explorer.figures.palette import PALETTES
from explorer.serve.login import WithoutToken
from explorer.serve.refusals import FilesHandler
from explorer.serve.scripts import Script
from explorer.serve.seated_page import SeatedPage

__all__ = [
    "CompiledTemplates",
    "LastingFileHandler",
    "PageExporter",
    "PageHandler",
    "ScriptHandler",
    "VisitHandler",
]

FOR_EVER = "public, max-age=31536000, immutable"
JAVASCRIPT = "text/javascript; charset=utf-8"
NORMAL_CLOSURE = 1000  # RFC 6455: the one who closes has all that it came for


class PageHandler(WithoutToken, SeatedPage, TornadoVoilaHandler):
    """Sends the page; the theme that the browser last showed is told to the kernel as part of the query."""

    def should_use_rendered_notebook(self, _data: object, pool_size: int, *_: object) -> bool:
        """Return whether a kernel for nobody yet can take the visit, be it only on its way: each has a seat."""
        return pool_size > 0

    async def get_generator(self, path: str | None = None) -> AsyncIterator[str]:
        """Yield the page piece by piece."""
        _ = self.xsrf_token  # sets the cookie that the page needs to end its kernel when it is closed
        query = self.request.query
        shown = self.get_cookie("explorer-theme")
        if shown in PALETTES and "theme" not in parse_qs(query, keep_blank_values=True):
            self.request.query = "&".join(filter(None, [query, f"theme={shown}"]))
        async for html in self.seated(super().get_generator(path)):
            yield html


class VisitHandler(RequestInfoSocketHandler):
    """Tells a kernel that waits for a visitor who has come.

    Under load a kernel may connect a second time before its first connection is known to be over. Voilà then
    sends its words into the first, or forgets the second with it, and the visitor would wait for ever.
    """

    _kernel_id = ""

    def open(self, kernel_id: str) -> None:
        """Tell the kernel at once if its visitor is there already."""
        self._kernel_id = kernel_id
        self.settings["kernel_manager"].order.note_ready(kernel_id)
        super().open(kernel_id)

    def write_message(self, message: Any, binary: bool = False) -> Future[None]:
        """Tell the kernel, and keep the words in case it has to ask again."""
        self._cache[self._kernel_id] = message
        written: Future[None] = super().write_message(message, binary)
        return written

    def on_close(self) -> None:
        """Forget this connection, and no other; a kernel that says goodbye has heard its words."""
        if self._waiters.get(self._kernel_id) is self:
            del self._waiters[self._kernel_id]
        if self.close_code == NORMAL_CLOSURE:
            self._cache.pop(self._kernel_id, None)


class LastingFileHandler(FilesHandler):
    """Sends files of a package, for the browser to keep: their address holds the package's version."""

    def set_extra_headers(self, path: str) -> None:
        """Say that the file never changes."""
        self.set_header("Cache-Control", FOR_EVER)

    def get_content_type(self) -> str:
        """Return JavaScript's type, whatever the operating system says about ``.js``."""
        if str(self.absolute_path).endswith(".js"):
            return JAVASCRIPT
        kind: str = super().get_content_type()
        return kind


class ScriptHandler(RequestHandler):
    """Sends a script that was made as the server started.

    Parameters
    ----------
    script
        The script.
    far
        Whether a browser may be on another computer: compressed, the page's scripts are a third as long, but on
        this one they come later.
    """

    def initialize(self, script: Script, far: bool) -> None:
        """Take what there is to send."""
        self._script, self._far = script, far

    def get(self) -> None:
        """Send the script, for the browser to keep."""
        self.set_header("Content-Type", JAVASCRIPT)
        self.set_header("Cache-Control", FOR_EVER)
        self.set_header("Vary", "Accept-Encoding")
        if self._far and "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.finish(self._script.packed)
        else:
            self.finish(self._script.content)


class CompiledTemplates(BytecodeCache):
    """Keeps the page's templates compiled.

    Voilà makes the page again for each kernel. Compiling its templates would hold up the server for 0.2 s each
    time, just while the page before it loads.
    """

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take a template from the cache, if it is there."""
        if compiled := self._compiled.get(bucket.key):
            bucket.bytecode_from_string(compiled)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Put a template into the cache."""
        self._compiled[bucket.key] = bucket.bytecode_to_string()


class PageExporter(VoilaExporter):
    """Makes the page of templates that are compiled once."""

    templates = CompiledTemplates()

    @property
    def environment(self) -> Environment:
        """Return what templates are loaded with."""
        environment: Environment = super().environment
        environment.bytecode_cache = self.templates
        return environment


# Voilà has no setting for the class; this is the name by which it makes one.
voila.notebook_renderer.VoilaExporter = PageExporter
