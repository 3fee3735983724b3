"""Renders this folder's templates: scripts and reports."""

import json
from pathlib import Path

from explorer.wording import counted, grouped, percent, times


def page(template: str | Path, **values: object) -> str:
    """Render a template, by its path or its name next to this file; none of the values may be missing.

    In ``.html.j2`` they are escaped.
    """
    # Imported on first use: the command starts faster, and rarely renders a template.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    path = Path(__file__).parent / template
    environment = Environment(
        loader=FileSystemLoader(path.parent),
        autoescape=select_autoescape(["html.j2"]),  # the user's words stay text in HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for one in (code, counted, grouped, percent, times):
        environment.filters[one.__name__] = one
    return environment.get_template(path.name).render(values)


def code(value: object) -> str:
    """Return a value as Python source, with text in double quotes if it is plain ASCII."""
    plain = isinstance(value, str) and value.isascii() and value.isprintable()
    return json.dumps(value) if plain else repr(value)
