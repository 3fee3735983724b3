"""A step in slow motion against the textbook's methods."""

import numpy as np
import pytest
from hypothesis import given, settings
from random_networks import Unrolled, all_close, networks, samples_for

from explorer.inspection.played_step import play_step
from explorer.network import OPTIMIZERS, NeuralNetwork


class Halved(NeuralNetwork):
    """A backward pass of one's own."""

    def backward(self, X, y, d):
        return tuple(gradient / 2 for gradient in super().backward(X, y, d))


def played(nn):
    """Play a step, and compare it with one that a copy makes."""
    X, d = samples_for(nn, 6), np.eye(nn.layer_sizes[-1])[:, nn.rng.integers(0, nn.layer_sizes[-1], 6)]
    state, before, copy = nn.rng.bit_generator.state, nn.weights(), nn.copy()
    memory, copy.dropout = (nn.n_steps, *nn.memory), 0.0
    found = play_step(nn, X, d, 0.05)
    y = copy.forward(X)
    all_close([*found.a, *found.h], [*copy.a, *copy.h[1:]], rtol=0)
    all_close(found.gradient, copy.backward(X, y, d), rtol=0)
    for delta, a, d_b in zip(found.deltas, found.a, found.gradient[1::2], strict=True):
        assert delta.shape == a.shape
        np.testing.assert_allclose(delta.sum(axis=1, keepdims=True), d_b, rtol=1e-7, atol=1e-12)
    assert (found.loss, found.lr) == (copy.train_iteration(X, d, 0.05), 0.05)
    all_close([*found.after, found.y_after], [*copy.weights(), copy.forward(X)], rtol=0)
    assert found.loss_after == copy.total_loss(found.y_after, d)
    all_close([*found.before, *nn.weights()], [*before, *before], rtol=0)
    assert nn.rng.bit_generator.state == state
    assert all(a is b for a, b in zip((nn.n_steps, *nn.memory), memory, strict=True))
    return found


@settings(max_examples=60)
@given(networks())
def test_a_played_step_is_a_step(nn):
    played(nn)


@pytest.mark.parametrize(
    "options", [{}, {"l2": 0.02, "l1": 0.01}, {"max_norm": 0.5}, {"dropout": 0.5}], ids=str
)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_with_every_method(optimizer, options):
    nn = Halved(6, (5, 4), 3, dtype=np.float64, optimizer=optimizer, seed=1, **options)
    first = played(nn)
    nn.train_iteration(first.X, first.d, 0.05)
    played(nn)  # with what the optimizer remembers


def test_the_deltas_sample_by_sample_and_nothing_is_shared():
    nn = NeuralNetwork(6, (5, 4), 3, dtype=np.float64, output="softmax", loss="cross_entropy", seed=1)
    X, d = samples_for(nn, 6), np.eye(3)[:, [0, 1, 2, 2, 1, 0]]
    y, found = nn.forward(X), play_step(nn, X, d)
    middle = (nn.W3.T @ (y - d)) * nn.h2 * (1 - nn.h2)
    all_close(found.deltas, [(nn.W2.T @ middle) * nn.h1 * (1 - nn.h1), middle, y - d], rtol=1e-9)
    own = Unrolled(6, 5, 3, dtype=np.float64, seed=1)
    own.forward(X)
    a1 = play_step(own, X, d, 1.0).a[0]
    np.testing.assert_array_equal(a1, own.a1)  # though it keeps them in its own way
    X[:] = d[:] = 0
    assert found.X.all()
    assert found.d.any()
    nn.W1 = nn.W1 * np.inf
    assert np.isnan(play_step(nn, X, d).loss_after)  # without a warning
