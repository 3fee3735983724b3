"""What each distribution must look like, read from the weights of a network of 784 inputs and 500 units."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.network import INITIALIZERS, NeuralNetwork

N_IN, N_HIDDEN, N_OUT = 784, 500, 10


def weights(initializer: str, seed: int = 0) -> list[np.ndarray]:
    nn = NeuralNetwork(N_IN, N_HIDDEN, N_OUT, initializer=initializer, seed=seed, dtype=np.float64)
    return [nn.W1, nn.W2]


def kurtosis(w: np.ndarray) -> float:
    """1.8 for a uniform distribution, 3 for a normal one."""
    z = (w - w.mean()) / w.std()
    return float(np.mean(z**4))


def test_the_table_names_the_four():
    assert set(INITIALIZERS) == {"glorot", "he", "normal", "uniform"}


@pytest.mark.parametrize(("layer", "n_in", "n_out"), [(0, N_IN, N_HIDDEN), (1, N_HIDDEN, N_OUT)])
def test_glorot(layer, n_in, n_out):
    """Glorot & Bengio (2010), equation 16: uniform within ±√6 / √(n_in + n_out)."""
    w = weights("glorot")[layer]
    limit = np.sqrt(6 / (n_in + n_out))
    assert np.abs(w).max() <= limit
    assert np.abs(w).max() > 0.99 * limit
    assert w.var() == pytest.approx(2 / (n_in + n_out), rel=0.05)
    assert w.mean() == pytest.approx(0, abs=0.02 * limit)
    assert kurtosis(w) == pytest.approx(1.8, rel=0.03)


@pytest.mark.parametrize(("layer", "n_in"), [(0, N_IN), (1, N_HIDDEN)])
def test_he(layer, n_in):
    """He et al. (2015), equation 10: normal of standard deviation √(2 / n_in)."""
    w = weights("he")[layer]
    assert w.std() == pytest.approx(np.sqrt(2 / n_in), rel=0.03)
    assert w.mean() == pytest.approx(0, abs=0.05 * np.sqrt(2 / n_in))
    assert kurtosis(w) == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize("layer", [0, 1])
def test_normal(layer):
    w = weights("normal")[layer]
    assert w.std() == pytest.approx(1, rel=0.03)
    assert w.mean() == pytest.approx(0, abs=0.05)
    assert kurtosis(w) == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize("layer", [0, 1])
def test_uniform(layer):
    w = weights("uniform")[layer]
    assert w.min() >= 0
    assert w.max() < 1
    assert w.mean() == pytest.approx(0.5, abs=0.02)
    assert w.var() == pytest.approx(1 / 12, rel=0.05)


@pytest.mark.parametrize("initializer", ["glorot", "he", "normal", "uniform"])
def test_weights_follow_the_seed(initializer):
    for first, second, other in zip(
        weights(initializer, 7), weights(initializer, 7), weights(initializer, 8), strict=True
    ):
        np.testing.assert_array_equal(first, second)
        assert not np.any(first == other)


def test_layers_differ():
    """Two layers of one shape get different weights."""
    nn = NeuralNetwork(20, (20, 20), 20, seed=0)
    assert not np.any(nn.W1 == nn.W2)
    assert not np.any(nn.W2 == nn.W3)


@pytest.mark.parametrize("initializer", ["glorot", "he"])
def test_biases_start_at_zero(initializer):
    nn = NeuralNetwork(20, (30, 20), 10, initializer=initializer, seed=0)
    for b in (nn.b1, nn.b2, nn.b3):
        np.testing.assert_array_equal(b, np.zeros_like(b))


def test_uniform_saturates_the_hidden_units(mnist):
    """Why the exercise's first try learns nothing: sigmoid(Σ of 784 non-negative terms) is 1."""
    nn = NeuralNetwork(784, 32, 10, initializer="uniform", seed=0)
    nn.forward(mnist.X_test[:, :500])
    assert np.mean(nn.h1 > 0.999) > 0.99
