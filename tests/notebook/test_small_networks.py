"""The small task: balanced, clear of the axes, not to be parted by a line; and the map of what a network says."""

from base64 import b64decode

import numpy as np
from lessons import figures_in

from explorer.network import NeuralNetwork
from explorer.notebook.pictures import quarters, show_plane


def test_opposite_quarters_are_alike():
    X, labels = quarters(400)
    assert X.shape == (2, 400)
    assert np.abs(X).min() > 0.05
    assert np.abs(X).max() <= 1
    for (x, y), label in zip(X.T.tolist(), labels.tolist(), strict=True):
        assert label == ((x > 0) == (y > 0))
    assert 150 < labels.sum() < 250
    np.testing.assert_equal(quarters(400), (X, labels))
    assert not np.array_equal(quarters(400, seed=1)[0], X)


def test_the_map_is_what_the_network_says_and_leaves_it_alone():
    X, labels = quarters(20)
    network = NeuralNetwork(2, 3, 2, dtype=np.float64, seed=0)
    network.forward(X)
    before = network.h1.copy()
    (drawn,) = figures_in(show_plane(X, labels, network, "Now.").html)
    background = drawn["data"][0]
    np.testing.assert_array_equal(network.h1, before)
    shares = np.frombuffer(b64decode(background["z"]["bdata"])).reshape(61, 61)
    corner = network.forward(np.array([[-1.0], [1.0]]))  # left, and on top: the last row, the first column
    np.testing.assert_allclose(shares[-1, 0], corner[1, 0] / corner.sum(), rtol=1e-12)
