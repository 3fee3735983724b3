"""How the layers of a network do over the epochs: strength of the gradient, and what hardly lets it through.

One trace a layer, always the same for the same layer. A layer's trace also has its own dash and marker, so that it
is told from its neighbours without colours.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from explorer.figures.axes import epoch_mark, epoch_step, linear_range, log_range
from explorer.figures.formulas import written
from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import template
from explorer.network.diagnostics import LayerDiagnostics
from explorer.wording import grouped

__all__ = [
    "TRACE_NAMES",
    "Measure",
    "layers_figure",
    "layers_layout",
    "layers_style",
    "layers_summary",
    "layers_traces",
]

HIDDEN_SLOTS = 6
"""Most hidden layers that can be shown."""

TRACE_NAMES = (*(f"layer {number}" for number in range(1, HIDDEN_SLOTS + 1)), "output")
"""The traces in their order, one a layer from the input on."""

Measure = Literal["gradient", "stuck"]
"""``"gradient"``: RMS per weight of the gradient of the mean loss. ``"stuck"``: percent of a layer's dead units
(relu) or saturated activations (sigmoid, tanh); `LayerDiagnostics` says when they count as that.

A relu unit may well be 0 on one image, only one that is on all has stopped learning: units are counted. Sigmoid
and tanh units come near a limit on more and more images long before one is there on all: activations are counted,
which gives the share of units that are saturated on an image, on average.
"""

Diagnoses = Mapping[float, Sequence[LayerDiagnostics]]
"""What is known of each layer, by epoch."""

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
_MARKERS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "circle-open")
_MOST_MARKERS = 50  # beyond, markers merge into a thick line
_FEW_DECADES = 4  # up to here an axis also has ticks at 2 and 5
_LEAST_TOP = 5.0  # percent: one dead unit must not look like many
_DEAD, _SATURATED = "dead units", "saturated activations"


def layers_traces(diagnoses: Diagnoses, measure: Measure) -> list[dict[str, Any]]:
    """Return what changes with the data in the traces of `layers_figure`.

    Parameters
    ----------
    diagnoses : mapping of float to sequence of LayerDiagnostics
        What is known of each layer, by epoch, in any order; the layers are the same for all epochs, at most
        `HIDDEN_SLOTS` hidden ones and the output.
    measure : {"gradient", "stuck"}
        What is drawn.

    Returns
    -------
    list of dict
        One for each name in `TRACE_NAMES`: `x` in epochs, `y` in the measure's unit (float32, NaN for what has
        no place on the axis), `visible`, `mode`, `hovertemplate`.
    """
    epochs = sorted(diagnoses)
    traces: list[dict[str, Any]] = []
    for slot in range(len(TRACE_NAMES)):
        values = [_value(diagnoses[epoch], slot, measure) for epoch in epochs]
        shown = [value is not None for value in values]
        traces.append(
            {
                "x": np.array(epochs if any(shown) else [], np.float32),
                "y": np.array([value for value in values if value is not None], np.float32),
                "visible": any(shown),
                "mode": "lines+markers" if len(epochs) <= _MOST_MARKERS else "lines",
                "hovertemplate": _hover(diagnoses, slot, measure),
            }
        )
    return traces


def layers_layout(
    diagnoses: Diagnoses,
    measure: Measure,
    *,
    n_epochs: int,
    epoch: float | None = None,
    theme: Theme = "light",
) -> dict[str, Any]:
    """Return what changes with the data in the layout of `layers_figure`, whose parameters these are."""
    values = [value for value in _values(diagnoses, measure) if math.isfinite(value)]
    if measure == "gradient":
        low, high = log_range(values)
        few = high - low < _FEW_DECADES
        axis = {"type": "log", "range": [low, high], "tickformat": "~g", "dtick": "D2" if few else 1}
    else:
        low, high = linear_range([*values, _LEAST_TOP], [])
        axis = {"type": "linear", "range": [low, min(high, 102.0)]}
    return {
        "xaxis": {"range": [0, 1.01 * n_epochs], "dtick": epoch_step(n_epochs)},
        "yaxis": {**axis, "title": {"text": _axis_title(diagnoses, measure)}},
        "shapes": epoch_mark(epoch, theme),
    }


def layers_style(measure: Measure, theme: Theme = "light") -> list[dict[str, Any]]:
    """Return what changes with the theme in the traces of `layers_figure`, and what never changes."""
    return [
        {
            "type": "scatter",
            "name": name,
            "line": {"color": colour, "dash": dash},
            "marker": {"color": colour, "symbol": marker, "size": 6},
            "cliponaxis": False,  # those of epoch 0 are whole
        }
        for name, colour, dash, marker in zip(TRACE_NAMES, _colours(theme), _DASHES, _MARKERS, strict=True)
    ]


def layers_figure(
    diagnoses: Diagnoses,
    measure: Measure,
    *,
    n_epochs: int,
    epoch: float | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Return one measure of each layer over the epochs.

    Parameters
    ----------
    diagnoses : mapping of float to sequence of LayerDiagnostics
        As in `layers_traces`.
    measure : {"gradient", "stuck"}
        The RMS per weight of the gradient of the mean loss, on a log axis; or the share of dead units (relu) and
        of saturated activations (sigmoid, tanh) in percent. Softmax has no such share.
    n_epochs : int
        End of the epoch axis.
    epoch : float, optional
        The selected epoch, marked by a vertical line.
    theme : {"light", "dark"}
        Colours.
    """
    looks, values = layers_style(measure, theme), layers_traces(diagnoses, measure)
    fixed = {
        "template": template(theme),
        "height": 280,
        "showlegend": True,
        "xaxis": {"title": {"text": "epoch"}},
    }
    layout = layers_layout(diagnoses, measure, n_epochs=n_epochs, epoch=epoch, theme=theme)
    figure = go.Figure([look | data for look, data in zip(looks, values, strict=True)], fixed)
    return figure.update_layout(layout)


