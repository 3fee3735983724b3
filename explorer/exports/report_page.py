"""What all reports share: one HTML file with its figures in two themes, which asks no host for anything."""

from collections.abc import Callable, Mapping

import plotly.graph_objects as go
from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

from explorer.exports.pages import page
from explorer.figures.palette import PALETTES, Theme

__all__ = ["THEMES", "DrawnFigures", "report_page"]

THEMES: tuple[Theme, ...] = ("light", "dark")
"""The reader's own choice is followed."""

DrawnFigures = Mapping[str, Callable[..., go.Figure]]
"""Figures by the id of their place in the page, each drawn in a theme."""


def report_page(template: str, figures: DrawnFigures, **values: object) -> str:
    """Return a report as HTML, about 5 MB: Plotly's JavaScript is in it, once.

    Parameters
    ----------
    template : str
        A file next to this one that extends ``report_base.html.j2``.
    figures : mapping of str to callable
        The figures, as `DrawnFigures` says.
    **values
        What the template names.
    """
    drawn = {name: {theme: draw(theme=theme).to_dict() for theme in THEMES} for name, draw in figures.items()}
    return page(
        template,
        palettes={theme: PALETTES[theme].css() for theme in THEMES},
        figures=to_json_plotly(drawn),  # Plotly writes no `<`
        plotly=get_plotlyjs(),
        **values,
    )
