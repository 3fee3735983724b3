"""Damage against loops over units, weights and samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import Unrolled, all_close, networks, samples_for

from explorer.extensions.robustness import damage
from explorer.network import NeuralNetwork


@given(networks(), st.data())
def test_an_ablated_unit_says_0(nn, data):
    X, layer = samples_for(nn, 4), data.draw(st.integers(1, nn.n_layers - 1))
    units, h = data.draw(st.sets(st.integers(0, nn.layer_sizes[layer] - 1))), X
    for number, (W, b, f) in enumerate(zip(nn.W, nn.b, nn.f, strict=True), 1):
        h = f(W @ h + b)
        h[[*units] if number == layer else []] = 0
    np.testing.assert_allclose(damage.ablate(nn, units, layer=layer).forward(X), h, rtol=1e-12)


@given(networks(), st.floats(0, 1))
def test_pruning_removes_exactly_the_smallest(nn, share):
    pruned = damage.prune(nn, share)
    before, after = (np.concatenate([W.ravel() for W in one.W]) for one in (nn, pruned))
    is_gone = after != before
    assert is_gone.sum() == round(share * before.size)
    assert not after[is_gone].any()
    assert np.abs(before[is_gone]).max(initial=0) <= np.abs(before[~is_gone]).min(initial=np.inf)
    all_close(pruned.b, nn.b, rtol=0)


@settings(max_examples=50)
@given(networks(most_units=8), st.integers(1, 8))
def test_quantized_weights_by_a_loop(nn, bits):
    for W, found in zip(nn.W, damage.quantize(nn, bits).W, strict=True):
        most = 2 ** (bits - 1) - 1
        step = np.abs(W).max() / most if most else np.abs(W).mean()
        levels = [step * i for i in range(-most, most + 1)] if most else [-step, step]
        for place, weight in np.ndenumerate(W):
            assert found[place] == pytest.approx(min(levels, key=lambda level: abs(level - weight)))


def test_eight_bits_are_close_and_zeros_stay():
    nn = NeuralNetwork(20, 10, 5, seed=0)
    X = samples_for(nn, 50)
    np.testing.assert_allclose(damage.quantize(nn, 8).forward(X), nn.forward(X), atol=0.01)
    nn.W1 = nn.W1 * 0
    assert not any(damage.quantize(nn, bits).W1.any() for bits in (1, 2, 8))


def test_noise_shuffled_weights_and_a_shifted_bias():
    nn = NeuralNetwork(100, (100, 3), 100, dtype=np.float64, seed=0)
    noisy, again, other = (damage.add_noise(nn, 0.5, seed=seed) for seed in (1, 1, 2))
    for W, before in zip(noisy.W, nn.W, strict=True):
        assert (W - before).std() == pytest.approx(0.5 * before.std(), rel=0.1)
    all_close(again.parameters, noisy.parameters, rtol=0)
    assert (other.W1 != noisy.W1).all()
    shuffled, again = (damage.shuffle_weights(nn, seed=1) for _ in range(2))
    all_close([np.sort(shuffled.W1), *shuffled.parameters[1:]], [np.sort(nn.W1), *nn.parameters[1:]], rtol=0)
    assert (shuffled.W1 != nn.W1).mean() > 0.9
    np.testing.assert_array_equal(again.W1, shuffled.W1)
    b2 = nn.b2 + [[0], [0], [0.5]]  # noqa: RUF005
    all_close(damage.shift_bias(nn, 2, 0.5, layer=2).parameters, [*nn.parameters[:3], b2, *nn.parameters[4:]])


@given(networks(), st.floats(-3, 3), st.data())
def test_a_layer_is_scaled_and_a_bias_flipped(nn, factor, data):
    layer = data.draw(st.integers(1, nn.n_layers))
    unit = data.draw(st.integers(0, nn.layer_sizes[layer] - 1))
    expected = nn.copy()
    for row in expected.W[layer - 1]:
        row[:] = [factor * weight for weight in row]
    all_close(damage.scale_weights(nn, factor, layer=layer).parameters, expected.parameters, rtol=1e-12)
    flipped = damage.flip_bias(nn, unit, layer=layer)
    assert flipped.b[layer - 1][unit] == -nn.b[layer - 1][unit] != 0
    all_close(damage.flip_bias(flipped, unit, layer=layer).parameters, nn.parameters, rtol=0)
    all_close(flipped.W, nn.W, rtol=0)


@given(networks(), st.data())
def test_units_have_no_order(nn, data):
    X, layer = samples_for(nn, 3), data.draw(st.integers(1, nn.n_layers - 1))
    both = [data.draw(st.integers(0, nn.layer_sizes[layer] - 1)) for _ in range(2)]
    whole, half = (damage.swap_units(nn, *both, layer=layer, whole=whole) for whole in (True, False))
    np.testing.assert_allclose(whole.forward(X), nn.forward(X), rtol=1e-9)
    np.testing.assert_allclose(whole.h[layer][both], nn.h[layer][both[::-1]], rtol=1e-9)
    half.W[layer][:, both] = half.W[layer][:, both[::-1]]
    all_close(half.parameters, whole.parameters, rtol=0)


def assert_importance_is_the_loss_of_each_ablation(nn, layer):
    X, labels = samples_for(nn, 50), nn.rng.integers(0, nn.layer_sizes[-1], 50)
    right, before = np.mean(nn.predict(X) == labels), nn.weights()
    copies = [damage.ablate(nn, unit, layer=layer) for unit in range(nn.layer_sizes[layer])]
    expected = [right - np.mean(copy.predict(X) == labels) for copy in copies]
    np.testing.assert_allclose(damage.importance(nn, X, labels, layer=layer), expected, atol=1e-12)
    all_close(nn.parameters, before, rtol=0)


@settings(max_examples=60)
@given(networks(dtype=np.float32, most_units=12), st.data())
def test_importance_by_a_loop_over_ablations(nn, data):
    for W in nn.W:
        W *= data.draw(st.sampled_from([1, 100]))  # saturated: outputs that are equal, of sums that are not
    assert_importance_is_the_loss_of_each_ablation(nn, data.draw(st.integers(1, nn.n_layers - 1)))


class Reversed(Unrolled):
    """It decides for the class of the smallest sum."""

    def forward(self, X):
        return 1 - super().forward(X)


def test_importance_follows_a_forward_of_ones_own():
    assert_importance_is_the_loss_of_each_ablation(Reversed(3, 5, 2, dtype=np.float64, seed=0), 1)


@pytest.mark.parametrize("broken", [
    lambda nn: damage.ablate(nn, [0, 2], layer=2),
    lambda nn: damage.prune(nn, 0.5),
    lambda nn: damage.quantize(nn, 3),
    lambda nn: damage.quantize(nn, 1),
    lambda nn: damage.add_noise(nn, 0.5),
    lambda nn: damage.shuffle_weights(nn, layer=2),
    lambda nn: damage.scale_weights(nn, -1.0),
    lambda nn: damage.shift_bias(nn, 1, 1.0),
    lambda nn: damage.flip_bias(damage.shift_bias(nn, 1, 1.0), 1),
    lambda nn: damage.swap_units(nn, 0, 1, whole=True),
])  # fmt: skip
def test_only_a_copy_is_damaged_even_one_without_a_number(broken):
    nn = NeuralNetwork(4, (5, 3), 2, seed=0)
    y, before = nn.forward(samples_for(nn, 3)), nn.weights()
    assert any((a != b).any() for a, b in zip(broken(nn).parameters, before, strict=True))
    all_close([*nn.parameters, nn.h[-1]], [*before, y], rtol=0)
    nn.W1 = np.where(nn.W1 > 0, np.nan, np.inf)
    broken(nn)  # without a warning


@pytest.mark.parametrize(("call", "words"), [
    (lambda nn: damage.ablate(nn, 0, layer=3), "layer is 3; expected 1 to 2"),
    (lambda nn: damage.ablate(nn, 1.5), "no unit 1.5"),
    (lambda nn: damage.ablate(nn, np.ones(5, bool)), "no unit True"),
    (lambda nn: damage.prune(nn, np.nan), "share is nan; expected 0 to 1"),
    (lambda nn: damage.quantize(nn, 2.5), "bits is 2.5; expected 1 to 16"),
    (lambda nn: damage.add_noise(nn, -1), "size is -1; expected a finite number of at least 0"),
    (lambda nn: damage.shuffle_weights(nn, layer=4), "layer is 4"),
    (lambda nn: damage.scale_weights(nn, np.inf), "factor is inf; expected a finite number"),
    (lambda nn: damage.scale_weights(nn, 2, layer=0), "layer is 0; expected 1 to 3"),
    (lambda nn: damage.flip_bias(nn, 5), "no unit 5"),
    (lambda nn: damage.shift_bias(nn, -1, 0.1, layer=3), "no unit -1"),
    (lambda nn: damage.swap_units(nn, 0, 1, layer=3), "layer is 3"),
    (lambda nn: damage.importance(nn, np.ones((4, 7)), [[0] * 7]), r"labels has shape \(1, 7\); expected \(7,\)"),
    (lambda nn: damage.importance(nn, np.ones((4, 0)), []), r"X has shape \(4, 0\)"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(NeuralNetwork(4, (5, 3), 2, seed=0))
