"""Networks of all sizes and functions for Hypothesis, with weights and biases that are not small."""

import numpy as np
import reference
from hypothesis import strategies as st

from explorer.network import NeuralNetwork
from explorer.network.gradient_check import Place


class Unrolled(NeuralNetwork):
    """A forward pass of one's own, twice as steep, which keeps no more than the exercise asks for."""

    def forward(self, X):
        self.a1 = 2 * (self.W1 @ X + self.b1)
        self.h1 = np.tanh(self.a1)
        self.a2 = self.W2 @ self.h1 + self.b2
        return 1 / (1 + np.exp(-self.a2))


@st.composite
def networks(draw, activations=reference.ACTIVATIONS, dtype=np.float64, most_units=40, n_input=None):
    """1 to 4 hidden layers of 1 to 40 units, 1 to 9 inputs, 2 to 5 classes."""
    sizes = draw(st.lists(st.integers(1, most_units), min_size=1, max_size=4))
    sizes = n_input or draw(st.integers(1, 9)), sizes, draw(st.integers(2, 5))
    activation, output = draw(st.sampled_from(activations)), draw(st.sampled_from(reference.OUTPUTS))
    seed = draw(st.integers(0, 2**32))
    nn = NeuralNetwork(*sizes, hidden_activation=activation, output=output, dtype=dtype, seed=seed)
    for W, b in zip(nn.W, nn.b, strict=True):
        W *= draw(st.sampled_from([0.5, 1, 3]))
        b += nn.rng.normal(size=b.shape)
    return nn


def samples_for(nn, n):
    """Random inputs in [0, 1]."""
    return nn.rng.random((nn.layer_sizes[0], n)).astype(nn.dtype)


def small_samples(n=7):
    """`n` samples, always the same, of six inputs that are not 0, and their labels of three classes, one-hot."""
    rng = np.random.default_rng(2)
    return rng.uniform(0.1, 1, (6, n)), np.eye(3)[:, rng.integers(0, 3, n)]


def every_place(nn):
    return [Place(name, *index) for name, shape in nn.shapes.items() for index in np.ndindex(shape)]


def all_close(found, expected, **options):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, **options)
