"""How the weights or activations of each layer are spread, against how they were at the start.

One row a layer, all on one axis, so that layers can be compared. The number of traces never changes. Heights
are square roots of shares (a rootogram; J. W. Tukey, "Exploratory Data Analysis", 1977): next to the many zeros
of relu, the other activations would otherwise look like none.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import template

__all__ = [
    "LAYER_SLOTS",
    "TRACE_NAMES",
    "histograms_figure",
    "histograms_layout",
    "histograms_style",
    "histograms_traces",
]

LAYER_SLOTS = 7
"""Most layers that can be shown: six hidden ones and the output."""

TRACE_NAMES = ("at the start", "now") * LAYER_SLOTS
"""The traces in their order, two for each layer, from the input on."""

Layers = Sequence[NDArray[np.floating]]

_BINS = 50
_MOST_VALUES = 50_000  # a histogram of more looks the same, and a large layer would take longer than a tick
_ROW = 0.85  # height of a row's largest bin; rows are 1 apart
_PIXELS = 90  # height of a row


def histograms_traces(now: Layers, start: Layers) -> list[dict[str, Any]]:
    """Return what changes with the data in the traces of `histograms_figure`.

    Parameters
    ----------
    now, start : sequence of ndarray of float, any shape
        One array a layer, at most `LAYER_SLOTS`, from the input on; of a large one, every k-th value is
        counted. `start` may be empty: then only `now` is shown.

    Returns
    -------
    list of dict
        One for each name in `TRACE_NAMES`: `x` is the middle of each bin, `y` the square root of its share
        above the row's base (the first layer's row stands on top), `customdata` its share of the layer's values in
        percent.
    """
    low, high = _limits(now, start)
    edges = np.linspace(low, high, _BINS + 1)
    middles = ((edges[1:] + edges[:-1]) / 2).astype(np.float32)
    nothing = {"x": middles[:0], "y": middles[:0], "customdata": middles[:0], "visible": False}
    traces: list[dict[str, Any]] = []
    for slot in range(LAYER_SLOTS):
        pair = [_shares(layers[slot], low, high) if slot < len(layers) else None for layers in (start, now)]
        tallest = max((float(shares.max()) for shares in pair if shares is not None), default=0.0) or 1.0
        base = len(now) - 1 - slot
        for shares in pair:
            if shares is None:
                traces.append(dict(nothing))
            else:
                height = (base + _ROW * np.sqrt(shares / tallest)).astype(np.float32)
                traces.append(
                    {
                        "x": middles,
                        "y": height,
                        "customdata": (100 * shares).astype(np.float32),
                        "visible": True,
                    }
                )
    return traces


def histograms_layout(now: Layers, start: Layers, names: Sequence[str], *, what: str) -> dict[str, Any]:
    """Return what changes with the data in the layout of `histograms_figure`."""
    low, high = _limits(now, start)
    rows = len(now)
    return {
        "xaxis": {"title": {"text": what}, "range": [low, high]},
        "yaxis": {
            "range": [-0.05, max(rows, 1)],
            "tickvals": list(range(rows)),
            "ticktext": list(names)[::-1],
            "title": {"text": "share (square-root scale)"},
        },
    }


def histograms_style(theme: Theme = "light", *, what: str) -> list[dict[str, Any]]:
    """Return what changes with the theme in the traces of `histograms_figure`, and what never changes."""
    palette = PALETTES[theme]
    colours = {"at the start": palette.earlier, "now": palette.train}
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "legendgroup": name,
            "showlegend": i < 2,
            "line": {"color": colours[name], "width": 1.5, "shape": "hvh"},
            "hovertemplate": f"{what} %{{x:.3f}}: %{{customdata:.2f}} % {name}<extra></extra>",
        }
        for i, name in enumerate(TRACE_NAMES)
    ]


def histograms_figure(
    now: Layers, start: Layers = (), *, names: Sequence[str], what: str = "weight", theme: Theme = "light"
) -> go.Figure:
    """Return one histogram a layer, now against the start.

    Parameters
    ----------
    now, start : sequence of ndarray of float
        As in `histograms_traces`.
    names : sequence of str
        Name of each layer in `now`.
    what : str
        What is counted: ``"weight"`` or ``"activation"``.
    theme : {"light", "dark"}
        Colours.

    Raises
    ------
    ValueError
        If there are more layers than `LAYER_SLOTS`, or not one name for each.
    """
    if len(now) > LAYER_SLOTS or len(names) != len(now):
        raise ValueError(
            f"{len(now)} layers have {len(names)} names; expected up to {LAYER_SLOTS}, one name each"
        )
    traces = histograms_traces(now, start)
    data = [look | values for look, values in zip(histograms_style(theme, what=what), traces, strict=True)]
    fixed = {
        "template": template(theme),
        "height": 90 + _PIXELS * max(len(now), 1),
        "showlegend": True,
        "xaxis": {"zeroline": True},
    }
    return go.Figure(data, fixed).update_layout(histograms_layout(now, start, names, what=what))


def _sample(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the finite ones of at most `_MOST_VALUES` values, evenly chosen."""
    flat = np.asarray(values).ravel()
    kept: NDArray[np.float64] = flat[:: -(-flat.size // _MOST_VALUES) or 1].astype(np.float64)
    return kept[np.isfinite(kept)]


def _limits(now: Layers, start: Layers) -> tuple[float, float]:
    """Return the ends of the common axis: around all values, and around 0."""
    samples = [sample for sample in map(_sample, (*now, *start)) if sample.size]
    low = min((float(sample.min()) for sample in samples), default=0.0)
    high = max((float(sample.max()) for sample in samples), default=0.0)
    low, high = min(low, 0.0), max(high, 0.0)
    return (low, high) if low < high else (-1.0, 1.0)


def _shares(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.float64]:
    """Return the share of the values in each of `_BINS` bins between `low` and `high`."""
    sample = _sample(values)
    bins = np.minimum((_BINS * ((sample - low) / (high - low))).astype(np.intp), _BINS - 1)
    shares: NDArray[np.float64] = np.bincount(bins, minlength=_BINS) / max(sample.size, 1)
    return shares
