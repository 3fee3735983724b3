"""The checks let right solutions pass and find wrong ones, whoever wrote them, and say so in one line."""

import re

import numpy as np
import pytest
from checks.solutions import networks as solutions
from IPython.core.interactiveshell import InteractiveShell
from thinned import one_in

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


def assert_passes(net, X, d):
    """Assert that a network passes all checks, which work on copies."""
    before = [array.copy() for array in (net.W1, net.b1, net.W2, net.b2)]
    checks.forward_pass(net, X)
    checks.decisions(net, X)
    checks.gradients(net, X, d)
    checks.step(net, X, d, 0.05)
    checks.mini_batches(net)
    for now, was in zip((net.W1, net.b1, net.W2, net.b2), before, strict=True):
        np.testing.assert_array_equal(now, was, strict=True)


@pytest.mark.parametrize("solution", solutions.SOLUTIONS)
def test_a_students_network_passes_every_check(solution, X, d):
    network = solution(3, 5, 4)
    checks.initial_weights(network)
    assert_passes(network, X, d)
    checks.mini_batches(network, n_samples=20, batch_size=5)


@pytest.mark.parametrize("times", [3, 1 / 3])
def test_weights_that_are_spread_three_times_off_are_refused(times):
    network = solutions.InPlace(784, 32, 10)
    network.W1[:] = times * np.random.default_rng(0).uniform(-1, 1, (32, 784)) * np.sqrt(6 / (784 + 32))
    with pytest.raises(CheckError, match="W1: expected"):
        checks.initial_weights(network)


@pytest.mark.parametrize("solution", one_in(2, [solutions.InPlace, solutions.Vectorised]))
def test_a_students_network_of_the_exercises_size_passes(solution, mnist):
    assert_passes(solution(784, 32, 10), mnist.X_train[:, :300], mnist.Y_train[:, :300])


@pytest.mark.parametrize("options", [
    {}, {"dtype": np.float32}, {"l2": 0.02, "l1": 0.01}, {"n_hidden": (6, 5)}, MODERN,
    {"hidden_activation": "tanh", "loss": "cross_entropy"}, {"output": "softmax"},
])  # fmt: skip
def test_every_kind_of_network_passes(options, X, d):
    assert_passes(network(**options), X, d)


def test_what_a_network_must_have_is_named_in_one_line(X, d):
    network = solutions.Vectorised(3, 5, 4)
    del network.b2
    with pytest.raises(CheckError, match=r"^Vectorised: expected an attribute b2, got none$"):
        checks.gradients(network, X, d)
    network.b2 = np.zeros(4)
    with pytest.raises(CheckError, match=r"^b2: expected shape \(4, 1\), got shape \(4,\)$"):
        checks.forward_pass(network, X)
    network.b2, network.W2 = np.zeros((5, 1)), network.W2.T
    with pytest.raises(CheckError, match=r"^W2: expected shape \(5, 5\), got shape \(5, 4\)$"):
        checks.initial_weights(network)
    with pytest.raises(CheckError, match=r"^Silent: expected an attribute a2, got none$"):
        checks.output_delta(solutions.Silent(3, 5, 4), X, d)


def test_a_notebook_shows_one_red_line_and_no_traceback(capsys):
    shell = InteractiveShell.instance()
    try:
        shell.run_cell("import explorer\nfrom explorer import checks\nchecks.sigmoid(explorer.tanh)")
    finally:
        InteractiveShell.clear_instance()
    shown = capsys.readouterr().out.strip()
    said = r"✗ tanh\(0\.25\): expected 0\.56\d+, got 0\.24\d+\. These are the values of tanh, .*"
    assert re.fullmatch(rf"\x1b\[31m{said}\x1b\[0m", shown)


def test_a_difference_in_the_ninth_decimal_is_found():
    """Larger ones are those of the known mistakes."""
    with pytest.raises(CheckError):
        checks.sigmoid(lambda a: explorer.sigmoid(a) + 1e-9)


def test_initial_weights():
    checks.initial_weights(NeuralNetwork(50, 20, 10, seed=0))
    assert checks.initial_weights(NeuralNetwork(50, 20, 10, initializer="he", seed=0)).note == ""
    for rule, found in (("normal", "too far from 0"), ("uniform", "of one sign")):
        with pytest.raises(CheckError, match=f"W1: expected small random weights; these are {found}"):
            checks.initial_weights(NeuralNetwork(50, 20, 10, initializer=rule, seed=0))
    W1, b2 = NeuralNetwork(50, 20, 10, seed=0).W1, np.zeros((10, 1))
    for name, array, words in (
        ("b2", np.where(np.arange(10)[:, None] == 3, 0.1, b2), r"b2\[3, 0\]: expected 0, got 0\.1"),
        ("W1", W1 + 0.1, r"W1: expected a mean within 0\.\d+ of 0, got 0\.\d+"),
        ("W1", 0 * W1, "W1: expected small random weights; these are the same for each unit"),
        ("W1", 0.8 * W1, r"W1: expected weights spread evenly from -0\.2928 to 0\.2928"),
        ("W1", 1.2 * W1, r"W1: expected weights spread evenly from -0\.2928 to 0\.2928"),
    ):
        changed = NeuralNetwork(50, 20, 10, seed=0)
        setattr(changed, name, array)
        with pytest.raises(CheckError, match=words):
            checks.initial_weights(changed)


def test_data(small_dataset):
    X, images, labels = small_dataset.X_train, small_dataset.train_images, small_dataset.train_labels
    checks.pixels(X, images)
    with pytest.raises(CheckError, match=r"X: expected shape \(784, 600\), got shape \(600, 784\)"):
        checks.pixels(X.T, images)
    words = r"X\[\d+, 0\], for the byte \d+ in row \d+, column \d+ of image 0: expected"
    with pytest.raises(CheckError, match=words):
        checks.pixels(X * 255, images)
    checks.one_hot(small_dataset.Y_train, labels)
    with pytest.raises(CheckError, match=r"column 0 of Y: expected \[.*\] for label \d, got"):
        checks.one_hot(small_dataset.Y_train[::-1], labels)
    with pytest.raises(CheckError, match=r"Y: expected shape \(n_classes, 10\), got shape \(10, 600\)"):
        checks.one_hot(small_dataset.Y_train, labels[:10])


def test_confusion():
    true, predicted = np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])
    matrix = explorer.confusion_matrix(true, predicted, 3)
    checks.confusion(matrix, true, predicted)
    with pytest.raises(CheckError, match=r"confusion\[1, 2\]: expected 1, got 0"):
        checks.confusion(matrix.T, true, predicted)


def test_output_delta(X, d):
    checks.output_delta(network(**MODERN), X, d)
    with pytest.raises(CheckError, match=r"y − d of sample 0\[0, 0\]"):
        checks.output_delta(network(), X, d)  # sigmoid and squared error: not y − d


def test_what_passed_reads_well():
    exact, near = Passed("f against a loop"), Passed("f < g", 1.5e-9)
    assert repr(exact) == "✓ f against a loop; no difference"
    assert repr(Passed("f", note="but slow")) == "✓ f; no difference. Note: but slow"
    assert "largest difference 1.5e-09" in str(near)
    assert "f &lt; g" in near._repr_html_()
