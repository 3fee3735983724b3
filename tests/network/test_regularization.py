"""Penalties, dropout and max-norm: each formula by itself, then in a network, against measured slopes."""

import copy
import itertools
import pickle

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from random_networks import all_close, every_place, small_samples

from explorer.network import ACTIVATIONS, LOSSES, OPTIMIZERS, OUTPUTS, NeuralNetwork
from explorer.network.gradient_check import Place, check_gradient
from explorer.network.regularization import d_penalty, dropout_mask, limit_norms, penalty

FUNCTIONS = [*itertools.product(ACTIVATIONS, OUTPUTS, LOSSES)]
METHODS = {
    "l2": {"l2": 0.3},
    "l1": {"l1": 0.05},
    "dropout": {"dropout": 0.4},
    "input dropout": {"input_dropout": 0.25},
}
"""What changes the gradient, each with a setting that would be seen if it were missing."""
PAIRS = [*itertools.combinations(METHODS, 1), *itertools.combinations(METHODS, 2)]

sizes = st.floats(0.1, 10).flatmap(lambda size: st.sampled_from([size, -size]))  # none near the corner of |W|
matrices = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=sizes)
weights = st.floats(0, 2)
rates = st.floats(0, 0.9)


def test_a_penalty_in_plain_numbers():
    W = np.array([[3.0, -4.0], [0.0, 1.0]])
    assert penalty(W, 0.1, 0.0) == pytest.approx(0.05 * (9 + 16 + 1))
    assert penalty(W, 0.0, 0.1) == pytest.approx(0.1 * (3 + 4 + 1))
    assert penalty(W, 0.1, 0.2) == pytest.approx(1.3 + 1.6)
    assert penalty(W, 0.0, 0.0) == 0
    np.testing.assert_allclose(d_penalty(W, 0.1, 0.2), [[0.5, -0.6], [0, 0.3]], atol=1e-15)


@given(matrices, weights, weights)
def test_its_derivative_is_its_slope(W, l2, l1):
    found = d_penalty(W, l2, l1)
    (slopes,) = reference.central_differences(lambda: penalty(W, l2, l1), [W])
    assert found.shape == W.shape
    np.testing.assert_allclose(found, slopes, rtol=1e-6, atol=1e-6)


@given(rates, st.integers(0, 99))
def test_a_mask_leaves_out_its_share_and_makes_up_for_it(rate, seed):
    mask = dropout_mask(np.random.default_rng(seed), rate, 40, 50)
    assert mask.shape == (40, 50)
    assert mask.dtype == np.float32
    assert set(np.unique(mask).tolist()) <= {0.0, float(np.float32(1 / (1 - rate)))}
    chance = 5 * np.sqrt(rate * (1 - rate) / mask.size) + 5 / mask.size  # of a share among so many
    assert np.mean(mask == 0) == pytest.approx(rate, abs=chance)
    assert mask.mean() == pytest.approx(1, abs=chance / (1 - rate))


