"""The layers of a network: histograms of weights or activations, diagnostics over the epochs, and a map of images.

Histograms are compared with the start: one row per layer, all on one axis. Heights are square roots of shares (a
rootogram; J. W. Tukey, "Exploratory Data Analysis", 1977): next to the many zeros of relu, the other activations
would otherwise be invisible.

Diagnostics are the gradient's strength, and units that block the gradient. On the map, images are dots of their
class's color, near each other if the layer's units answer alike.
"""

import html
import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.axes import as_float32, epoch_axis, epoch_mark, line_mode, linear_range, log_range
from explorer.figures.data_table import GUIDE
from explorer.figures.formulas import written
from explorer.figures.palette import CLASS_COLORS, PALETTES, Theme, rgb
from explorer.figures.template import FigureData, axis, drawn, drawn_data, legend_text, scatter
from explorer.inspection.projection import Projection
from explorer.network.diagnostics import LayerDiagnostics
from explorer.wording import counted, percent

LayerMeasure = Literal["gradient", "stuck"]
"""``"gradient"``: RMS per weight of the gradient of the mean loss. ``"stuck"``: percent of a layer's dead units
(relu) or saturated activations (sigmoid, tanh), as defined in `LayerDiagnostics`.

A relu unit may well be 0 on one image; only one that is 0 on all has stopped learning, so units are counted.
Sigmoid and tanh units come near a limit on more and more images long before they saturate on all, so activations
are counted, which gives the average share of units that are saturated on an image.
"""

Diagnoses = Mapping[float, Sequence[LayerDiagnostics]]
"""Diagnostics of each layer, by epoch, in any order; the layers are the same for all epochs."""

LAYER_SLOTS = 7
"""Maximum number of layers: six hidden ones and the output."""

_Layers = Sequence[NDArray[np.floating]]

_TIMES = ("at the start", "now")
_BINS = 50
_MOST_VALUES = 50_000  # a histogram of more looks the same, and takes longer than an update interval
_ROW = 0.85  # height of a row's largest bin; rows are 1 apart
_PIXELS = 90  # height of a row

_SYMBOLS = ("circle", "diamond", "square")
N_SYMBOLS = len(_SYMBOLS)
_MOST_IN_LEGEND = 20
_AXES = "first axis", "second axis"

_NAMES = (*(f"layer {number}" for number in range(1, 7)), "output")  # of traces
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
_MARKERS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "circle-open")
_FEW_DECADES = 4  # up to here an axis also has ticks at 2 and 5
_LEAST_TOP = 5.0  # percent: one dead unit must not look like many
_DEAD, _SATURATED = "dead units", "saturated activations"


def layers_data(
    diagnoses: Diagnoses,
    measure: LayerMeasure,
    *,
    n_epochs: int,
    epoch: float | None = None,
    theme: Theme = "light",
) -> FigureData:
    """Return the properties of `layers_figure` that depend on the data; a vertical line marks the `epoch`.

    There is a trace for each of six hidden layers, and the output; NaN is where the axis can't show the value.
    """
    epochs = sorted(diagnoses)
    shown = [_shown(diagnoses[epoch], measure) for epoch in epochs]
    hovers = {}
    for name, layer in _named(diagnoses[epochs[0]]) if epochs else ():
        stuck = "units dead" if layer.activation == "relu" else "activations saturated"
        hovers[name] = "%{y:.2e} per weight" if measure == "gradient" else f"%{{y:.1f}} % of its {stuck}"
    values = {name: [of_epoch[name] for of_epoch in shown if name in of_epoch] for name in _NAMES}
    traces = [
        {
            "x": as_float32(epochs if known else []),
            "y": as_float32(known),
            "visible": bool(known),
            "mode": line_mode(len(epochs)),
            "hovertemplate": f"epoch %{{x}} · {name}: {hovers.get(name, '')}<extra></extra>",
        }
        for name, known in values.items()
    ]
    finite = [value for known in values.values() for value in known if math.isfinite(value)]
    up = axis(_axis_title(diagnoses, measure), **_scale(finite, measure))
    return traces, {"xaxis": epoch_axis(n_epochs), "yaxis": up, "shapes": epoch_mark(epoch, theme)}


def layers_style(theme: Theme = "light") -> list[dict[str, Any]]:
    """Return the properties of the traces of `layers_figure` that depend on the theme or are constant."""
    palette = PALETTES[theme]
    heat, accent, text = (np.array(rgb(color)) for color in (palette.heat, palette.accent, palette.text))
    scale = np.rint(np.linspace((heat + accent) / 2, text, len(_NAMES))).astype(np.uint8)
    colors = [f"#{color.tobytes().hex()}" for color in scale]  # an order, in one hue
    looks = zip(_NAMES, colors, _DASHES, _MARKERS, strict=True)
    lines = (({"color": c, "dash": d}, {"color": c, "symbol": m, "size": 6}, name) for name, c, d, m in looks)
    # Without clipping, markers at epoch 0 are whole.
    return [scatter(name=name, line=line, marker=at, cliponaxis=False) for line, at, name in lines]


def layers_figure(
    diagnoses: Diagnoses, measure: LayerMeasure, *, n_epochs: int, theme: Theme = "light"
) -> go.Figure:
    """Return a figure of one measure of each layer over the epochs; softmax has no share of stuck units."""
    data = layers_data(diagnoses, measure, n_epochs=n_epochs)
    return drawn_data(layers_style(theme), data, theme, height=280, showlegend=True)


