"""Plotly's JavaScript, as one module: where it lies, and under which name a page's figures share it.

Loads nothing of Plotly, so that a server can ask as well.
"""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

__all__ = ["PAGE_HAS_PLOTLY", "PLOTLY_KEY", "PLOTLY_MODULE", "PLOTLY_VERSION"]


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
