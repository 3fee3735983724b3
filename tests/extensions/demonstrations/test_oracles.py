"""The mathematics of the demonstrations against loops, dense matrices, brute force and finite differences."""

import itertools

import numpy as np
import pytest
from random_networks import all_close
from scipy.special import log_softmax, softmax

from explorer.datasets import DatasetError
from explorer.extensions.demonstrations.attacks import adversarial, fgsm, fooling_noise, universal_change
from explorer.extensions.demonstrations.dynamics import noise_scale, rate_test, sharpness
from explorer.extensions.demonstrations.labels import (
    Student,
    best_temperature,
    calibration,
    of_classes,
    random_labels,
    swapped_labels,
)
from explorer.extensions.demonstrations.random_parts import RandomFeedback, random_features
from explorer.extensions.demonstrations.weights import (
    average,
    blend,
    directions,
    large_weights,
    loss_on_line,
    masked,
    match_units,
)
from explorer.inspection.contributions import d_loss
from explorer.network import NeuralNetwork
from explorer.network.network import Network

KINDS = ({}, {"output": "softmax", "loss": "cross_entropy", "hidden_activation": "tanh"})


def samples(n=7, seed=0, n_input=5, n_output=3):
    rng = np.random.default_rng(seed)
    return rng.random((n_input, n)), np.eye(n_output)[:, rng.integers(0, n_output, n)]


def network(*hidden, seed=1, **how):
    return NeuralNetwork(5, hidden or (4,), 3, dtype=np.float64, seed=seed, **how)


def slope(loss, theta, eps=1e-6):
    """The gradient of a loss with respect to an array, by central differences."""
    found = np.zeros_like(theta)
    for place in np.ndindex(theta.shape):
        kept = theta[place]
        theta[place] = kept + eps
        above = loss()
        theta[place] = kept - eps
        found[place] = (above - loss()) / (2 * eps)
        theta[place] = kept
    return found


@pytest.mark.parametrize("how", KINDS)
def test_the_gradient_reaches_down_to_the_inputs(how):
    nn, (X, d) = network(4, 6, **how), samples()
    expected = slope(lambda: nn.compute_loss(nn.forward(X), d), X)
    np.testing.assert_allclose(d_loss(nn, X, d), expected, atol=1e-7)


def test_an_attack_moves_each_pixel_by_eps_and_raises_the_loss(small_dataset):
    nn, (X, d) = network(**KINDS[1]), samples(50)
    changed = adversarial(nn, X, d, 0.01)
    slopes = slope(lambda: nn.compute_loss(nn.forward(X), d), X)
    np.testing.assert_allclose(changed, np.clip(X + 0.01 * np.sign(slopes), 0, 1), atol=1e-7)
    assert nn.compute_loss(nn.forward(changed), d) > nn.compute_loss(nn.forward(X), d)
    for eps in (-0.1, 1.5, np.nan):
        with pytest.raises(ValueError, match="expected 0 to 1"):
            fgsm(NeuralNetwork(784, 4, small_dataset.n_classes, seed=0), small_dataset, eps)


def test_noise_and_one_change_for_all_lead_where_they_shall():
    nn, (X, _) = network(8, **KINDS[1]), samples(40)
    before = np.diag(nn.forward(fooling_noise(nn, steps=0)))
    assert (np.diag(nn.forward(fooling_noise(nn))) > before).all()
    change = universal_change(nn, X, 2, 0.3)
    assert np.abs(change).max() <= 0.3 + 1e-6
    assert nn.forward(X + change)[2].mean() > nn.forward(X)[2].mean()


@pytest.mark.parametrize("how", KINDS)
def test_sharpness_is_the_largest_eigenvalue_of_the_dense_hessian(how):
    nn, (X, d) = Network(5, (3,), 3, seed=3, **how), samples()
    thetas, n = nn.parameters, X.shape[1]

    def gradient():
        return np.concatenate([part.ravel() for part in nn.backward(X, nn.forward(X), d)]) / n

    columns = []
    for theta in thetas:
        for place in np.ndindex(theta.shape):
            kept, sides = theta[place], []
            for side in (1e-5, -1e-5):
                theta[place] = kept + side
                sides.append(gradient())
            theta[place] = kept
            columns.append((sides[0] - sides[1]) / 2e-5)
    values, own = np.linalg.eigh((np.array(columns) + np.array(columns).T) / 2)
    before = [theta.copy() for theta in thetas]
    found, vectors = sharpness(nn, X, d, size=15, eps=1e-4)
    assert found == pytest.approx(values[-1], rel=1e-3)
    all_close(nn.parameters, before, rtol=0)
    assert sharpness(nn, X, d, vectors, size=3, eps=1e-4)[0] == pytest.approx(values[-1], rel=1e-3)
    third, second, first = own.T[-3:]
    mixed = np.array([second + 0.05 * first, third, third + second])  # near the second eigenvector
    assert sharpness(nn, X, d, mixed, size=6, eps=1e-4)[0] == pytest.approx(values[-1], rel=1e-3)


