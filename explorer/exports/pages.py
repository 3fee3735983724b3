"""Where the texts of this folder's templates come from."""

import json
from pathlib import Path

from explorer.wording import counted, grouped, percent, times

__all__ = ["page"]


def page(template: str, **values: object) -> str:
    """Return the text of a template next to this file with the values put in that it names.

    In one that ends in ``.html.j2`` all values are escaped.

    Raises
    ------
    jinja2.UndefinedError
        If it names a value that is not given.
    """
    # Imported by its first use: the command starts faster, and seldom fills in a template.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(["html.j2"]),  # the user's words stay text in HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for one in (_code, counted, grouped, percent, times):
        environment.filters[one.__name__.removeprefix("_")] = one
    return environment.get_template(template).render(values)


def _code(value: object) -> str:
    """Return a value as Python writes it, text in double quotes where that is no trouble."""
    plain = isinstance(value, str) and value.isascii() and value.isprintable()
    return json.dumps(value) if plain else repr(value)
