"""The checks let right solutions pass and find wrong ones, whoever wrote them."""

from __future__ import annotations

import numpy as np
import pytest

import explorer
from explorer import checks
from explorer.checks import CheckError, Passed
from explorer.network import NeuralNetwork

MODERN = {"hidden_activation": "relu", "output": "softmax", "loss": "cross_entropy", "initializer": "he"}


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(0, 1, (3, 7))


@pytest.fixture
def d():
    return np.eye(4)[:, [0, 1, 2, 3, 3, 2, 1]]


def network(**options):
    return NeuralNetwork(3, options.pop("n_hidden", 5), 4, **({"dtype": np.float64, "seed": 1} | options))


def test_right_functions_pass():
    passed = [
        checks.sigmoid(explorer.sigmoid),
        checks.slope(explorer.sigmoid, explorer.d_sigmoid),
        checks.slope(explorer.tanh, explorer.d_tanh),
        checks.relu(explorer.relu),
        checks.slope(explorer.relu, explorer.d_relu),
        checks.squared_error(explorer.squared_error),
        checks.cross_entropy(explorer.cross_entropy),
        checks.loss_slope(explorer.squared_error, explorer.d_squared_error),
        checks.loss_slope(explorer.cross_entropy, explorer.d_cross_entropy),
        checks.softmax(explorer.softmax),
    ]
    for result in passed:
        assert isinstance(result, Passed)
        assert 0 <= result.difference < 1e-8


def students_sigmoid(a):
    return 1 / (1 + np.exp(-a))


def test_somebody_elses_right_solution_passes_but_for_its_overflow():
    checks.slope(students_sigmoid, explorer.d_sigmoid)
    with pytest.raises(CheckError, match="students_sigmoid of numbers as large as 1000: overflow"):
        checks.sigmoid(students_sigmoid)


def test_a_message_says_where_what_and_what_is_right():
    with pytest.raises(CheckError, match=r"tanh at -20\.0 is -1; wanted is 2\.06\d+e-09"):
        checks.sigmoid(explorer.tanh)


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        (checks.sigmoid, lambda a: explorer.sigmoid(a) + 1e-9),
        (checks.relu, np.abs),
        (lambda f: checks.slope(explorer.sigmoid, f), explorer.sigmoid),
        (checks.squared_error, lambda y, d: 2 * explorer.squared_error(y, d)),
        (checks.squared_error, lambda y, d: explorer.squared_error(y, d) / y.size),
        (checks.cross_entropy, lambda y, d: explorer.cross_entropy(y, d) / np.log(2)),  # by log2
        (checks.cross_entropy, lambda y, d: explorer.cross_entropy(y, d) / y.shape[1]),
        (lambda f: checks.loss_slope(explorer.squared_error, f), lambda y, d: d - y),
        (lambda f: checks.loss_slope(explorer.squared_error, f), lambda y, d: (y - d).sum(axis=0)),
        (checks.softmax, lambda a: explorer.softmax(a.T).T),  # along the samples
        (checks.softmax, lambda a: np.exp(a) / np.exp(a).sum(axis=0)),
        (checks.softmax, lambda a: np.full(a.shape, np.nan)),
    ],
)
def test_wrong_functions_do_not(check, wrong):
    with pytest.raises(CheckError):
        check(wrong)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dtype": np.float32},
        {"n_hidden": (6, 5)},
        MODERN,
        {"hidden_activation": "tanh", "loss": "cross_entropy"},
        {"output": "softmax"},
    ],
)
def test_every_kind_of_network_passes(options, X, d):
    net = network(**options)
    before = net.weights()
    checks.forward_pass(net, X)
    checks.decisions(net, X)
    checks.gradients(net, X, d)
    checks.step(net, X, d, 0.05)
    checks.mini_batches(net)
    for weights, were in zip(net.weights(), before, strict=True):
        np.testing.assert_array_equal(weights, were)  # checks work on copies


def test_first_weights():
    checks.initial_weights(NeuralNetwork(50, 20, 10, seed=0))
    for name in ("normal", "uniform", "he"):
        with pytest.raises(CheckError, match="W1"):
            checks.initial_weights(NeuralNetwork(50, 20, 10, initializer=name, seed=0))
    biased = NeuralNetwork(50, 20, 10, seed=0)
    biased.b2[3] = 0.1
    with pytest.raises(CheckError, match="b2 holds numbers other than 0"):
        checks.initial_weights(biased)
    lopsided = NeuralNetwork(50, 20, 10, seed=0)
    lopsided.W1 = np.abs(lopsided.W1)
    with pytest.raises(CheckError, match="W1 has mean"):
        checks.initial_weights(lopsided)


class Transposed(NeuralNetwork):
    """Its gradient of W1 has the wrong shape."""

    def backward(self, X, y, d):
        first, *others = super().backward(X, y, d)
        return (first.T, *others)


