"""The page, and the scripts that it starts with."""

import gzip
import json
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs

import voila.notebook_renderer
from jinja2 import Environment, MemcachedBytecodeCache
from tornado.iostream import StreamClosedError
from voila.exporter import VoilaExporter
from voila.notebook_renderer import NotebookRenderer
from voila.paths import collect_static_paths
from voila.tornado.handler import TornadoVoilaHandler
from voila.utils import get_voila_labextensions_path

from explorer.serve.gate import PlainHandler, theme_shown
from explorer.widgets.plotly_module import PLOTLY_VERSION, plotly_script

POLICY, CONNECTS = "Content-Security-Policy", "connect-src 'self'"

_OPENING_ENDS = '<main id="rendered_cells" aria-busy="true">'
_FAILED = '<p class="explorer-notice explorer-failed" role="alert">The explorer could not start.</p></main>'

_PIECE_BYTES = 1 << 16  # of a script

FOR_EVER = "public, max-age=31536000, immutable"
JAVASCRIPT = "text/javascript; charset=utf-8"

PLOTLY_SCRIPT = f"explorer/plotly/{PLOTLY_VERSION}/plotly.js"  # its address

COMPILE_HINT = b"//# allFunctionsCalledOnLoad\n"
"""Makes Chromium, from version 136 on, compile Plotly's 5 MB in the background as they load, not piece by piece on
the main thread."""

NAMED = re.compile(rb"""\.e\(["']?(\d+)["']?\)""")  # how a webpack bundle requests a chunk
STRICT = re.compile(rb"""(?:\s|/\*.*?\*/|//[^\n]*\n)*["']use strict["']""", re.DOTALL)
"""Matches the beginning of a script in strict mode."""


async def opening_of(renderer: NotebookRenderer) -> str:
    """Return the page's opening, a skeleton that needs no kernel."""
    await renderer.initialize()
    opening = ""
    async for html, _ in renderer.generate_content_generator():
        opening += html
        if _OPENING_ENDS in opening:
            break
    return opening.partition(_OPENING_ENDS)[0] + _OPENING_ENDS


class PageHandler(TornadoVoilaHandler):
    """Sends the page; the browser's last theme is passed to the kernel in the query string."""

    def set_default_headers(self) -> None:
        """Set the headers; the page may connect to the host that it comes from, and to no other."""
        super().set_default_headers()
        host, policy = self.request.host, self.settings["headers"][POLICY]
        own = f" ws://{host} wss://{host}" if re.fullmatch(r"[\w.:[\]-]+", host) else ""
        self.set_header(POLICY, policy.replace(CONNECTS, f"{CONNECTS}{own}"))

    async def prepare(self, **options: Any) -> None:
        """Let in anyone with the token, and redirect to the address without it, which users see and share."""
        await super().prepare(**options)
        if self.current_user is not None and "token" in self.request.query_arguments:
            parts = [part for part in self.request.query.split("&") if part.partition("=")[0] != "token"]
            self.redirect("?".join(filter(None, [self.request.path, "&".join(parts)])))

    def should_use_rendered_notebook(self, _data: object, pool_size: int, *_: object) -> bool:
        """Return whether a preheated kernel, ready or starting, can take this visitor."""
        return pool_size > 0

    async def get_generator(self, path: str | None = None) -> AsyncIterator[str]:
        _ = self.xsrf_token  # sets the cookie that the page needs to end its kernel when it is closed
        query, shown = self.request.query, theme_shown(self)
        if shown is not None and "theme" not in parse_qs(query, keep_blank_values=True):
            self.request.query = "&".join(filter(None, [query, f"theme={shown}"]))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        async for html in self.framed(super().get_generator(path)):
            yield html

    async def framed(self, page: AsyncIterator[str]) -> AsyncIterator[str]:
        """Yield the page, its opening at once, which needs no kernel; if that dies, a page that says so."""
        yield await self.settings["explorer_opening"]
        try:
            async for html in self.content(page):
                yield html
        except RuntimeError as error:  # raised by Jupyter for a kernel that dies at startup
            self.log.warning("A kernel died as it started: %s", error)
            yield self.render_template("reload.html")
        except Exception:  # a template's or Voilà's: half of the page is sent, and its end says so
            self.log.exception("A page could not be made")
            yield _FAILED

    async def content(self, page: AsyncIterator[str]) -> AsyncIterator[str]:
        """Yield all of a page but its opening."""
        opening = ""
        async for html in page:
            if _OPENING_ENDS in opening:
                yield html
            elif _OPENING_ENDS in (opening := opening + html):
                yield opening.partition(_OPENING_ENDS)[2]


