"""The scripts that a page starts with, bundled into a few.

Voilà and JupyterLab's extensions are split into chunks by webpack or a similar tool. A page would request seventy
of them, most only after it has read others; on two cores that takes a seventh of the time to its first figure.
"""

import gzip
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler
from voila.paths import collect_static_paths
from voila.utils import get_voila_labextensions_path

from explorer.serve.gate import FilesHandler
from explorer.serve.patient_server import READ_BYTES
from explorer.serve.seats import BROWSER
from explorer.widgets.plotly_module import PLOTLY_VERSION, plotly_script

FOR_EVER = "public, max-age=31536000, immutable"
JAVASCRIPT = "text/javascript; charset=utf-8"

PLOTLY_SCRIPT = f"explorer/plotly/{PLOTLY_VERSION}/plotly.js"  # its address

COMPILE_HINT = b"//# allFunctionsCalledOnLoad\n"
"""A comment that makes Chromium, from version 136 on, compile all of a script in the background while it loads.

Without it, Plotly's 5 MB are compiled piece by piece on the main thread.
"""

NAMED = re.compile(rb"""\.e\(["']?(\d+)["']?\)""")  # how a webpack bundle requests a chunk
STRICT = re.compile(rb"""(?:\s|/\*.*?\*/|//[^\n]*\n)*["']use strict["']""", re.DOTALL)
"""Matches the beginning of a script in strict mode."""


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


@dataclass(frozen=True, slots=True)
class PageScripts:
    """The scripts that a page starts with."""

    plotly: Script
    voila: list[Script]
    """Those loaded before Voilà's own script runs."""
    extensions: list[Script]
    """Those loaded before Voilà loads its extensions."""


def page_scripts(template: str, extensions: Iterable[str]) -> PageScripts:
    """Return a page's scripts; it needs nearly all chunks of the JupyterLab `extensions`."""
    folders = map(Path, collect_static_paths(["voila", "nbconvert"], template))
    voila = next((_parts(folder / "voila.js") for folder in folders if (folder / "voila.js").is_file()), [])
    parts = [part for name in extensions for part in _of(name)]
    return PageScripts(Script(PLOTLY_SCRIPT, COMPILE_HINT + plotly_script()), joined(voila), joined(parts))


def _of(extension: str) -> list[Path]:
    """Return the chunks of a JupyterLab extension, none if it isn't installed."""
    for folder in (Path(path) / extension for path in get_voila_labextensions_path()):
        if (folder / "package.json").is_file():
            package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
            return _parts(folder / package["jupyterlab"]["_build"]["load"])
    return []


def _parts(program: Path) -> list[Path]:
    """Return the chunks that a program requests and that are next to it: chunk 7 is a file ``7.….js``."""
    numbers = {number.decode() for number in NAMED.findall(program.read_bytes())}
    candidates = sorted(program.parent.glob("[0-9]*.*.js"))
    return [path for path in candidates if path.name.partition(".")[0] in numbers]


def joined(parts: Sequence[Path]) -> list[Script]:
    """Return scripts equivalent to `parts` in any order.

    There are two at most: ``"use strict"`` applies to a whole script, so strict parts are joined separately.
    """
    groups: dict[bytes, list[bytes]] = {b'"use strict"': [], b"": []}
    for content in (path.read_bytes() for path in parts):
        groups[b'"use strict"' if STRICT.match(content) else b""].append(content)
    texts = [b"\n;".join([begin, *group]) for begin, group in groups.items() if group]
    return [Script(f"explorer/parts/{sha256(text).hexdigest()[:16]}.js", text) for text in texts]


class LastingFileHandler(FilesHandler):
    """Serves a package's files with a lasting cache: their address contains the package's version."""

    def set_extra_headers(self, path: str) -> None:
        """Set the cache header of a file that never changes."""
        self.set_header("Cache-Control", FOR_EVER)

    def get_content_type(self) -> str:
        """Return JavaScript's MIME type, whatever the operating system has for ``.js``."""
        is_script = str(self.absolute_path).endswith(".js")
        return JAVASCRIPT if is_script else str(super().get_content_type())


class ScriptHandler(RequestHandler):
    """Sends a script that was built at startup."""

    def initialize(self, script: Script, far: bool) -> None:
        """Set the script, and whether the browser may be `far`, on another computer.

        Compressed, the page's scripts are a third of the size, but on this computer they arrive later.
        """
        self._script, self._far = script, far

    async def get(self) -> None:
        """Send the script with a lasting cache, each piece once the previous one has been read."""
        content = self._script.content
        if self._far and "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            content = self._script.packed
        self.set_header("Content-Type", JAVASCRIPT)
        self.set_header("Content-Length", len(content))
        self.set_header("Cache-Control", FOR_EVER)
        self.set_header("Vary", "Accept-Encoding")
        with suppress(StreamClosedError):  # the client has disconnected, or was too slow
            for start in range(0, len(content), READ_BYTES):
                self.settings["explorer_seats"].note_loading(self.get_cookie(BROWSER))
                self.write(content[start : start + READ_BYTES])
                await self.flush()
