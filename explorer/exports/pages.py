"""Renders this folder's templates: scripts and reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.figures.palette import PALETTES
from explorer.wording import counted, grouped, percent, times

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["code", "page", "report_page"]


def page(template: str, **values: object) -> str:
    """Render a template next to this file with these values.

    Templates that end in ``.html.j2`` escape all values. Missing values raise jinja2.UndefinedError.
    """
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


def report_page(template: str, figures: Mapping[str, Callable[..., go.Figure]], **values: object) -> str:
    """Render a report as HTML of about 5 MB that loads nothing from other hosts: it includes Plotly's JavaScript.

    Its `template` extends ``report_base.html.j2``. The figures are named by the id of their element in the page,
    and each is drawn in both themes, with `theme` as keyword: the page follows the reader's choice.
    """
    from plotly.io.json import to_json_plotly
    from plotly.offline import get_plotlyjs

    drawn = {
        name: {theme: draw(theme=theme).to_dict() for theme in PALETTES} for name, draw in figures.items()
    }
    return page(
        template,
        palettes={theme: palette.css() for theme, palette in PALETTES.items()},
        figures=to_json_plotly(drawn),  # Plotly writes no `<`
        plotly=get_plotlyjs(),
        **values,
    )


def code(value: object) -> str:
    """Return a value as Python source, with text in double quotes if it is plain ASCII."""
    plain = isinstance(value, str) and value.isascii() and value.isprintable()
    return json.dumps(value) if plain else repr(value)
