"""Plotly's JavaScript as a script; found without importing Plotly, so that the server can use it as well."""

from importlib.metadata import distribution
from pathlib import Path

_PLOTLY = distribution("plotly")
PLOTLY_VERSION = _PLOTLY.version  # of the Python package, which includes its own JavaScript

PLOTLY_KEY = f"explorer.plotly.{PLOTLY_VERSION}"
"""Name on ``globalThis`` of a promise of Plotly. A page that loads it itself appends ``.page`` to the name."""

PAGE_HAS_PLOTLY = "EXPLORER_PAGE_HAS_PLOTLY"
"""Environment variable of a kernel whose page loads the script over HTTP."""


def plotly_script() -> bytes:
    """Return a script that stores Plotly on ``globalThis`` as `PLOTLY_KEY` with ``.script`` appended, once.

    It works as a module, too, but Chromium caches the compiled code of classic scripts only (as of version 156).
    """
    name = f'globalThis["{PLOTLY_KEY}.script"]'
    begin = f"(function(){{if({name})return;var exports={{}},module={{exports}};\n"
    end = f"\n{name}=module.exports;}}).call(globalThis);\n"
    source = Path(str(_PLOTLY.locate_file("plotly/package_data/plotly.min.js")))
    return begin.encode() + source.read_bytes() + end.encode()
