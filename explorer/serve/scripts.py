"""The scripts that a page starts with, joined to a few.

Voilà and JupyterLab's extensions are programs that webpack, or the like of it, has cut into parts. A page would
ask for seventy of them, most only after it has read others; on two cores that is a seventh of the time to its
first figure.
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
"""A comment by which Chromium, from version 136 on, compiles all of a script in the background while it arrives.

Without, Plotly's 5 MB are compiled piece by piece on the thread that draws the page.
"""

NAMED = re.compile(rb"""\.e\(["']?(\d+)["']?\)""")  # how a program that webpack has cut asks for a part
STRICT = re.compile(rb"""(?:\s|/\*.*?\*/|//[^\n]*\n)*["']use strict["']""", re.DOTALL)
"""How a script in JavaScript's strict mode begins."""


@dataclass(frozen=True)
class Script:
    """A script that the server sends as it is."""

    address: str
    """Where the page finds it, without what the server's own addresses begin with. It changes with the content."""
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
    """What is there before Voilà's own script runs."""
    extensions: list[Script]
    """What is there before Voilà loads its extensions."""


def page_scripts(template: str, extensions: Iterable[str]) -> PageScripts:
    """Return the scripts that a page starts with; of the JupyterLab `extensions` it needs nearly all parts."""
    folders = map(Path, collect_static_paths(["voila", "nbconvert"], template))
    voila = next((_parts(folder / "voila.js") for folder in folders if (folder / "voila.js").is_file()), [])
    parts = [part for name in extensions for part in _of(name)]
    return PageScripts(Script(PLOTLY_SCRIPT, COMPILE_HINT + plotly_script()), joined(voila), joined(parts))


def _of(extension: str) -> list[Path]:
    """Return the parts of a JupyterLab extension, none if it is not installed."""
    for folder in (Path(path) / extension for path in get_voila_labextensions_path()):
        if (folder / "package.json").is_file():
            package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
            return _parts(folder / package["jupyterlab"]["_build"]["load"])
    return []


def _parts(program: Path) -> list[Path]:
    """Return the parts that a program names and that lie next to it: part 7 is a file ``7.….js``."""
    numbers = {number.decode() for number in NAMED.findall(program.read_bytes())}
    candidates = sorted(program.parent.glob("[0-9]*.*.js"))
    return [path for path in candidates if path.name.partition(".")[0] in numbers]


def joined(parts: Sequence[Path]) -> list[Script]:
    """Return scripts that do what `parts`, in any order, do.

    There are two at most: ``"use strict"`` holds for a whole script, so those that begin with it stay among
    themselves.
    """
    groups: dict[bytes, list[bytes]] = {b'"use strict"': [], b"": []}
    for content in (path.read_bytes() for path in parts):
        groups[b'"use strict"' if STRICT.match(content) else b""].append(content)
    texts = [b"\n;".join([begin, *group]) for begin, group in groups.items() if group]
    return [Script(f"explorer/parts/{sha256(text).hexdigest()[:16]}.js", text) for text in texts]


class LastingFileHandler(FilesHandler):
    """Sends files of a package, for the browser to keep: their address holds the package's version."""

    def set_extra_headers(self, path: str) -> None:
        """Say that the file never changes."""
        self.set_header("Cache-Control", FOR_EVER)

    def get_content_type(self) -> str:
        """Return JavaScript's type, whatever the operating system says about ``.js``."""
        is_script = str(self.absolute_path).endswith(".js")
        return JAVASCRIPT if is_script else str(super().get_content_type())


class ScriptHandler(RequestHandler):
    """Sends a script that was made as the server started."""

    def initialize(self, script: Script, far: bool) -> None:
        """Take what there is to send, and whether a browser may be `far`, on another computer.

        Compressed, the page's scripts are a third as long, but on this computer they come later.
        """
        self._script, self._far = script, far

    async def get(self) -> None:
        """Send the script, for the browser to keep: a piece once the one before has been read."""
        content = self._script.content
        if self._far and "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            content = self._script.packed
        self.set_header("Content-Type", JAVASCRIPT)
        self.set_header("Content-Length", len(content))
        self.set_header("Cache-Control", FOR_EVER)
        self.set_header("Vary", "Accept-Encoding")
        with suppress(StreamClosedError):  # the reader has gone, or was too slow
            for start in range(0, len(content), READ_BYTES):
                self.settings["explorer_seats"].note_loading(self.get_cookie(BROWSER))
                self.write(content[start : start + READ_BYTES])
                await self.flush()
