"""What each distribution must look like, read from the weights of a network of 784 inputs and 500 units."""

import numpy as np
import pytest

from explorer.network import INITIALIZERS, NeuralNetwork

N_IN, N_HIDDEN, N_OUT = 784, 500, 10


def weights(initializer: str, seed: int = 0) -> list[np.ndarray]:
    nn = NeuralNetwork(N_IN, N_HIDDEN, N_OUT, initializer=initializer, seed=seed, dtype=np.float64)
    return [nn.W1, nn.W2]


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize(("initializer", "mean", "deviation", "kurtosis"), [
    ("glorot", 0, lambda n_in, n_out: np.sqrt(2 / (n_in + n_out)), 1.8),  # Glorot & Bengio (2010), eq. 16
    ("he", 0, lambda n_in, n_out: np.sqrt(2 / n_in), 3),  # He et al. (2015), equation 10
    ("normal", 0, lambda *_: 1, 3),
    ("uniform", 0.5, lambda *_: np.sqrt(1 / 12), 1.8),
])  # fmt: skip
def test_weights_have_the_moments_of_their_distribution(initializer, mean, deviation, kurtosis, layer):
    """A kurtosis of 1.8 is that of a uniform distribution, of 3 that of a normal one."""
    w, expected = weights(initializer)[layer], deviation(*((N_IN, N_HIDDEN), (N_HIDDEN, N_OUT))[layer])
    assert w.std() == pytest.approx(expected, rel=0.03)
    assert w.mean() == pytest.approx(mean, abs=0.07 * expected)
    assert np.mean(((w - w.mean()) / w.std()) ** 4) == pytest.approx(kurtosis, rel=0.1)
    if kurtosis == 1.8:
        assert np.abs(w - mean).max() == pytest.approx(np.sqrt(3) * expected, rel=0.01)


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_weights_follow_the_seed(initializer):
    for first, second, other in zip(*(weights(initializer, seed) for seed in (7, 7, 8)), strict=True):
        np.testing.assert_array_equal(first, second)
        assert not np.any(first == other)


@pytest.mark.parametrize("initializer", ["glorot", "he"])
def test_biases_start_at_zero(initializer):
    nn = NeuralNetwork(20, (30, 20), 10, initializer=initializer, seed=0)
    assert not any(b.any() for b in nn.b)
