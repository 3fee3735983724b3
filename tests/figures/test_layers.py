"""The layers over the epochs: which trace holds what, and what is left out."""

import math

import numpy as np
import pytest

from explorer.figures.layers import layers_data, layers_figure, layers_summary
from explorer.network.diagnostics import LayerDiagnostics

TRACE_NAMES = (*(f"layer {number}" for number in range(1, 7)), "output")


def layer(number, activation="sigmoid", *, gradient=1e-3, saturated=0.0, dead=0.0):
    return LayerDiagnostics(number, activation, 8, saturated, dead, gradient)


@pytest.fixture
def diagnoses():
    """Two hidden layers, later epochs first."""
    return {
        epoch: (
            layer(1, gradient=1e-2 / (1 + epoch), saturated=0.1 * epoch),
            layer(2, gradient=1e-3 / (1 + epoch)),
            layer(3, gradient=1e-1 / (1 + epoch), saturated=0.3),
        )
        for epoch in (2.0, 0.0, 1.0)
    }


def test_each_layer_has_its_trace(diagnoses):
    figure = layers_figure(diagnoses, "gradient", n_epochs=10)
    assert tuple(trace.name for trace in figure.data) == TRACE_NAMES
    shown = {trace.name: trace for trace in figure.data if trace.visible}
    assert list(shown) == ["layer 1", "layer 2", "output"]
    np.testing.assert_allclose(shown["layer 1"].x, [0, 1, 2])
    np.testing.assert_allclose(shown["layer 1"].y, [1e-2, 1e-2 / 2, 1e-2 / 3], rtol=1e-6)
    np.testing.assert_allclose(shown["output"].y, [1e-1, 1e-1 / 2, 1e-1 / 3], rtol=1e-6)


def test_relu_units_are_dead_and_softmax_ones_neither():
    layers = (layer(1, "relu", dead=0.25, saturated=0.9), layer(2, "softmax", saturated=0.9))
    traces = dict(zip(TRACE_NAMES, layers_data({1.0: layers}, "stuck", n_epochs=10)[0], strict=True))
    assert traces["layer 1"]["y"].tolist() == [25]
    assert not traces["output"]["visible"]
    assert layers_data({1.0: layers}, "gradient", n_epochs=10)[0][-1]["visible"]


@pytest.mark.parametrize("gradient", [0.0, math.nan, math.inf])
def test_what_has_no_place_on_the_log_axis_is_a_gap(gradient):
    diagnoses = {0.0: (layer(1),), 1.0: (layer(1, gradient=gradient),), 2.0: (layer(1),)}
    y = layers_data(diagnoses, "gradient", n_epochs=10)[0][-1]["y"]
    assert np.isnan(y).tolist() == [False, True, False]
    low, high = layers_data(diagnoses, "gradient", n_epochs=2)[1]["yaxis"]["range"]
    assert low < math.log10(1e-3) < high


def test_axes(diagnoses):
    layout = layers_data(diagnoses, "stuck", n_epochs=10, epoch=2.0)[1]
    assert layout["xaxis"]["range"] == [0, 10.1]
    assert layout["yaxis"]["range"] == [0, 30.6]
    (mark,) = layout["shapes"]
    assert (mark["x0"], mark["x1"]) == (2.0, 2.0)
    full = {1.0: (layer(1, saturated=1.0),)}
    assert layers_data(full, "stuck", n_epochs=1)[1]["yaxis"]["range"][1] <= 102
    one = {1.0: (layer(1, saturated=0.001),)}
    assert layers_data(one, "stuck", n_epochs=1)[1]["yaxis"]["range"] == [0, 5.1]
    assert layers_data(diagnoses, "gradient", n_epochs=10)[1]["shapes"] == []


def test_the_summary_says_what_is_counted(diagnoses):
    gradient, stuck = layers_summary(diagnoses[1.0], 512)
    assert gradient == (
        "gradient of the mean loss of 512 test images, RMS per weight: "
        "layer 1 0.00500, layer 2 5.00\u00a0×\u00a010⁻⁴, output 0.0500"
    )
    assert stuck == (
        "saturated activations (within 1 % of a limit, on 512 test images): "
        "10 % of layer 1, 0 % of layer 2, 30 % of output (its targets are 0 and 1)"
    )


@pytest.mark.parametrize(("output", "words"), [
    ("softmax", "dead units (0 on all of 512 test images): 25 % of layer 1, 0 % of layer 2"),
    (
        "sigmoid",
        "dead units (0 on all of 512 test images): 25 % of layer 1, 0 % of layer 2; "
        "saturated activations (within 1 % of a limit): 30 % of output (its targets are 0 and 1)",
    ),
])  # fmt: skip
def test_relu_units_and_sigmoid_activations_are_not_mixed_up(output, words):
    layers = (layer(1, "relu", dead=0.25), layer(2, "relu"), layer(3, output, saturated=0.3))
    assert layers_summary(layers, 512)[1] == words


@pytest.mark.parametrize(("activation", "output", "title"), [
    ("sigmoid", "sigmoid", "saturated activations (%)"),
    ("tanh", "softmax", "saturated activations (%)"),
    ("relu", "softmax", "dead units (%)"),
    ("relu", "sigmoid", "dead units, saturated activations (%)"),
])  # fmt: skip
def test_the_axis_names_what_is_counted(activation, output, title):
    seen = {1.0: (layer(1, activation), layer(2, output))}
    assert layers_figure(seen, "stuck", n_epochs=2).layout.yaxis.title.text == title
