"""Plotly's JavaScript, as one module: where it lies, and under which name a page's figures share it.

Loads nothing of Plotly, so that a server can ask as well.
"""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path


def _package() -> Path:
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("plotly is not installed")
    return Path(found.origin).parent


PLOTLY_VERSION = version("plotly")
"""The version of the Python package, which brings its own JavaScript."""

PLOTLY_MODULE = _package() / "package_data" / "widgetbundle.js"
"""Plotly.js and Plotly's widget as one JavaScript module."""

PLOTLY_KEY = f"explorer.plotly.{PLOTLY_VERSION}"
"""Name on ``globalThis`` of a promise of the module. A page that fetches it itself adds ``.page`` to the name."""

PAGE_HAS_PLOTLY = "EXPLORER_PAGE_HAS_PLOTLY"
"""Environment variable of a kernel whose page fetches the module over HTTP."""


def plotly_script() -> bytes:
    """Return the module as a classic script, which leaves what the module exports on ``globalThis``.

    It lies there under `PLOTLY_KEY` with ``.script`` added; run again, it leaves that as it is. Chromium keeps a
    classic script's compiled code from one visit to the next, a module's never (seen in version 156).

    Raises
    ------
    ValueError
        If the module does not end in a list of what it exports.
    """
    body, found, end = PLOTLY_MODULE.read_bytes().rpartition(b"export{")
    exports, closed, notices = end.partition(b"}")
    if not (found and closed):
        raise ValueError(f"{PLOTLY_MODULE.name} has no list of what it exports")
    pairs = [name.split(b" as ") for name in exports.split(b",")]
    exported = b",".join(b"%s:%s" % (pair[-1].strip(), pair[0].strip()) for pair in pairs)
    place = f'globalThis["{PLOTLY_KEY}.script"]'.encode()
    start = b'(function(){"use strict";if(%s)return;' % place
    return b"%s%s\n%s={%s};}).call(undefined)%s" % (start, body, place, exported, notices)