class CompiledTemplates(dict[str, bytes]):
    """Compiled templates in memory: Voilà would block the server for 0.2 s per kernel to compile them again."""

    set = dict.__setitem__


class PageExporter(VoilaExporter):
    """Renders the page from templates that are compiled once."""

    templates = MemcachedBytecodeCache(cast("Any", CompiledTemplates()))

    @property
    def environment(self) -> Environment:
        environment: Environment = super().environment
        environment.bytecode_cache = self.templates
        return environment


# Voilà has no setting for the class; it looks the class up by this name.
voila.notebook_renderer.VoilaExporter = PageExporter


@dataclass(frozen=True)
class Script:
    """A script that the server sends unchanged."""

    address: str
    """Its address, relative to the server's base URL; it changes with the content."""
    content: bytes

    @cached_property
    def packed(self) -> bytes:
        """The content, compressed by gzip."""
        return gzip.compress(self.content)


def page_scripts(template: str, extensions: Iterable[str]) -> list[Script]:
    """Return Plotly's script, and the joined chunks of others: as seventy files they delay the first figure."""
    folders = map(Path, collect_static_paths(["voila", "nbconvert"], template))
    programs = [folder / "voila.js" for folder in folders if (folder / "voila.js").is_file()][:1]
    for name in extensions:
        packages = (Path(path) / name / "package.json" for path in get_voila_labextensions_path())
        if (package := next(filter(Path.is_file, packages), None)) is not None:
            build = json.loads(package.read_text(encoding="utf-8"))["jupyterlab"]["_build"]
            programs.append(package.parent / build["load"])
    parts = [part for program in programs for part in _parts(program)]
    return [Script(PLOTLY_SCRIPT, COMPILE_HINT + plotly_script()), *joined(parts)]


def _parts(program: Path) -> list[Path]:
    """Return the chunks that a program requests and that are next to it: chunk 7 is a file ``7.….js``."""
    numbers = {number.decode() for number in NAMED.findall(program.read_bytes())}
    candidates = sorted(program.parent.glob("[0-9]*.*.js"))
    return [path for path in candidates if path.name.partition(".")[0] in numbers]


def joined(parts: Sequence[Path]) -> list[Script]:
    """Return scripts equivalent to `parts` in any order: the strict ones in one, the others in another."""
    groups: dict[bytes, list[bytes]] = {b'"use strict"': [], b"": []}
    for content in (path.read_bytes() for path in parts):
        groups[b'"use strict"' if STRICT.match(content) else b""].append(content)
    texts = [b"\n;".join([begin, *group]) for begin, group in groups.items() if group]
    return [Script(f"explorer/parts/{sha256(text).hexdigest()[:16]}.js", text) for text in texts]


class ScriptHandler(PlainHandler):
    """Sends a script that was built at startup."""

    def initialize(self, script: Script, far: bool) -> None:
        self._script, self._far = script, far

    def note_loading(self) -> None:
        """Note that a page loads the script."""

    async def get(self) -> None:
        content = self._script.content
        if self._far and "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            content = self._script.packed
        self.set_header("Content-Type", JAVASCRIPT)
        self.set_header("Content-Length", len(content))
        self.set_header("Cache-Control", FOR_EVER)
        self.set_header("Vary", "Accept-Encoding")
        with suppress(StreamClosedError):  # the client has disconnected, or was too slow
            for start in range(0, len(content), _PIECE_BYTES):  # each once the previous one has been read
                self.note_loading()
                self.write(content[start : start + _PIECE_BYTES])
                await self.flush()
