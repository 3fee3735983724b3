"""The gradient check: that it agrees with a right backward pass, and finds a wrong one."""

import numpy as np
import pytest
import reference
from random_networks import every_place, small_samples

from explorer.network import NeuralNetwork
from explorer.network.gradient_check import CheckedWeight, Place, check_gradient, choose_weights


def network(**options):
    return NeuralNetwork(6, (5, 4), 3, **{"seed": 1, **options})


@pytest.mark.parametrize("functions", reference.COMBINATIONS, ids="-".join)
def test_both_gradients_are_right_everywhere(functions):
    activation, output, loss = functions
    nn = network(hidden_activation=activation, output=output, loss=loss)
    X, d = small_samples()
    weights = [w.astype(np.float64) for w in nn.weights()]
    expected = reference.backward(weights, X, d, activation, output, loss)
    checked = check_gradient(nn, X, d, every_place(nn))
    analytic = [weight.analytic for weight in checked]
    np.testing.assert_allclose(analytic, np.concatenate([g.ravel() for g in expected]), rtol=1e-9, atol=1e-13)
    smooth = [weight for weight in checked if not weight.has_kink]
    assert len(smooth) > len(checked) // 2
    for weight in smooth:
        assert weight.agrees
        assert weight.numeric == pytest.approx(weight.analytic, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("factor", [-1.0, 0.5, 1.001])
def test_a_wrong_backward_pass_is_found(monkeypatch, factor):
    right = NeuralNetwork.backward
    monkeypatch.setattr(
        NeuralNetwork, "backward", lambda *args: tuple(factor * step for step in right(*args))
    )
    checked = check_gradient(network(), *small_samples(), [Place("W1", 2, 3), Place("b3", 1, 0)])
    assert [weight.agrees for weight in checked] == [False, False]
    assert checked[0].relative_difference == pytest.approx(abs(1 - factor) / max(1, abs(factor)), rel=1e-4)


def test_the_network_is_not_changed():
    nn = network()
    nn.forward(np.ones((6, 2)))
    weights, sums = nn.weights(), nn.a1.copy()
    check_gradient(nn, *small_samples(), every_place(nn))
    np.testing.assert_equal(weights, nn.weights())
    np.testing.assert_array_equal(nn.a1, sums)


def test_a_kink_is_found_where_a_relu_turns_on():
    nn = NeuralNetwork(1, 2, 1, hidden_activation="relu", dtype=np.float64, seed=0)
    nn.W1, nn.b1, nn.W2 = [[1.0], [1.0]], [[-1.0], [-0.5]], [[1.0, 1.0]]
    on_edge, off_edge = check_gradient(nn, [[1.0]], [[0.0]], [Place("W1", 0, 0), Place("W1", 1, 0)])
    assert on_edge.has_kink
    assert not off_edge.has_kink
    assert off_edge.agrees


def test_without_numbers_nothing_agrees():
    nn = network()
    nn.W1 = np.full((5, 6), np.nan)
    (weight,) = check_gradient(nn, *small_samples(), [Place("W2", 0, 0)])
    assert not weight.agrees
    assert np.isnan(weight.relative_difference)


def test_the_relative_difference_is_none_within_the_noise_of_the_loss():
    for analytic, numeric, difference in ((0, 0, 0), (2, 1, 0.5), (-1, 1, 2), (0, 4, 1)):
        weight = CheckedWeight(Place("W1", 0, 0), analytic, numeric, 0.0, False)
        assert weight.relative_difference == difference
        assert weight.agrees == (difference == 0)
    for noise, agrees in ((1e-11, True), (1e-13, False)):
        assert CheckedWeight(Place("W1", 0, 0), 1e-12, 3e-12, noise, False).agrees is agrees


def test_chosen_weights_come_from_all_layers_and_from_lit_inputs():
    nn = NeuralNetwork(100, (5, 4), 3, seed=0)
    X = np.zeros((100, 4))
    X[[7, 31]] = 0.5
    for seed in range(20):
        places = choose_weights(nn, X, np.random.default_rng(seed), 8)
        assert [place.parameter for place in places] == ["W1", "W1", "b1", "W2", "W2", "b2", "W3", "b3"]
        assert {place.column for place in places if place.parameter == "W1"} <= {7, 31}
        for place in places:
            assert getattr(nn, place.parameter)[place.row, place.column] is not None


def test_there_is_a_weight_for_every_layer():
    nn, X = network(), small_samples()[0]
    assert [p.parameter for p in choose_weights(nn, X, np.random.default_rng(0), 3)] == ["W1", "W2", "W3"]
    with pytest.raises(ValueError, match="at least 3"):
        choose_weights(nn, X, np.random.default_rng(0), 2)
    assert choose_weights(nn, np.zeros((6, 2)), np.random.default_rng(0))[0].parameter == "W1"  # no pixel
    assert str(Place("W1", 3, 402)) == "W1[3, 402]"