def test_the_noise_scale_is_that_of_the_samples_own_gradients():
    nn, (X, d) = network(4, 6, **KINDS[1]), samples(30)
    own = []
    for i in range(30):
        x, one = X[:, [i]], d[:, [i]]
        own.append(np.concatenate([part.ravel() for part in nn.backward(x, nn.forward(x), one)]))
    spread = np.trace(np.cov(np.array(own).T))
    squared = np.sum(np.mean(own, axis=0) ** 2) - spread / 30
    assert noise_scale(nn, X, d) == pytest.approx(spread / squared)


def test_units_are_matched_as_by_trying_every_order():
    a, b = network(4, seed=1), network(4, seed=2)
    X, _ = samples()

    def alike(order):
        order = list(order)
        pairs = (a.W[0], b.W[0][order]), (a.b[0], b.b[0][order]), (a.W[1], b.W[1][:, order])
        return sum(float((one * other).sum()) for one, other in pairs)

    best = max(itertools.permutations(range(4)), key=alike)
    same = match_units(a, b)
    np.testing.assert_array_equal(same.W[0], b.W[0][list(best)])
    np.testing.assert_allclose(same.forward(X), b.forward(X))


def test_a_shuffled_network_is_put_in_order_again_whatever_its_depth():
    a, rng = network(6, 5), np.random.default_rng(0)
    b = a.copy()
    for layer, n in enumerate((6, 5)):
        order = rng.permutation(n)
        b.W[layer][:], b.b[layer][:] = b.W[layer][order], b.b[layer][order]
        b.W[layer + 1][:] = b.W[layer + 1][:, order]
    all_close(match_units(a, b).W, a.W, rtol=0)


def test_a_mean_lies_between_and_a_line_ends_at_both(small_dataset):
    a, b = (NeuralNetwork(784, 4, small_dataset.n_classes, seed=seed) for seed in (1, 2))
    np.testing.assert_allclose(average(a, b, 0.25).W1, 0.75 * a.W1 + 0.25 * b.W1, rtol=1e-6)
    X, d = small_dataset.X_test, small_dataset.Y_test
    ends = [network.compute_loss(network.forward(X), d) / X.shape[1] for network in (a, b)]
    np.testing.assert_allclose(loss_on_line(a, b, X, d, np.array([0.0, 1.0])), ends, rtol=1e-6)
    right = [np.mean(network.predict(X) == small_dataset.test_labels) for network in (a, b)]
    np.testing.assert_allclose(blend(a, b, small_dataset, [0, 1]), right)


@pytest.mark.parametrize(("units", "n"), [(20, 300), (80, 60), (200, 60)])
def test_least_squares_are_those_of_numpy(small_dataset, units, n):
    few = small_dataset.head(n)
    found = random_features(few, units, seed=3, ridge=0)
    found.forward(few.X_train)
    h, Y = found.h[1].astype(np.float64), few.Y_train
    expected = np.linalg.lstsq(h.T, Y.T, rcond=None)[0].T
    np.testing.assert_allclose(found.W[1] @ h, expected @ h, atol=2e-3)
    if units > 1.5 * n:  # of all that fit, the shortest
        np.testing.assert_allclose(found.W[1], expected, atol=1e-3)


@pytest.mark.parametrize("T", [1.0, 4.0])
def test_a_students_gradient_is_that_of_its_loss_at_a_temperature(T):
    rng = np.random.default_rng(0)
    X, d = rng.random((5, 6)), softmax(rng.standard_normal((3, 6)), axis=0)
    student = Student(5, (4,), 3, output="softmax", loss="cross_entropy", seed=1)
    student.T = T

    def loss():
        student.forward(X)
        return -T * T * float((d * log_softmax(student.a[-1] / T, axis=0)).sum())

    gradient = student.backward(X, student.forward(X), d)
    all_close(gradient, [slope(loss, theta) for theta in student.parameters], atol=1e-6)


