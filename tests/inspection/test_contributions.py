"""Contributions against the reference."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from random_networks import Unrolled, networks, samples_for

from explorer.inspection import contributions
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
