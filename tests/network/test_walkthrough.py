"""One sample's passes, compared with the plain network."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import reference

from explorer.network import NeuralNetwork
from explorer.network.walkthrough import busiest_units, walk_through

COMBINATIONS = list(itertools.product(reference.ACTIVATIONS, reference.OUTPUTS, reference.LOSSES))


def network(**options):
    return NeuralNetwork(6, (5, 4), 3, dtype=np.float64, seed=1, **options)


def sample(true=1):
    return np.random.default_rng(2).uniform(0, 1, 6), np.eye(3)[true]


@pytest.mark.parametrize(("activation", "output", "loss"), COMBINATIONS, ids=map("-".join, COMBINATIONS))
def test_every_number_is_the_reference_networks(activation, output, loss):
    nn = network(hidden_activation=activation, output=output, loss=loss)
    x, d = sample()
    walk = walk_through(nn, x, d)
    a, h = reference.forward(nn.weights(), x[:, None], activation, output)
    delta = reference.output_delta(h[-1], d[:, None], output, loss)
    for layer in reversed(walk.layers):
        i = layer.number - 1
        np.testing.assert_allclose(layer.a, a[i][:, 0], rtol=1e-12)
        np.testing.assert_allclose(layer.h, h[i + 1][:, 0], rtol=1e-12)
        np.testing.assert_allclose(layer.inputs, h[i][:, 0], rtol=1e-12)
        np.testing.assert_allclose(layer.delta, delta[:, 0], rtol=1e-9, atol=1e-15)
        if i:
            delta = (nn.weights()[2 * i].T @ delta) * reference.d_hidden(activation, a[i - 1])
    assert walk.loss == pytest.approx(reference.loss(loss, h[-1], d[:, None]))
    assert (walk.true, walk.decided) == (1, int(h[-1].argmax()))
    assert [layer.activation for layer in walk.layers] == [activation, activation, output]


def test_what_was_handed_out_stays_when_the_network_moves_on():
    nn = network()
    walk = walk_through(nn, *sample())
    before = [array.copy() for layer in walk.layers for array in (layer.W, layer.a, layer.h, layer.delta)]
    nn.W1 *= 2
    nn.forward(np.ones((6, 1)))
    after = [array for layer in walk.layers for array in (layer.W, layer.a, layer.h, layer.delta)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_busiest_unit_adds_most_to_the_next_layers_unit():
    nn = network()
    walk = walk_through(nn, *sample())
    first, second, output = busiest_units(walk, 2)
    assert output == 2
    assert second == np.argmax(np.abs(nn.W3[2] * walk.layers[1].h))
    assert first == np.argmax(np.abs(nn.W2[second] * walk.layers[0].h))


def test_a_network_of_no_numbers_has_busiest_units_too():
    nn = network()
    nn.W2 = np.full((4, 5), np.nan)
    assert busiest_units(walk_through(nn, *sample()), 0)[-1] == 0


def test_a_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="X has shape"):
        walk_through(network(), np.zeros(5), np.eye(3)[0])