def test_the_best_temperature_is_that_of_a_fine_grid_and_calibration_that_of_a_loop():
    rng = np.random.default_rng(0)
    a = 5 * rng.standard_normal((4, 400))
    labels = np.array([rng.choice(4, p=softmax(column / 2.5)) for column in a.T])

    def loss(T):
        return -log_softmax(a / T, axis=0)[labels, np.arange(400)].mean()

    grid = np.geomspace(0.5, 10, 2000)
    T = best_temperature(a, labels)
    assert grid[np.argmin([loss(t) for t in grid])] == pytest.approx(T, rel=2e-3)
    p, expected = softmax(a, axis=0), 0.0
    sure, right = p.max(axis=0), p.argmax(axis=0) == labels
    for k in range(15):
        inside = (sure >= k / 15) & (sure < (k + 1) / 15) if k < 14 else sure >= k / 15
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    assert calibration(p, labels)[0] == pytest.approx(expected)


def test_directions_are_as_long_as_each_units_weights_and_not_alike():
    nn = network(6)
    first, second = directions(nn, seed=2)
    for W, one, other in zip(nn.W, first, second, strict=True):
        for direction in (one, other):
            np.testing.assert_allclose(np.linalg.norm(direction, axis=1), np.linalg.norm(W, axis=1))
        assert not np.allclose(one, other)


def test_a_mask_keeps_the_largest_weights_of_all_layers():
    nn = network(6)
    masks = large_weights(nn, 0.9)
    sizes = np.concatenate([np.abs(W).ravel() for W in nn.W])
    kept = np.concatenate([mask.ravel() for mask in masks])
    assert kept.sum() == pytest.approx(0.1 * len(sizes), abs=1)
    assert sizes[kept].min() >= sizes[~kept].max()
    all_close(
        masked(nn, masks).W, [np.where(mask, W, 0) for mask, W in zip(masks, nn.W, strict=True)], rtol=0
    )


def test_random_feedback_is_backpropagation_if_the_matrix_is_the_transpose():
    X, d = samples()
    wrong = RandomFeedback(5, (4,), 3, seed=1)
    right = Network(5, (4,), 3, seed=1)
    expected = right.backward(X, right.forward(X), d)
    assert not np.allclose(wrong.backward(X, wrong.forward(X), d)[0], expected[0])
    assert wrong.angle(X, d) > 1
    wrong.B = wrong.W[1].T
    all_close(wrong.backward(X, wrong.forward(X), d), expected, rtol=1e-7)
    assert wrong.angle(X, d) == pytest.approx(0, abs=1e-3)


def test_a_rate_test_leaves_the_network_alone_and_stops_where_the_loss_blows_up():
    nn, (X, d) = network(8, **KINDS[1]), samples(200)
    before = [W.copy() for W in nn.W]
    rates, losses = rate_test(nn, X, d, batch_size=20)
    assert all(map(np.array_equal, before, nn.W))
    assert rates[0] == pytest.approx(0.001)
    assert len(rates) == len(losses) <= 100
    assert len(rates) == 100 or losses[-1] > 4 * losses.min()


def test_a_share_of_the_labels_is_drawn_and_the_rest_and_the_test_images_stay(small_dataset):
    drawn = random_labels(small_dataset, 0.5, seed=3)
    changed = np.mean(drawn.train_labels != small_dataset.train_labels)
    share = 0.5 * (1 - 1 / small_dataset.n_classes)  # some are drawn as they were
    assert changed == pytest.approx(share, abs=0.08)
    np.testing.assert_array_equal(drawn.test_labels, small_dataset.test_labels)
    again = random_labels(small_dataset, 0.5, seed=3)
    np.testing.assert_array_equal(drawn.train_labels, again.train_labels)
    np.testing.assert_array_equal(random_labels(small_dataset, 0.0).train_labels, small_dataset.train_labels)


def test_swapped_labels_are_all_wrong_and_known(small_dataset):
    wrong, chosen = swapped_labels(small_dataset, 40, seed=1)
    np.testing.assert_array_equal(np.flatnonzero(wrong.train_labels != small_dataset.train_labels), chosen)
    assert len(chosen) == 40


def test_only_some_classes_stay_with_their_labels(small_dataset):
    part = of_classes(small_dataset, {0, 2})
    assert {*part.train_labels} == {*part.test_labels} == {0, 2}
    assert part.n_classes == small_dataset.n_classes
    assert part.n_train == np.isin(small_dataset.train_labels, [0, 2]).sum()


def test_bad_shares_counts_and_classes_are_refused(small_dataset):
    with pytest.raises(ValueError, match="expected 0 to 1"):
        random_labels(small_dataset, 1.5)
    with pytest.raises(ValueError, match="expected 0 to"):
        swapped_labels(small_dataset, small_dataset.n_train + 1)
    with pytest.raises(DatasetError):
        of_classes(small_dataset, ())
