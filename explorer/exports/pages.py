"""Renders this folder's templates: scripts and reports."""

from __future__ import annotations

import json
from pathlib import Path

from explorer.wording import counted, grouped, percent, times


def page(template: str, **values: object) -> str:
    """Render a template next to this file; in ``.html.j2`` all values are escaped, and none may be missing."""
    # Imported on first use: the command starts faster, and rarely renders a template.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(["html.j2"]),  # the user's words stay text in HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for one in (code, counted, grouped, percent, times):
        environment.filters[one.__name__] = one
    return environment.get_template(template).render(values)


def code(value: object) -> str:
    """Return a value as Python source, with text in double quotes if it is plain ASCII."""
    plain = isinstance(value, str) and value.isascii() and value.isprintable()
    return json.dumps(value) if plain else repr(value)
