"""What the server sends: the page, of templates that are compiled once, and files that the browser keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import voila.notebook_renderer
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from tornado.web import RequestHandler
from voila.exporter import VoilaExporter
from voila.static_file_handler import MultiStaticFileHandler
from voila.tornado.handler import TornadoVoilaHandler

from explorer.figures.palette import Theme
from explorer.widgets.plotly_module import plotly_script

__all__ = [
    "THEMES",
    "CompiledTemplates",
    "LastingFileHandler",
    "PageExporter",
    "PageHandler",
    "PlotlyHandler",
]

THEMES: tuple[Theme, ...] = ("light", "dark")

FOR_EVER = "public, max-age=31536000, immutable"
JAVASCRIPT = "text/javascript; charset=utf-8"

COMPILE_HINT = b"//# allFunctionsCalledOnLoad\n"
"""A comment that Chromium heeds from version 136 on."""


class PageHandler(TornadoVoilaHandler):
    """Sends the page; the theme that the browser last showed is told to the kernel as part of the query."""

    def should_use_rendered_notebook(
        self, notebook_data: Any, pool_size: int, template_name: Any, theme: Any, request_args: Any
    ) -> bool:
        """Return whether a kernel that is warm can take the visit: the theme is the page's own affair."""
        return bool(super().should_use_rendered_notebook(notebook_data, pool_size, None, None, request_args))

    async def get_generator(self, path: str | None = None) -> AsyncIterator[str]:
        """Yield the page piece by piece."""
        _ = self.xsrf_token  # sets the cookie that the page needs to end its kernel when it is closed
        query = self.request.query
        shown = self.get_cookie("explorer-theme")
        if shown in THEMES and "theme" not in parse_qs(query, keep_blank_values=True):
            self.request.query = "&".join(filter(None, [query, f"theme={shown}"]))
        self.kernel_manager.note_visit()
        async for html in super().get_generator(path):
            yield html


class LastingFileHandler(MultiStaticFileHandler):
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


class PlotlyHandler(RequestHandler):
    """Sends Plotly with a hint for Chromium: compile all of it, in the background, while it arrives.

    Without, its 5 MB are compiled piece by piece on the thread that draws the page.
    """

    def get(self) -> None:
        """Send the script, for the browser to keep."""
        self.set_header("Content-Type", JAVASCRIPT)
        self.set_header("Cache-Control", FOR_EVER)
        self.finish(hinted_plotly())


@cache
def hinted_plotly() -> bytes:
    """Return Plotly's script with the hint in front."""
    return COMPILE_HINT + plotly_script()


class CompiledTemplates(BytecodeCache):
    """Keeps the page's templates compiled.

    Voilà makes the page anew for each kernel. Compiling its templates would hold up the server for 0.2 s each
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
