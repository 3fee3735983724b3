"""A network's layers against the reference; McNemar's test against whole numbers and published values."""

import math
from fractions import Fraction

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from random_networks import all_close

from explorer.network import NeuralNetwork
from explorer.network.diagnostics import diagnose, mcnemar, paired, verdict


def network(n_hidden=(4, 3), **options):
    return NeuralNetwork(5, n_hidden, 3, dtype=np.float64, seed=1, **options)


def probe(n_samples=20):
    rng = np.random.default_rng(2)
    return rng.uniform(0, 1, (5, n_samples)), np.eye(3)[:, rng.integers(0, 3, n_samples)]


def one_unit(name, *, weight):
    """One hidden unit whose weighted sum on the samples −1, 0 and 1 is −weight, 0 and weight."""
    nn = NeuralNetwork(1, 1, 2, dtype=np.float64, hidden_activation=name, seed=0)
    nn.W1 = [[weight]]
    return diagnose(nn, [[-1.0, 0.0, 1.0]], np.eye(2)[:, [0, 1, 0]])


@pytest.mark.parametrize("functions", reference.COMBINATIONS, ids="-".join)
def test_figures_follow_the_reference(functions):
    activation, output, loss = functions
    nn = network(hidden_activation=activation, output=output, loss=loss)
    X, d = probe()
    gradients = reference.backward(nn.weights(), X, d, activation, output, loss)[::2]
    layers = diagnose(nn, X, d)
    found = [(layer.layer, layer.activation, layer.n_units) for layer in layers]
    assert found == [(1, activation, 4), (2, activation, 3), (3, output, 3)]
    for layer, gradient in zip(layers, gradients, strict=True):
        assert layer.gradient_rms == pytest.approx(np.sqrt(np.mean((gradient / 20) ** 2)))


@pytest.mark.parametrize(("name", "weight", "saturated"), [
    ("sigmoid", 4.5, 0), ("sigmoid", 4.7, 2 / 3),  # σ(4.595) = 0.99
    ("tanh", 2.2, 0), ("tanh", 2.4, 2 / 3),  # tanh(2.298) = 0.98
    ("relu", 1e6, 0),
])  # fmt: skip
def test_saturated_is_within_a_hundredth_of_a_limit(name, weight, saturated):
    assert one_unit(name, weight=weight)[0].saturated == pytest.approx(saturated)


def test_a_relu_unit_is_dead_when_it_is_0_on_every_sample():
    nn = NeuralNetwork(1, 4, 2, hidden_activation="relu", seed=0)
    nn.W1, nn.b1 = [[1], [-1], [0], [0]], [[0], [0], [-1], [1]]
    hidden, output = diagnose(nn, [[-1.0, 1.0]], np.eye(2))
    assert hidden.dead == 0.25
    assert output.dead == 0
    assert one_unit("sigmoid", weight=-1e6)[0].dead == 0


def test_softmax_is_never_called_saturated_and_a_diverged_network_has_no_gradient_and_no_warning():
    nn = network(output="softmax", loss="cross_entropy")
    nn.W3 = nn.W3 * 1e6
    assert diagnose(nn, *probe())[-1].saturated == 0
    nn.W1 = nn.W1 * np.nan
    assert all(np.isnan(layer.gradient_rms) for layer in diagnose(nn, *probe()))


def test_the_network_is_not_changed():
    nn = network()
    X, d = probe()
    y, a1 = nn.forward(X).copy(), nn.a1.copy()
    before = nn.weights()
    diagnose(nn, X[:, :3], d[:, :3])
    diagnose(nn, X, d, weights=[w * 2 for w in before])
    all_close(nn.weights(), before, rtol=0)
    np.testing.assert_array_equal(nn.a1, a1)
    np.testing.assert_array_equal(nn.forward(X), y)


def test_weights_of_a_snapshot_take_the_place_of_the_networks_own():
    other = network()
    other.init_weights()
    X, d = probe()
    assert diagnose(network(), X, d, weights=other.weights()) == diagnose(other, X, d)


def slow(only_a, only_b):
    """The definition, in whole numbers."""
    n = only_a + only_b
    tail = sum(math.comb(n, i) for i in range(min(only_a, only_b) + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 2**n)))


def test_a_published_example():
    """Bentur et al. (2009), as treated by Fagerland et al. (2013): 0.070."""
    assert mcnemar(1, 7) == 2 * (1 + 8) / 256


@given(st.integers(0, 400), st.integers(0, 400))
def test_it_is_the_sum_of_binomials(only_a, only_b):
    assert mcnemar(only_a, only_b) == pytest.approx(slow(only_a, only_b), rel=1e-9)
    assert mcnemar(only_a, only_b) == mcnemar(only_b, only_a)


@pytest.mark.long
def test_ten_thousand_images_do_not_overflow():
    assert mcnemar(4950, 5050) == pytest.approx(slow(4950, 5050), rel=1e-9)
    assert mcnemar(5000, 5000) == 1.0
    assert mcnemar(0, 10_000) == 0.0


def test_images_are_counted_by_who_reads_them():
    labels = np.array([0, 1, 2, 0, 1, 2])
    a = np.eye(3)[[0, 1, 2, 1, 0, 0]].T  # right on the first three
    b = np.eye(3)[[0, 0, 2, 0, 1, 1]].T  # right on 0, 2, 3, 4
    assert paired(a, b, labels) == (1, 2)
    assert paired(b, a, labels) == (2, 1)


def test_a_difference_is_said_with_its_chance():
    assert slow(80, 132) == pytest.approx(1 / 2300, rel=0.02)
    assert verdict(80, 132) == (
        "B classifies 132 images correctly that A misclassifies, and A 80 that B misclassifies."
        " If the two were equally good, a gap this large would appear by chance once in 2\u202f300 tests:"
        " strong evidence that B is better."
    )
    assert verdict(132, 80).endswith("tests: strong evidence that A is better.")
    assert verdict(100, 110).endswith("That may be chance (p = 0.53).")
    assert verdict(10, 23).endswith("once in 29 tests: some evidence that B is better.")
    assert verdict(1, 1).startswith("B classifies 1 image correctly")
    assert "less than once in a billion tests" in verdict(0, 1000)
    assert verdict(0, 0) == "A and B classify the same images correctly: these can't tell them apart."
    for counts, end in {
        (11, 23): "chance (p = 0.06).",
        (11, 24): "some evidence that B is better.",
        (24, 47): "strong evidence that B is better.",
        (25, 47): "some evidence that B is better.",
    }.items():
        assert verdict(*counts).endswith(end)
