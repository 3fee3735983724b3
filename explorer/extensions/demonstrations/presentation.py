"""How demonstrations look: their texts, by the tables of ``demonstrations.toml``, and figures in any theme."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from importlib.resources import files
from itertools import cycle
from types import MappingProxyType
from typing import Any, Concatenate, ParamSpec

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.experiments import Claim, Demonstration, Knob, Steps, Texts, offered_demonstrations
from explorer.figures.axes import as_float32
from explorer.figures.palette import PALETTES, RUN_COLORS, Theme
from explorer.figures.template import axis, drawn, scatter
from explorer.session import SessionState
from explorer.training import TrainingConfig

_P = ParamSpec("_P")
_Drawing = Callable[[Theme], go.Figure]

_TABLES = tomllib.loads((files(__package__) / "demonstrations.toml").read_text(encoding="utf-8"))
_DASHES = ("solid", "dash", "dot", "dashdot")
PERCENT = MappingProxyType({"range": [0, 102]})  # of an axis


def demonstration(
    key: str, config: TrainingConfig, knob: Knob | None = None, **uses: bool
) -> Callable[[Callable[..., Steps]], Demonstration]:
    """Turn an experiment into the demonstration that has the texts of `key`."""
    table = {"unit": "%"} | _TABLES[key]
    claims = [Claim(number=number, **claim) for number, claim in table.pop("claims").items()]
    texts = Texts(**table, claims=claims)
    return lambda run: Demonstration(key, texts, config, run, knob, **uses)


def described(state: SessionState) -> Sequence[tuple[str, Sequence[str]]]:
    """Return the title and the sentences of each finding of a session; unknown ones are left out."""
    if not state.findings:
        return ()
    known, found = offered_demonstrations(), []
    for key, finding in state.findings.items():
        with suppress(KeyError, ValueError):
            found.append((known[key].texts.title, known[key].sentences(finding.numbers, finding.guess)))
    return found


def for_any_theme(figure: Callable[Concatenate[Theme, _P], go.Figure]) -> Callable[_P, _Drawing]:
    """Have a figure wait for its first parameter, the theme."""

    @wraps(figure)
    def waiting(*args: _P.args, **kwargs: _P.kwargs) -> _Drawing:
        return lambda theme: figure(theme, *args, **kwargs)

    return waiting


@for_any_theme
def curves(theme: Theme, /, named: Mapping[str, Any], x_title: str, y_title: str, **layout: Any) -> go.Figure:
    """Return curves (x, y) by name; one named ``""`` is a thin line to compare with."""
    looks, traces = zip(cycle(RUN_COLORS[theme]), cycle(_DASHES), strict=False), []
    for (name, (x, y)), (color, dash) in zip(named.items(), looks, strict=False):
        look: dict[str, Any] = {"line": {"color": color, "dash": dash}, "mode": "lines+markers"}
        if not name:
            look = {"line": {"color": PALETTES[theme].muted, "dash": "dot", "width": 1}, "mode": "lines"}
        if np.size(x) > 50:
            look["mode"] = "lines"
        hover = f"{name}: %{{y:.4~g}} at %{{x:.4~g}}"
        values = {"x": as_float32(x), "y": as_float32(y)}
        traces.append(scatter(hover, name=name, showlegend=bool(name), **values, **look))
    across, up = axis(x_title, **layout.pop("x", {})), axis(y_title, **layout.pop("y", {}))
    return drawn(traces, theme, height=340, showlegend=len(named) > 1, xaxis=across, yaxis=up, **layout)


@for_any_theme
def pictures(
    theme: Theme, images: Sequence[NDArray[Any]], captions: Sequence[str], columns: int
) -> go.Figure:
    """Return images (28, 28) with a caption below each: gray levels 0 to 1, or −1 to 1 in two hues."""
    palette, side, gap = PALETTES[theme], 28, (10, 4)
    rows, columns = -(-len(images) // columns), min(columns, len(images))
    shape = rows * (side + gap[0]), columns * (side + gap[1])
    gray, hued = (np.full(shape, np.nan, np.float32) for _ in range(2))
    words, below = [], {"yanchor": "top", "font": {"size": 12}}
    for place, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = ((place // columns) * (side + gap[0]), (place % columns) * (side + gap[1]))
        board = hued if np.min(image) < 0 else gray
        board[row : row + side, column : column + side] = image
        words.append({"x": column + side / 2, "y": row + side + 1, "text": caption, **below})
    hues = [[0, palette.negative], [0.5, palette.surface], [1, palette.positive]]
    look = {"type": "heatmap", "zmax": 1, "showscale": False, "hoverinfo": "skip"}
    traces = [
        {**look, "z": gray, "zmin": 0, "colorscale": [[0, palette.raised], [1, palette.text]]},
        {**look, "z": hued, "zmin": -1, "colorscale": hues},
    ]
    # Without "domain" Plotly widens the ranges each time that the figure grows, and the images shrink.
    across = {"visible": False, "range": [-1, shape[1]], "constrain": "domain"}
    up = {"visible": False, "range": [shape[0], -1], "scaleanchor": "x", "constrain": "domain"}
    height = (110 if columns > 3 else 220) * rows + 40
    return drawn(traces, theme, height=height, xaxis=across, yaxis=up, annotations=words)
