"""The diagram of a network, and the table of the engine's speed."""

import re
from itertools import pairwise

import numpy as np
import pytest

from explorer.network import NeuralNetwork
from explorer.notebook import speed_table
from explorer.notebook.pictures import diagram


@pytest.fixture(params=[{"n_hidden": 4}, {"n_hidden": (5, 4), "output": "softmax", "loss": "cross_entropy"}])
def network(request):
    options = dict(request.param)
    return NeuralNetwork(3, options.pop("n_hidden"), 2, dtype=np.float64, seed=0, **options)


def rows(shown):
    return [re.split(r"\s{2,}", line) for line in shown.text.splitlines()[1:]]


def test_a_diagram_has_a_circle_for_each_unit_and_a_line_for_each_weight(network):
    sizes, html = network.layer_sizes, diagram(network).html
    assert html.count("<circle") == sum(sizes)
    assert html.count("<line") == sum(a * b for a, b in pairwise(sizes))
    for number in range(1, len(sizes)):
        assert f">W{number}, b{number}<" in html
    with pytest.raises(ValueError, match="a layer has 784 units; expected at most 12"):
        diagram(NeuralNetwork(784, 2, 2))


def test_each_batch_size_has_its_times_their_ratio_and_the_same_weights(small_dataset):
    shown = speed_table(small_dataset, (4, 50))
    assert "CPU time of one epoch on 600 images" in shown.html
    assert [row[0] for row in rows(shown)] == ["4", "50"]
    for _, plain, fast, ratio, difference in rows(shown):
        assert plain.endswith(" s")
        assert fast.endswith(" s")
        assert float(ratio) > 0
        assert 0 <= float(difference) < 1e-4
