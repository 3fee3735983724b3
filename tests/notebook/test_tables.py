"""Tables of shapes against the arrays themselves, of a sample's numbers against the network's, and of times."""

import re
from itertools import pairwise

import numpy as np
import pytest

from explorer.network import NeuralNetwork
from explorer.notebook import tables
from explorer.notebook.pictures import diagram


@pytest.fixture(params=[{"n_hidden": 4}, {"n_hidden": (5, 4), "output": "softmax", "loss": "cross_entropy"}])
def network(request):
    options = dict(request.param)
    return NeuralNetwork(3, options.pop("n_hidden"), 2, dtype=np.float64, seed=0, **options)


def rows(shown):
    return [re.split(r"\s{2,}", line) for line in shown.text.splitlines()[1:]]


def test_every_matrix_has_the_shape_that_is_said(network):
    X, said = np.ones((3, 7)), {}
    y = network.forward(X)
    for name, _, shape, *_ in rows(tables.matrices(network, 7)):
        said[name.strip("`")] = shape
    given = {"X": X, "y": y, "d": y}
    found = given | {name: getattr(network, name) for name in said.keys() - given.keys()}
    assert said == {name: str(array.shape) for name, array in found.items()}
    assert {"W1", "b1", "a1", "h1", "W2", "b2", "a2"} <= said.keys()


def test_every_derivative_has_the_shape_that_is_said(network):
    n_layers, n = len(network.layer_sizes) - 1, 7
    found = rows(tables.derivatives(network, n))
    names = [f"{name}{k}" for k in range(n_layers, 0, -1) for name in ("delta", "d_W", "d_b")]
    assert [row[0].strip("`") for row in found] == names
    for name, _, factors, result in found:
        kind, number = re.fullmatch(r"`(delta|d_W|d_b)(\d)`", name).groups()
        attribute = {"delta": "a", "d_W": "W", "d_b": "b"}[kind] + number
        network.forward(np.ones((3, n)))
        assert result.startswith(str(getattr(network, attribute).shape))
        shapes = re.findall(r"\((\d+), (\d+)\)", factors)
        if len(shapes) == 2:  # a product: the inner sizes agree, the outer ones are the result's
            assert shapes[0][1] == shapes[1][0]
            assert result.startswith(f"({shapes[0][0]}, {shapes[1][1]})")


def test_the_numbers_of_a_sample_are_the_networks(network):
    x, d = np.array([0.2, -0.4, 0.9]), np.array([1.0, 0.0])
    network.forward(np.ones((3, 2)))
    kept = network.h1.copy()
    forward, backward = tables.forward_numbers(network, x, d), tables.backward_numbers(network, x, d)
    np.testing.assert_array_equal(network.h1, kept)  # a copy walked
    y = network.forward(x[:, None])
    decided = int(y.argmax())
    said = {row[0].strip("`"): row[-1].strip("`") for row in rows(forward)}
    assert float(said[f"y[{decided}]"].replace("−", "-")) == pytest.approx(y[decided, 0], rel=5e-3)
    gradients = network.backward(x[:, None], y, d[:, None])
    said = {row[0].strip("`"): row[-1].strip("`") for row in rows(backward)}
    last = len(network.layer_sizes) - 1
    expected = gradients[-1][decided, 0]
    assert float(said[f"d_b{last}[{decided}]"].replace("−", "-")) == pytest.approx(expected, rel=5e-3)


def test_a_diagram_has_a_circle_for_each_unit_and_a_line_for_each_weight(network):
    sizes, html = network.layer_sizes, diagram(network).html
    assert html.count("<circle") == sum(sizes)
    assert html.count("<line") == sum(a * b for a, b in pairwise(sizes))
    for number in range(1, len(sizes)):
        assert f">W{number}, b{number}<" in html
    with pytest.raises(ValueError, match="a layer has 784 units; expected at most 12"):
        diagram(NeuralNetwork(784, 2, 2))


def test_each_batch_size_has_its_times_their_ratio_and_the_same_weights(small_dataset):
    shown = tables.speed_table(small_dataset, (4, 50))
    assert "CPU time of one epoch on 600 images" in shown.html
    assert [row[0] for row in rows(shown)] == ["4", "50"]
    for _, plain, fast, ratio, difference in rows(shown):
        assert plain.endswith(" s")
        assert fast.endswith(" s")
        assert float(ratio) > 0
        assert 0 <= float(difference) < 1e-4