def layers_summary(layers: Sequence[LayerDiagnostics], n_images: int) -> tuple[str, str]:
    """Return what is to say of the layers at one moment, a line for each measure.

    Parameters
    ----------
    layers : sequence of LayerDiagnostics
        All layers, the output layer last.
    n_images : int
        Test images that they were diagnosed on.

    Returns
    -------
    tuple of str
        As ``"gradient of the mean loss of 512 test images, RMS per weight: layer 1 0.0012, output 0.0045"``
        and ``"dead units (0 on all of 512 test images): layer 1 3 %"``.
    """
    named = list(zip(_names(len(layers)), layers, strict=True))
    images = f"{grouped(n_images)} test images"
    strengths = [f"{name} {written(layer.gradient_rms)}" for name, layer in named]
    dead = [f"{name} {100 * layer.dead:.0f} %" for name, layer in named if layer.activation == "relu"]
    saturated = [
        f"{name} {100 * layer.saturated:.0f} %"
        for name, layer in named
        if layer.activation not in ("relu", "softmax")
    ]
    targets = " (its targets are 0 and 1)" if layers[-1].activation == "sigmoid" else ""
    stuck = [f"{_DEAD} (0 on all of {images}): {', '.join(dead)}"] if dead else []
    if saturated:
        on = "" if dead else f", on {images}"
        stuck.append(f"{_SATURATED} (within 1 % of a limit{on}): {', '.join(saturated)}{targets}")
    return f"gradient of the mean loss of {images}, RMS per weight: {', '.join(strengths)}", "; ".join(stuck)


def _names(n_layers: int) -> tuple[str, ...]:
    return (*TRACE_NAMES[: n_layers - 1], TRACE_NAMES[-1])


def _value(layers: Sequence[LayerDiagnostics], slot: int, measure: Measure) -> float | None:
    """Return what is drawn of the layer in `slot`: NaN for what the axis has no place for, None for no layer."""
    layer = _in_slot(layers, slot)
    if layer is None or (measure == "stuck" and layer.activation == "softmax"):
        return None
    if measure == "stuck":
        return 100 * _share(layer)
    return layer.gradient_rms if 0 < layer.gradient_rms < math.inf else math.nan


def _in_slot(layers: Sequence[LayerDiagnostics], slot: int) -> LayerDiagnostics | None:
    return dict(zip(_names(len(layers)), layers, strict=True)).get(TRACE_NAMES[slot])


def _hover(diagnoses: Diagnoses, slot: int, measure: Measure) -> str:
    layer = next((_in_slot(layers, slot) for layers in diagnoses.values()), None)
    if measure == "gradient":
        shown = "%{y:.2e} per weight"
    elif layer is not None and layer.activation == "relu":
        shown = "%{y:.1f} % of its units dead"
    else:
        shown = "%{y:.1f} % of its activations saturated"
    return f"epoch %{{x}} · {TRACE_NAMES[slot]}: {shown}<extra></extra>"


def _axis_title(diagnoses: Diagnoses, measure: Measure) -> str:
    if measure == "gradient":
        return "gradient RMS per weight"
    names = {layer.activation for layers in diagnoses.values() for layer in layers}
    counted = [_DEAD] if "relu" in names else []
    if names & {"sigmoid", "tanh"} or not counted:
        counted.append(_SATURATED)
    return f"{', '.join(counted)} (%)"


def _values(diagnoses: Diagnoses, measure: Measure) -> Iterable[float]:
    for layers in diagnoses.values():
        for slot in range(len(TRACE_NAMES)):
            value = _value(layers, slot, measure)
            if value is not None:
                yield value


def _share(layer: LayerDiagnostics) -> float:
    return layer.dead if layer.activation == "relu" else layer.saturated


def _colours(theme: Theme) -> list[str]:
    """Return one colour a trace, from the page's blue to the colour of text: an order, in one hue."""
    palette = PALETTES[theme]
    heat, accent, text = (
        np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
        for colour in (palette.heat, palette.accent, palette.text)
    )
    scale = np.rint(np.linspace((heat + accent) / 2, text, len(TRACE_NAMES))).astype(int)
    return ["#" + "".join(f"{part:02x}" for part in colour) for colour in scale]
