"""``nn-explorer extensions``: what adds to the explorer, and what is left out."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import version

from explorer.discovery import Found, found
from explorer.extension import Extension
from explorer.serve.access import FAILED


def run(_arguments: Namespace) -> int:
    """Run ``nn-explorer extensions``."""
    for one in found():
        print(f"{one.extension.name} ({one.source or 'nn-explorer ' + version('nn-explorer')})")
        print("\n".join(f"  {line}" for line in ([f"left out: {one.fault}"] if one.fault else _added(one))))
    return FAILED if any(one.fault for one in found()) else 0


def _added(one: Found) -> Iterator[str]:
    """Yield what an extension adds, a line for each kind."""
    for kind in (field.name for field in fields(Extension)[2:]):
        if offered := getattr(one.extension, kind):
            names = (str(getattr(what, "name", getattr(what, "path", what))) for what in offered)
            yield f"{kind.replace('_', ' ')}: {', '.join(names)}"
