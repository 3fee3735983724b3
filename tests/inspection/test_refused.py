"""What is refused, and in which words."""

import numpy as np
import pytest

from explorer.inspection.contributions import contributions, d_input, flip, occlusion
from explorer.inspection.played_step import play_step
from explorer.inspection.projection import nearest, project
from explorer.network import NeuralNetwork

X, x = np.full((4, 7), 0.5), np.full(4, 0.5)


@pytest.mark.parametrize(("call", "words"), [
    (lambda nn: contributions(nn, X), r"x has shape \(4, 7\); expected \(4,\), one sample"),
    (lambda nn: contributions(nn, x, layer=0), "layer is 0; expected 1 to 3"),
    (lambda nn: contributions(nn, x, 2), "there is no unit 2: layer 3 has 2 units, counted from 0"),
    (lambda nn: d_input(nn, X.T, 0), "samples are columns"),
    (lambda nn: d_input(nn, X, [0, 1]), "shape"),
    (lambda nn: occlusion(nn, x, 0, size=2), "size is 2; expected an odd number"),
    (lambda nn: occlusion(NeuralNetwork(3, 2, 2), x[:3], 0), "3 inputs; expected a square image"),
    (lambda nn: flip(nn, x, 2), "no unit 2"),
    (lambda nn: play_step(nn, X, np.zeros((2, 6))), "shape"),
    (lambda nn: play_step(nn, X, np.zeros((2, 7)), 0.0), "lr is 0.0"),
    (lambda nn: project(nn, 4, X), "layer is 4; expected 0 to 3"),
    (lambda nn: project(nn, 1, X, like=X), r"like has shape \(4, 7\); expected \(2, 7\)"),
    (lambda nn: project(nn, 1, X * np.nan), "layer 1 are infinite or not a number"),
    (lambda nn: nearest(nn, 1, X, X), r"x has shape \(4, 7\)"),
])  # fmt: skip
def test_it_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(NeuralNetwork(4, (5, 3), 2, seed=0))