def layers_summary(
    layers: Sequence[LayerDiagnostics], n_images: int, noun: str = "test image"
) -> tuple[str, str]:
    """Describe the layers at one moment, diagnosed on `n_images` held-out images, with one line for each measure.

    As ``"gradient of the mean loss of 512 test images, RMS per weight: layer 1 0.0012, output 0.0045"`` and
    ``"dead units (0 on all of 512 test images): 3 % of layer 1"``.
    """
    named, images = _named(layers), counted(n_images, noun)
    strengths = [f"{name} {written(layer.gradient_rms)}" for name, layer in named]
    dead = [f"{_stuck(layer):.0f} % of {name}" for name, layer in named if layer.activation == "relu"]
    smooth = ((name, layer) for name, layer in named if layer.activation not in ("relu", "softmax"))
    saturated = [f"{_stuck(layer):.0f} % of {name}" for name, layer in smooth]
    targets = " (its targets are 0 and 1)" if layers[-1].activation == "sigmoid" else ""
    stuck = [f"{_DEAD} (0 on all of {images}): {', '.join(dead)}"] if dead else []
    if saturated:
        on = "" if dead else f", on {images}"
        stuck.append(f"{_SATURATED} (within 1 % of a limit{on}): {', '.join(saturated)}{targets}")
    return f"gradient of the mean loss of {images}, RMS per weight: {', '.join(strengths)}", "; ".join(stuck)


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


def map_data(
    projection: Projection,
    labels: NDArray[np.integer],
    texts: Sequence[str],
    marks: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    n_classes: int,
) -> FigureData:
    """Return the properties of `map_figure` that depend on the data: true classes, (n,), and hover texts.

    There is a trace for each class, and one for each of the `marks`: misclassified images, and the chosen one.
    """
    (x, y), share = as_float32(projection.points), percent(float(projection.shares.sum()), 0)
    traces: list[dict[str, Any]] = []
    for own in (labels == k for k in range(n_classes)):
        hover = [html.escape(texts[i], quote=False) for i in np.flatnonzero(own).tolist()]
        traces.append({"x": x[own], "y": y[own], "hovertext": hover})
    traces += [{"x": x[shown], "y": y[shown]} for shown in marks]
    return traces, {"xaxis": {"title": {"text": f"{_AXES[0]} · {share} of the variance in these two axes"}}}


def map_style(names: Sequence[str], theme: Theme = "light") -> list[dict[str, Any]]:
    """Return the properties of the traces of `map_figure` that depend on the theme or are constant."""
    style = []
    for k, name in enumerate(names):
        color, symbol = CLASS_COLORS[k % len(CLASS_COLORS)], _SYMBOLS[k % N_SYMBOLS]
        marker: dict[str, Any] = {"color": color, "symbol": symbol, "size": 6, "opacity": 0.8}
        style.append(scatter("%{hovertext}", name=legend_text(name), mode="markers", marker=marker))
    marks = ("misclassified", "circle-open", 10, -1), ("chosen", "star-open", 16, 1)
    for name, symbol, size, depth in marks:
        marker = {"color": PALETTES[theme].text, "symbol": symbol, "size": size, "line": {"width": 1.5}}
        look = {"mode": "markers", "marker": marker, "zorder": depth}  # many rings would cover the dots
        style.append(scatter(name=name, meta=GUIDE, hoverinfo="skip", **look))
    return style


def map_figure(names: Sequence[str], *, theme: Theme = "light") -> go.Figure:
    """Return the figure of a layer's map for classes with these names, without data."""
    across, up = axis(_AXES[0]), axis(_AXES[1], scaleanchor="x")
    has_legend = len(names) <= _MOST_IN_LEGEND
    return drawn(map_style(names, theme), theme, height=480, showlegend=has_legend, xaxis=across, yaxis=up)


def _named(layers: Sequence[LayerDiagnostics]) -> list[tuple[str, LayerDiagnostics]]:
    return [*zip((*_NAMES[: len(layers) - 1], _NAMES[-1]), layers, strict=True)]


def _shown(layers: Sequence[LayerDiagnostics], measure: LayerMeasure) -> dict[str, float]:
    """Return the value to draw for each layer, NaN if the axis can't show it."""
    if measure == "gradient":
        strengths = {name: layer.gradient_rms for name, layer in _named(layers)}
        return {name: value if 0 < value < math.inf else math.nan for name, value in strengths.items()}
    return {name: _stuck(layer) for name, layer in _named(layers) if layer.activation != "softmax"}


def _stuck(layer: LayerDiagnostics) -> float:
    """Return the share of a layer's dead units, or of its saturated activations, in percent."""
    return 100 * (layer.dead if layer.activation == "relu" else layer.saturated)


def _scale(values: Sequence[float], measure: LayerMeasure) -> dict[str, Any]:
    if measure == "gradient":
        low, high = log_range(values)
        few = high - low < _FEW_DECADES
        return {"type": "log", "range": [low, high], "tickformat": "~g", "dtick": "D2" if few else 1}
    low, high = linear_range([*values, _LEAST_TOP], [])
    return {"type": "linear", "range": [low, min(high, 102.0)]}


def _axis_title(diagnoses: Diagnoses, measure: LayerMeasure) -> str:
    if measure == "gradient":
        return "gradient RMS per weight"
    names = {layer.activation for layers in diagnoses.values() for layer in layers}
    shown = [_DEAD] if "relu" in names else []
    if names & {"sigmoid", "tanh"} or not shown:
        shown.append(_SATURATED)
    return f"{', '.join(shown)} (%)"


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
