"""Plotly's JavaScript as one module: its location, and the name under which a page's figures share it.

Doesn't import Plotly, so that the server can use it as well.
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
"""The version of the Python package, which includes its own JavaScript."""

PLOTLY_MODULE = _package() / "package_data" / "widgetbundle.js"
"""Plotly.js and Plotly's widget as one JavaScript module."""

PLOTLY_KEY = f"explorer.plotly.{PLOTLY_VERSION}"
"""Name on ``globalThis`` of a promise of the module. A page that loads it itself appends ``.page`` to the name."""

PAGE_HAS_PLOTLY = "EXPLORER_PAGE_HAS_PLOTLY"
"""Environment variable of a kernel whose page loads the module over HTTP."""


def plotly_script() -> bytes:
    """Return the module as a classic script that stores the module's exports on ``globalThis``.

    Their key is `PLOTLY_KEY` with ``.script`` appended; running the script again changes nothing. Chromium caches
    a classic script's compiled code across visits, a module's never (as of version 156).

    Raises
    ------
    ValueError
        If the module does not end in a list of exports.
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
