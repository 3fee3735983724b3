"""The shared style of all figures, one Plotly template per theme, and the assembly of figures."""

import html
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from string import Template
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go

from explorer.figures.palette import PALETTES, Theme

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
    text = (files("explorer.figures") / "template.toml").read_text(encoding="utf-8")
    style = tomllib.loads(Template(text).substitute(asdict(PALETTES[theme]), fonts=_FONTS))
    style["layout"]["yaxis"] = style["layout"]["xaxis"]
    return go.layout.Template(style)


def legend_text(name: str, end: str = "") -> str:
    """Shorten a name to a legend's length, keeping its `end`, and escape it so that Plotly reads no markup."""
    words = name.removesuffix(end)
    cut = words if len(words) <= _LONGEST_NAME else words[: _LONGEST_NAME - 1] + "…"
    return html.escape(cut + name[len(words) :], quote=False)
