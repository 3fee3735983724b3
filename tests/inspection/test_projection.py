"""The map of a layer against singular values, a map turned and mirrored, and a loop over samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_networks import Unrolled, networks, samples_for

from explorer.inspection.projection import nearest, project
from explorer.network import NeuralNetwork


@given(networks(), st.integers(1, 30), st.data())
def test_the_axes_are_those_of_the_singular_values(nn, n, data):
    X, layer = samples_for(nn, n), data.draw(st.integers(0, nn.n_layers))
    nn.forward(X)
    _, singular, Vt = np.linalg.svd(nn.h[layer] - nn.h[layer].mean(axis=1, keepdims=True))
    found, squares = project(nn, layer, X), np.pad(singular, (0, 2)) ** 2
    np.testing.assert_allclose((found.points**2).sum(axis=1), squares[:2], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found.shares * squares.sum(), squares[:2], rtol=1e-6, atol=1e-12)
    if squares[0] > 1.1 * squares[1] + 1e-6:
        axis = singular[0] * Vt[0]
        points = found.points[0] * np.sign(found.points[0] @ axis)
        np.testing.assert_allclose(points, axis, atol=1e-6 * singular[0])


@given(networks(), st.integers(3, 30), st.floats(0, 7), st.booleans())
def test_a_map_is_turned_and_mirrored_back(nn, n, angle, is_mirrored):
    X, (c, s) = samples_for(nn, n), (np.cos(angle), np.sin(angle))
    plain = project(nn, 1, X)
    like = np.array([[c, -s], [s, c]]) @ plain.points * ([[-1], [1]] if is_mirrored else 1)
    found, variances = project(nn, 1, X, like=like), like.var(axis=1)
    np.testing.assert_allclose(found.points, like, atol=1e-9)
    np.testing.assert_allclose(found.shares * variances.sum(), variances * plain.shares.sum(), atol=1e-9)


def test_one_unit_one_sample_and_no_variance():
    nn = NeuralNetwork(3, 1, 2, dtype=np.float64, seed=0)
    X = samples_for(nn, 9)
    found = project(nn, 1, X)
    np.testing.assert_allclose(np.abs(found.points), [np.abs(nn.h1[0] - nn.h1.mean()), np.zeros(9)])
    assert found.shares.tolist() == pytest.approx([1, 0])
    nn.W1 = nn.W1 * 0
    for nothing in (project(nn, 1, X), project(nn, 2, X[:, :1]), project(nn, 0, X[:, :1])):
        assert not np.hstack([nothing.points, nothing.shares[:, None]]).any()


@given(networks(), st.integers(1, 30), st.data())
def test_the_nearest_by_a_loop(nn, n, data):
    X, layer = samples_for(nn, n + 1), data.draw(st.integers(0, nn.n_layers))
    nn.forward(X)
    one, *others = nn.h[layer].T
    distances = [sum((a - b) ** 2 for a, b in zip(other, one, strict=True)) ** 0.5 for other in others]
    found = nearest(nn, layer, X[:, 1:], X[:, 0], 5)
    assert len({*found.tolist()}) == min(n, 5)
    np.testing.assert_allclose(np.array(distances)[found], sorted(distances)[:5], rtol=1e-9, atol=1e-12)


def test_a_sample_is_its_own_neighbor_and_what_is_no_number_is_nobodys():
    nn = Unrolled(3, 4, 2, dtype=np.float64, seed=0)
    X = samples_for(nn, 20)
    X[:, 3] = np.nan
    assert all(nearest(nn, layer, X, X[:, 7], 20)[[0, -1]].tolist() == [7, 3] for layer in (0, 1, 2))
