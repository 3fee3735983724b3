"""Histograms of the weights or activations of each layer, compared with the start.

One row per layer, all on one axis, so that layers can be compared. Heights are square roots of shares (a
rootogram; J. W. Tukey, "Exploratory Data Analysis", 1977): next to the many zeros of relu, the other activations
would otherwise be invisible.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import FigureData, axis, drawn_data, scatter

LAYER_SLOTS = 7
"""Maximum number of layers: six hidden ones and the output."""

_Layers = Sequence[NDArray[np.floating]]

_TIMES = ("at the start", "now")
_BINS = 50
_MOST_VALUES = 50_000  # a histogram of more looks the same, and takes longer than an update interval
_ROW = 0.85  # height of a row's largest bin; rows are 1 apart
_PIXELS = 90  # height of a row


def histograms_data(now: _Layers, start: _Layers, names: Sequence[str], *, what: str) -> FigureData:
    """Return the properties of `histograms_figure` that depend on the data; its parameters apply.

    Each of `LAYER_SLOTS` layers has two traces, at the start and now: `x` is the middle of each bin, `customdata`
    its share in percent, `y` the square root of that above the row's base. The first layer's row is on top.
    """
    samples = [[_sample(layer) for layer in layers] for layers in (start, now)]
    ends = [end for sample in chain(*samples) for end in (sample.min(initial=0.0), sample.max(initial=0.0))]
    low, high = float(min(ends, default=0.0)), float(max(ends, default=0.0))
    if low == high:
        low, high = -1.0, 1.0
    edges = np.linspace(low, high, _BINS + 1)
    middles = ((edges[1:] + edges[:-1]) / 2).astype(np.float32)
    traces: list[dict[str, Any]] = []
    for slot in range(LAYER_SLOTS):
        pair = [_shares(layers[slot : slot + 1], low, high) for layers in samples]
        tallest = max(shares.max(initial=0.0) for shares in pair) or 1.0
        layer = "output" if slot == len(now) - 1 else f"layer {slot + 1}"
        for time, shares in zip(_TIMES, pair, strict=True):
            height = len(now) - 1 - slot + _ROW * np.sqrt(shares / tallest)
            values = {"y": height.astype(np.float32), "customdata": (100 * shares).astype(np.float32)}
            named = f"{layer}, {time}" if len(now) > 1 else ""
            traces.append({"x": middles[: len(shares)], **values, "visible": len(shares) > 0, "meta": named})
    rows = {"tickvals": list(range(len(now))), "ticktext": list(names)[::-1]}
    up = axis("share (square-root scale)", range=[-0.05, max(len(now), 1)], **rows)
    return traces, {"xaxis": axis(what, range=[low, high]), "yaxis": up}


def histograms_style(theme: Theme = "light", *, what: str) -> list[dict[str, Any]]:
    """Return the properties of the traces of `histograms_figure` that depend on the theme or are constant."""
    colors = dict(zip(_TIMES, (PALETTES[theme].earlier, PALETTES[theme].train), strict=True))
    lines = {name: {"color": color, "width": 1.5, "shape": "hvh"} for name, color in colors.items()}
    hover = f"{what} %{{x:.3f}}: %{{customdata:.2f}} % %{{fullData.name}}"
    return [
        scatter(hover, mode="lines", name=name, legendgroup=name, showlegend=slot == 0, line=line)
        for slot in range(LAYER_SLOTS)
        for name, line in lines.items()
    ]


def histograms_figure(
    now: _Layers, start: _Layers = (), *, names: Sequence[str], what: str = "weight", theme: Theme = "light"
) -> go.Figure:
    """Return one histogram per layer, at most `LAYER_SLOTS` from the input on, now compared with the start.

    In a large layer, every k-th value is counted. `names` are those of the layers in `now`, `what` is counted:
    ``"weight"`` or ``"activation"``.
    """
    style, data = histograms_style(theme, what=what), histograms_data(now, start, names, what=what)
    fixed = {"height": 90 + _PIXELS * max(len(now), 1), "showlegend": True, "xaxis": {"zeroline": True}}
    return drawn_data(style, data, theme, **fixed)


def _sample(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the finite values in an evenly spaced sample of at most `_MOST_VALUES`."""
    flat = np.asarray(values).ravel()
    kept: NDArray[np.float64] = flat[:: -(-flat.size // _MOST_VALUES) or 1].astype(np.float64)
    return kept[np.isfinite(kept)]


def _shares(layer: Sequence[NDArray[np.float64]], low: float, high: float) -> NDArray[np.float64]:
    """Return the share of a layer's values in each of `_BINS` bins from `low` to `high`; empty without a layer."""
    if not layer:
        return np.zeros(0)
    bins = np.minimum((_BINS * ((layer[0] - low) / (high - low))).astype(np.intp), _BINS - 1)
    shares: NDArray[np.float64] = np.bincount(bins, minlength=_BINS) / max(bins.size, 1)
    return shares
