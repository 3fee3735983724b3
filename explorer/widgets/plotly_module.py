"""Plotly's JavaScript as a script; found without importing Plotly, so that the server can use it as well."""

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

PLOTLY_FILE = _package() / "package_data" / "plotly.min.js"
"""Plotly.js, as `plotly.offline.get_plotlyjs` returns it."""

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
    return begin.encode() + PLOTLY_FILE.read_bytes() + end.encode()
