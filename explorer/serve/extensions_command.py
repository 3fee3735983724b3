"""``nn-explorer extensions``: what adds to the explorer, and what is left out."""

from argparse import Namespace
from dataclasses import fields

from explorer.discovery import Found, found
from explorer.extension import Extension
from explorer.serve.access import FAILED


def run(_arguments: Namespace) -> int:
    """Run ``nn-explorer extensions``."""
    for one in found():
        print(f"{one.extension.name:16} {one.version or one.file or '–':10} {one.fault or _added(one)}")
    return FAILED if any(one.fault for one in found()) else 0


def _added(one: Found) -> str:
    """Return what an extension adds, in words."""
    parts = []
    for kind in (field.name for field in fields(Extension)[2:]):
        if offered := getattr(one.extension, kind):
            names = (
                getattr(what, "name", None) or getattr(what, "path", None) or str(what) for what in offered
            )
            parts.append(f"{kind.replace('_', ' ')}: {', '.join(names)}")
    return "; ".join(parts) or "nothing"
