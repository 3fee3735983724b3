"""The shared style of all figures, one Plotly template per theme, and the assembly of figures."""

import html
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go

from explorer.figures.palette import PALETTES, Palette, Theme

FigureData = tuple[list[dict[str, Any]], dict[str, Any]]
"""The properties of a figure that depend on the data: those of its traces, and those of its layout."""

_LONGEST_NAME = 24  # letters, in a legend
_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif"
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def drawn(
    traces: Sequence[Mapping[str, Any]], theme: Theme, layout: Mapping[str, Any] = _NOTHING, **fixed: Any
) -> go.Figure:
    """Return a figure of traces in the style of a theme; its layout has the properties in `fixed` and `layout`."""
    return go.Figure(traces, {"template": template(theme), **fixed}).update_layout(layout)


def drawn_data(looks: Sequence[Mapping[str, Any]], data: FigureData, theme: Theme, **fixed: Any) -> go.Figure:
    """Return a figure from the styles of its traces and the data; the rest as in `drawn`."""
    traces, layout = data
    return drawn(merged(looks, traces), theme, layout, **fixed)


def scatter(hover: str = "", /, **look: Any) -> dict[str, Any]:
    """Return a trace of points or lines; its hover text has no box with the trace's name."""
    text = {"hovertemplate": f"{hover}<extra></extra>"} if hover else {}
    return {"type": "scatter", **look, **text}


def axis(title: str, /, **look: Any) -> dict[str, Any]:
    """Return the properties of an axis with a title."""
    return {"title": {"text": title}, **look}


def merged(looks: Sequence[Mapping[str, Any]], values: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Combine the styles of traces with their values, which take precedence."""
    return [{**look, **value} for look, value in zip(looks, values, strict=True)]


@cache  # a template is built once per theme, in about 5 ms; figures copy it and never change it
def template(theme: Theme = "light") -> go.layout.Template:
    """Return the template of `theme`, to be set as ``layout.template``."""
    palette = PALETTES[theme]
    font = {"family": _FONTS, "size": 12, "color": palette.text}
    return go.layout.Template(
        layout={
            "font": font,
            "title": _title(palette),
            "paper_bgcolor": palette.surface,
            "plot_bgcolor": palette.surface,
            "margin": {"l": 8, "r": 12, "t": 36, "b": 8, "pad": 0},
            "xaxis": _axis(palette),
            "yaxis": _axis(palette),
            "legend": _legend(palette),
            "annotationdefaults": {"showarrow": False, "font": {"size": 11, "color": palette.muted}},
            "separators": ".\u202f",  # thousands separated as everywhere on the page
            "hovermode": "closest",
            "hoverdistance": 24,
            "hoverlabel": {
                "bgcolor": palette.raised,
                "bordercolor": palette.hairline,
                "font": font,
                "align": "left",
                "namelength": -1,
            },
            "modebar": {
                "bgcolor": "rgba(0,0,0,0)",
                "color": palette.muted,
                "activecolor": palette.accent,
                "orientation": "h",
            },
            "colorway": [palette.train, palette.test, palette.good, palette.warning, palette.muted],
            "uirevision": "keep",  # constant: the user's zoom and hidden traces stay when the data changes
            "dragmode": "zoom",
        },
        data={"scatter": [{"line": {"width": 2}, "marker": {"size": 5}}]},
    )


def _title(palette: Palette) -> dict[str, Any]:
    """Return a title at the figure's left edge, in the size of a panel's heading."""
    place = {"x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "paper", "yanchor": "bottom"}
    return {"font": {"size": 13, "color": palette.text}, **place, "pad": {"b": 10, "l": 8}}


def _axis(palette: Palette) -> dict[str, Any]:
    return {
        "automargin": True,
        "title": {"font": {"size": 12, "color": palette.muted}, "standoff": 8},
        "tickfont": {"size": 11, "color": palette.muted},
        "ticks": "",
        "ticklabelstandoff": 4,
        "showline": True,
        "linecolor": palette.hairline,
        "linewidth": 1,
        "gridcolor": palette.grid,
        "gridwidth": 1,
        "zeroline": False,
        "zerolinecolor": palette.hairline,
        "nticks": 6,
        "ticklabeloverflow": "allow",  # labels have room, and measuring each takes a tenth of a drawing's time
        "exponentformat": "power",
    }


def _legend(palette: Palette) -> dict[str, Any]:
    """Return a legend in one line above the plot, starting at the left."""
    place = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"}
    font = {"size": 11, "color": palette.muted}
    look = {"bgcolor": "rgba(0,0,0,0)", "font": font, "title": {"text": "", "font": font}}
    return {**place, **look, "itemsizing": "trace", "itemwidth": 30}


def legend_text(name: str, end: str = "") -> str:
    """Shorten a name to a legend's length, keeping its `end`, and escape it so that Plotly reads no markup."""
    words = name.removesuffix(end)
    cut = words if len(words) <= _LONGEST_NAME else words[: _LONGEST_NAME - 1] + "…"
    return html.escape(cut + name[len(words) :], quote=False)