class Halved(NeuralNetwork):
    """A mean where a sum is due."""

    def backward(self, X, y, d):
        return tuple(0.5 * gradient for gradient in super().backward(X, y, d))


def test_a_wrong_backward_pass_of_somebody_else_is_found(X, d):
    with pytest.raises(CheckError, match=r"d_W1 has shape \(3, 5\); wanted is \(5, 3\)"):
        checks.gradients(Transposed(3, 5, 4, dtype=np.float64, seed=1), X, d)
    with pytest.raises(CheckError, match=r"the derivative of W1\[0, 0\] is"):
        checks.gradients(Halved(3, 5, 4, dtype=np.float64, seed=1), X, d)


class Uphill(NeuralNetwork):
    def train_iteration(self, X, d, lr=1e-2):
        before = self.weights()
        loss = super().train_iteration(X, d, lr)
        self.set_weights([2 * old - new for old, new in zip(before, self.weights(), strict=True)])
        return loss


class SaysNothing(NeuralNetwork):
    def train_iteration(self, X, d, lr=1e-2):
        super().train_iteration(X, d, lr)
        return 0.0


def test_a_wrong_step_is_found(X, d):
    with pytest.raises(CheckError, match=r"after the step, W1"):
        checks.step(Uphill(3, 5, 4, dtype=np.float64, seed=1), X, d)
    with pytest.raises(CheckError, match="the loss of 7 samples"):
        checks.step(SaysNothing(3, 5, 4, dtype=np.float64, seed=1), X, d)


class Loop(NeuralNetwork):
    """A loop of its own: whole batches only, in order, the loss divided by the epochs."""

    stop_early, shuffled, per_sample = True, False, False

    def fit(self, X, d, batch_size, n_epochs=10, lr=1e-2):
        n, losses = X.shape[1], np.zeros(n_epochs)
        end = n - batch_size + 1 if self.stop_early else n
        for epoch in range(n_epochs):
            order = self.rng.permutation(n) if self.shuffled else np.arange(n)
            for start in range(0, end, batch_size):
                columns = order[start : start + batch_size]
                losses[epoch] += self.train_iteration(X[:, columns], d[:, self.targets(columns)], lr)
        return losses / (n if self.per_sample else n_epochs)

    def targets(self, columns):
        return columns


class WholeLoop(Loop):
    stop_early = False


class ShuffledLoop(WholeLoop):
    shuffled = True


class RightLoop(ShuffledLoop):
    per_sample = True


class Mixed(RightLoop):
    def targets(self, columns):
        return columns[::-1]


class Steady(WholeLoop):
    per_sample = True


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Loop, "2 epochs made 8 steps; wanted are 10"),
        (WholeLoop, "the mean loss of epoch 1"),
        (Steady, "the same order"),
        (ShuffledLoop, "the mean loss of epoch 1"),
        (Mixed, "the target of another"),
    ],
)
def test_a_wrong_loop_is_found(kind, words):
    with pytest.raises(CheckError, match=words):
        checks.mini_batches(kind(3, 5, 4, seed=1))


def test_a_right_loop_of_somebody_else_passes():
    checks.mini_batches(RightLoop(3, 5, 4, seed=1))


def test_data(small_dataset):
    X, images, labels = small_dataset.X_train, small_dataset.train_images, small_dataset.train_labels
    checks.pixels(X, images)
    with pytest.raises(CheckError, match="X has shape"):
        checks.pixels(X.T, images)
    with pytest.raises(CheckError, match="column 0 of X, pixel"):
        checks.pixels(X * 255, images)
    checks.one_hot(small_dataset.Y_train, labels)
    with pytest.raises(CheckError, match="column 0 of Y is"):
        checks.one_hot(small_dataset.Y_train[::-1], labels)
    with pytest.raises(CheckError, match="there are 10 labels"):
        checks.one_hot(small_dataset.Y_train, labels[:10])


def test_confusion():
    true, predicted = np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])
    matrix = explorer.confusion_matrix(true, predicted, 3)
    checks.confusion(matrix, true, predicted)
    with pytest.raises(CheckError, match=r"\(1, 2\) is 0; wanted is 1"):
        checks.confusion(matrix.T, true, predicted)


def test_output_delta(X, d):
    checks.output_delta(network(**MODERN), X, d)
    with pytest.raises(CheckError, match="sample 0"):
        checks.output_delta(network(), X, d)  # sigmoid and squared error: not y − d


def test_what_passed_reads_well():
    exact, near = Passed("f against a loop"), Passed("f < g", 1.5e-9)
    assert repr(exact) == "✓ f against a loop; no difference"
    assert "largest difference 1.5e-09" in str(near)
    assert "f &lt; g" in near._repr_html_()