def test_every_unit_of_every_sample_decides_by_itself():
    kept = dropout_mask(np.random.default_rng(0), 0.5, 60, 4000) > 0
    together = np.corrcoef(kept)  # of units, over the samples
    np.testing.assert_allclose(together, np.eye(60), atol=5 / np.sqrt(4000))
    assert np.abs(kept.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(60)


@given(matrices, st.floats(0.05, 20))
def test_no_row_is_longer_and_none_is_turned(W, longest):
    limited = limit_norms(W, longest)
    before, after = (np.sqrt((array**2).sum(axis=1)) for array in (W, limited))
    np.testing.assert_allclose(after, np.minimum(before, longest), rtol=1e-12)
    np.testing.assert_allclose(limited * before[:, None], W * after[:, None], rtol=1e-12)
    np.testing.assert_array_equal(limited[before < longest], W[before < longest])


def test_a_row_of_zeros_stays_one():
    for dtype in (np.float32, np.float64):
        limited = limit_norms(np.zeros((2, 3), dtype), 1.0)
        assert (limited.dtype, limited.any()) == (dtype, False)


def network(activation="sigmoid", output="sigmoid", loss="squared_error", **options):
    functions = {"hidden_activation": activation, "output": output, "loss": loss}
    return NeuralNetwork(6, (5, 4), 3, **functions, **{"dtype": np.float64, "seed": 1, **options})


def with_masks(nn, X):
    """The inputs that a step on `X` sees; the network leaves out the hidden units of that step from here on."""
    of_inputs, *masks = nn.draw_masks(X.shape[1])
    nn.f = nn.masked(masks)
    return X * of_inputs


@pytest.mark.parametrize("names", PAIRS, ids=" and ".join)
def test_the_gradient_is_the_slope_of_the_loss_with_its_penalties_and_masks(names):
    X, d = small_samples()
    for functions in FUNCTIONS:
        nn = network(*functions, **dict(item for name in names for item in METHODS[name].items()))
        checked = check_gradient(nn, with_masks(nn, X), d, every_place(nn))
        smooth = [weight for weight in checked if not weight.has_kink]
        assert len(smooth) > len(checked) // 2
        wrong = [weight for weight in smooth if not weight.agrees]
        assert not wrong, f"{functions}: {wrong[0]}"


def test_the_kink_of_l1_at_weights_near_0_is_not_taken_for_a_mistake():
    X, d = small_samples()
    nn = network(l1=0.1)
    nn.W1[0] *= 1e-6 / np.abs(nn.W1[0]).max()  # |w| turns between w − ε and w + ε
    on_kink = check_gradient(nn, X, d, [Place("W1", 0, column) for column in range(6)])
    assert all(weight.has_kink for weight in on_kink)
    assert not all(weight.agrees for weight in on_kink)
    smooth = check_gradient(nn, X, d, [Place("W1", 1, 0), Place("W2", 0, 0), Place("b1", 0, 0)])
    assert all(weight.agrees and not weight.has_kink for weight in smooth)  # b1 is 0, but is not penalized
    nn.l1 = 0.0
    assert not any(weight.has_kink for weight in check_gradient(nn, X, d, [Place("W1", 0, 0)]))


@pytest.mark.parametrize("rates", [{"dropout": 0.5}, {"input_dropout": 0.5}], ids=str)
def test_what_a_step_leaves_out_is_drawn_for_the_step_and_nothing_else(rates):
    (X, d), nn, plain = small_samples(), network(**rates), network()
    np.testing.assert_array_equal(nn.forward(X), plain.forward(X))
    masks, others = nn.draw_masks(X.shape[1]), nn.draw_masks(X.shape[1])
    left_out = [layer for layer, mask in enumerate(masks) if np.any(mask != 1)]
    assert left_out == ([1, 2] if "dropout" in rates else [0])  # never the outputs
    assert all(np.any(masks[layer] != others[layer]) for layer in left_out)
    before = list(nn.f)
    seen = with_masks(nn, X)
    first = nn.forward(seen)
    assert not np.allclose(first, plain.forward(X))
    np.testing.assert_array_equal(nn.forward(seen), first)
    nn.f = before
    nn.train_iteration(X, d, 0.1)
    assert nn.f == before
    np.testing.assert_array_equal(nn.predict(X), nn.forward(X).argmax(axis=0))


class Failing(NeuralNetwork):
    """Fails in the middle of a step."""

    def output_delta(self, y, d):
        raise ArithmeticError("no delta")


def test_a_step_that_fails_leaves_nothing_out_afterwards():
    nn = Failing(6, 5, 3, dropout=0.5, seed=0)
    before = list(nn.f)
    with pytest.raises(ArithmeticError, match="no delta"):
        nn.train_iteration(*small_samples())
    assert nn.f == before


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_after_each_step_no_hidden_unit_is_longer_than_max_norm(optimizer):
    (X, d), plain = small_samples(), network(optimizer=optimizer)
    nn = network(max_norm=0.7, optimizer=optimizer)
    for _ in range(5):
        for each in (nn, plain):
            each.train_iteration(X, d, 0.2)
        lengths = [np.sqrt((nn.W[layer] ** 2).sum(axis=1)) for layer in (0, 1)]
        assert all(np.all(found <= 0.7 * (1 + 1e-12)) for found in lengths)
        assert any(np.any(found > 0.7 * (1 - 1e-12)) for found in lengths)
    assert np.sqrt((nn.W3**2).sum(axis=1)).max() > 0.7  # the outputs are free
    assert np.sqrt((plain.W1**2).sum(axis=1)).max() > 0.7


def steps_without_gradient(optimizer, n_steps, rate, **options):
    """A network whose outputs are always the desired ones, so that nothing moves it but its regularization."""
    nn, X = network(optimizer=optimizer, **options), small_samples()[0]
    nn.b1, nn.b2, nn.b3 = (np.full(b.shape, 0.3) for b in nn.b)
    start = nn.weights()
    for _ in range(n_steps):
        nn.train_iteration(X, nn.forward(X), rate)
    return nn, dict(zip(nn.shapes, start, strict=True))


def test_adamw_takes_the_same_share_of_every_weight_in_each_step():
    nn, start = steps_without_gradient("adamw", 12, 0.05, l2=0.4)
    for name, before in start.items():
        kept = (1 - 0.05 * 0.4) ** 12 if name.startswith("W") else 1
        np.testing.assert_allclose(getattr(nn, name), kept * before, rtol=1e-12)
    assert nn.penalty == 0
    assert nn.penalties == (0, 0)
    assert network(optimizer="adamw", l2=0.4, l1=0.1).penalties == (0, 0.1)  # by its gradient


@pytest.mark.parametrize("name", ["l2", "l1", "max_norm", "dropout", "input_dropout"])
@pytest.mark.parametrize("wrong", [-0.1, float("nan"), float("inf"), "much", None, True, [0.5]])
def test_what_is_no_amount_is_refused_by_its_name(name, wrong):
    with pytest.raises(ValueError, match=rf"^{name} is .*; expected a .*number.* of at least 0$"):
        network(**{name: wrong})
    if "dropout" in name:
        with pytest.raises(ValueError, match=rf"^{name} is 1; expected a number below 1 of at least 0$"):
            network(**{name: 1})


EVERYTHING = {"l2": 0.3, "l1": 0.05, "dropout": 0.4, "input_dropout": 0.25, "max_norm": 0.7}


COPIES = NeuralNetwork.copy, copy.deepcopy, lambda nn: pickle.loads(pickle.dumps(nn))


@pytest.mark.parametrize(("optimizer", "copied"), [*zip(OPTIMIZERS, itertools.cycle(COPIES), strict=False)])
def test_a_copy_trains_on_as_the_network_does(optimizer, copied):
    X, d = small_samples(20)
    nn = network(optimizer=optimizer, **EVERYTHING)
    nn.fit(X, d, 6, 2, 0.02)
    other, untouched = copied(nn), nn.copy()
    np.testing.assert_array_equal(other.fit(X, d, 6, 2, 0.02), nn.fit(X, d, 6, 2, 0.02))
    all_close(nn.parameters, other.parameters, rtol=0)
    assert nn.n_steps == other.n_steps == 16
    assert untouched.n_steps == 8
    pairs = zip(nn.memory[0], untouched.memory[0], strict=True)
    assert not any(np.array_equal(one, another) for one, another in pairs)


def test_a_file_has_the_functions_and_weights_and_nothing_of_training(tmp_path):
    nn = network("tanh", "softmax", "cross_entropy", optimizer="adam", **EVERYTHING)
    X, d = small_samples(20)
    nn.fit(X, d, 6, 2, 0.02)
    nn.save(tmp_path / "weights.npz")
    loaded = NeuralNetwork.load(tmp_path / "weights.npz")
    np.testing.assert_array_equal(loaded.forward(X), nn.forward(X))
    assert loaded.functions == nn.functions
    assert loaded.optimizer == "sgd"
    assert all(getattr(loaded, name) == 0 for name in EVERYTHING)
