"""Contributions against the reference; attribution against central differences and loops; the smallest change."""

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import Unrolled, networks, samples_for

from explorer.inspection.contributions import contributions, d_input, flip, gradient_times_input, occlusion
from explorer.network import NeuralNetwork


@given(networks(), st.data())
def test_terms_and_bias_add_up_to_the_sum_of_the_reference(nn, data):
    x, layer = samples_for(nn, 1), data.draw(st.integers(1, nn.n_layers))
    k = data.draw(st.integers(0, nn.layer_sizes[layer] - 1))
    a, h = reference.forward(nn.parameters, x, nn.hidden_activation, nn.output)
    found = contributions(nn, x[:, 0], k, layer=layer)
    terms = [W * value for W, value in zip(nn.W[layer - 1][k], h[layer - 1][:, 0], strict=True)]
    np.testing.assert_allclose(found.terms, terms, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.inputs, h[layer - 1][:, 0], rtol=1e-9, atol=1e-12)
    assert (found.layer, found.unit, found.bias) == (layer, k, nn.b[layer - 1][k, 0])
    assert found.terms.sum() + found.bias == pytest.approx(found.total, rel=1e-9, abs=1e-9)
    assert found.total == nn.a[layer - 1][k, 0] == pytest.approx(a[layer - 1][k, 0], rel=1e-9, abs=1e-9)
    assert found.output == nn.h[layer][k, 0] == pytest.approx(h[layer][k, 0], rel=1e-9, abs=1e-9)
    decided = contributions(nn, x[:, 0].tolist())
    expected = (nn.n_layers, nn.predict(x)[0], nn.forward(x).max())
    assert (decided.layer, decided.unit, decided.output) == expected


def test_the_largest_come_first_and_what_is_no_number_last():
    nn = NeuralNetwork(6, 2, 2, seed=0)
    nn.W1 = [[1, -3, np.nan, 2, -np.inf, 3]] * 2
    found = contributions(nn, np.ones(6), 0, layer=1)
    assert found.largest(6).tolist() == [4, 1, 5, 3, 0, 2]
    assert np.isnan([found.total, found.output]).all()


def test_a_forward_of_ones_own_that_keeps_no_outputs():
    nn = Unrolled(3, 4, 2, dtype=np.float64, seed=0)
    found = contributions(nn, [0.1, 0.5, 0.9], 1)
    assert found.terms.sum() + found.bias == pytest.approx(found.total)
    assert found.output == pytest.approx(nn.forward([[0.1], [0.5], [0.9]])[1, 0])


@settings(max_examples=60)
@given(networks(("sigmoid", "tanh"), most_units=12))
def test_the_gradient_by_the_inputs_is_the_slope(nn):
    X, classes = samples_for(nn, 3), nn.rng.integers(0, nn.layer_sizes[-1], 3)

    def total():
        nn.forward(X)
        return nn.a[-1][classes, [0, 1, 2]].sum()

    (expected,) = reference.central_differences(total, [X])
    np.testing.assert_allclose(d_input(nn, X, classes), expected, rtol=1e-5, atol=1e-6)
    each = [d_input(nn, X[:, [i]], int(k)) for i, k in enumerate(classes)]
    np.testing.assert_allclose(np.hstack(each), expected, rtol=1e-5, atol=1e-6)


def linear(x=(0.5,) * 6):
    """A network whose relu units are on for every sample, with a small lead of class 0 at x."""
    nn = NeuralNetwork(6, (8, 5), 3, hidden_activation="relu", dtype=np.float64, seed=1)
    for layer in (0, 1):
        nn.W[layer][:], nn.b[layer][:] = np.abs(nn.W[layer]), 1
    nn.forward(np.reshape(x, (6, 1)))
    nn.b3 = [[0.02], [0.01], [0]] - nn.a3
    return nn


def test_gradient_times_input_is_exact_where_the_network_is_linear():
    nn, x = linear(), np.linspace(0, 1, 6)
    found = gradient_times_input(nn, x, 1)
    nn.forward(np.stack([x, 0 * x], axis=1))
    assert found.sum() == pytest.approx(nn.a3[1, 0] - nn.a3[1, 1])
    np.testing.assert_allclose(found, (nn.W3 @ nn.W2 @ nn.W1)[1] * x)


@pytest.mark.parametrize("size", [1, 3, 5, 99])
def test_occlusion_by_a_loop_over_squares(size):
    nn, reach = NeuralNetwork(49, 8, 4, dtype=np.float64, output="softmax", seed=0), size // 2
    image = samples_for(nn, 1).reshape(7, 7)
    found = occlusion(nn, image.ravel(), 2, size=size)
    for row, column in np.ndindex(7, 7):
        blank = image.copy()
        blank[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = 0
        y = nn.forward(np.stack([image.ravel(), blank.ravel()], axis=1))[2]
        assert found[row, column] == pytest.approx(y[0] - y[1], abs=1e-12)


@given(networks(dtype=np.float32, n_input=9), st.data())
def test_a_flip_flips_and_hardly_less_would(nn, data):
    x, target = samples_for(nn, 1), data.draw(st.none() | st.integers(0, nn.layer_sizes[-1] - 1))
    nn.forward(x)
    nn.b[-1] -= np.float32(0.9) * nn.a[-1]
    decided, found = nn.predict(x)[0], flip(nn, x[:, 0], target)
    if found is None:
        return
    reached, shorter = nn.predict(found[:, None])[0], x + np.float32(0.9) * (found[:, None] - x)
    assert reached != decided
    assert target in (None, reached)
    assert nn.predict(shorter)[0] != (reached if target is None else target)
    assert (found.shape, found.dtype, found.min() >= 0, found.max() <= 1) == ((9,), np.float32, True, True)


@pytest.mark.parametrize("target", [None, 1, 2])
def test_the_change_is_the_shortest_where_the_network_is_linear(target):
    nn, x = linear(), np.full(6, 0.5)
    slopes = d_input(nn, np.tile(x[:, None], 3), [0, 1, 2]).T
    lengths = {k: 0.01 * k / np.linalg.norm(slopes[0] - slopes[k]) for k in (1, 2) if target in (None, k)}
    assert 1 < np.linalg.norm(flip(nn, x, target) - x) / min(lengths.values()) < 1.02
    assert flip(nn, x, 0) is None  # it is read so


def test_a_pixel_that_its_border_stops_takes_no_part():
    x = np.full(6, 0.5)
    slope = np.subtract(*d_input(linear(), np.tile(x[:, None], 2), [1, 0]).T)
    pixel = np.abs(slope).argmax()
    x[pixel], slope[pixel] = slope[pixel] > 0, 0
    np.testing.assert_allclose(flip(linear(x), x, 1, steps=1) - x, 0.01 * slope / (slope @ slope), rtol=0.02)


@pytest.mark.parametrize("weight", [0, 1e-30, 1e30, np.nan, np.inf])
def test_where_nothing_can_flip_there_is_no_change_and_a_tie_flips(weight):
    nn = NeuralNetwork(4, 3, 2, seed=0)
    nn.W1, nn.W2, nn.b2 = np.full((3, 4), weight), nn.W2 * 0, [[1], [0]]
    assert flip(nn, [0.5] * 4) is None
    assert flip(NeuralNetwork(4, 3, 1, seed=0), [0.5] * 4) is None  # one class
    tied = NeuralNetwork(2, 2, 2, dtype=np.float64, seed=0)
    tied.W1, tied.W2 = np.eye(2), np.eye(2)
    assert 0 < np.abs(flip(tied, [0.5, 0.5]) - 0.5).max() < 1e-3
