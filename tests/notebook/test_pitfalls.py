"""Each wrong variant shows its symptom and the right one doesn't, so that nobody fixes a mistake by accident."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from explorer import checks
from explorer.checks import CheckError
from explorer.checks.exercise import Network
from explorer.network import NeuralNetwork, accuracy
from explorer.network.activations import sigmoid
from explorer.notebook import pitfalls
from explorer.notebook.pitfalls import attempt, contrast_runs, run
from explorer.training.process_settings import one_blas_thread

CHANCE = 0.15  # the most frequent of ten digits has 11 % of the test images


def network_of(kind, **options):
    return kind(784, 32, 10, seed=0, **options)


@pytest.fixture(scope="module")
def few(mnist):
    return mnist.head(3000)


@pytest.fixture(scope="module")
def right(few):
    return run(network_of(NeuralNetwork), few, n_epochs=4)


def test_all_but_its_batches_is_right_in_one_batch_too_many(few):
    network, X, d = network_of(pitfalls.OneBatchTooMany), few.X_train[:, :20], few.Y_train[:, :20]
    checks.initial_weights(network)
    checks.forward_pass(network, X[:, :3])
    checks.decisions(network, X)
    checks.gradients(network, X, d)
    checks.step(network, X, d)
    checks.mini_batches(network, n_samples=23)  # only a size that divides shows the empty batch
    with pytest.raises(CheckError, match="calls of train_iteration in 3 epochs: expected 12, got 15"):
        checks.mini_batches(network, n_samples=20)


def test_a_run_is_training_epoch_by_epoch(few, right):
    network = network_of(NeuralNetwork)
    with one_blas_thread():
        losses = network.fit(few.X_train, few.Y_train, 128, n_epochs=4)
    np.testing.assert_array_equal(losses, right.loss)
    np.testing.assert_array_equal(network.W1, right.network.W1)
    assert right.accuracy[-1] == accuracy(few.test_labels, network.predict(few.X_test))


def test_positive_weights_saturate_every_hidden_unit_and_nothing_moves(few, right):
    network = network_of(NeuralNetwork, initializer="uniform")
    before = network.W1.copy()
    network.forward(few.X_train)
    assert (network.h1 > 0.99).mean() > 0.999
    stuck = run(network, few, n_epochs=4)
    assert stuck.accuracy.max() < CHANCE < right.accuracy[-1]
    np.testing.assert_array_equal(network.W1, before)
    fresh = network_of(Network)
    fresh.forward(few.X_train)
    assert (fresh.h1 > 0.99).mean() < 0.001
    with pytest.raises(CheckError, match="these are of one sign"):
        checks.initial_weights(network_of(NeuralNetwork, initializer="uniform"))


def test_of_three_sigmoids_one_is_right_by_luck_one_wrong_and_one_quiet():
    a = np.array([-1000, -20, 0, 20, 1000], np.float32)
    with pytest.warns(RuntimeWarning, match="overflow"):
        np.testing.assert_allclose(pitfalls.as_printed(a), sigmoid(a), atol=1e-7)
    assert "overflow" in checks.sigmoid(pitfalls.as_printed).note
    with pytest.warns(RuntimeWarning) as warned:
        np.testing.assert_array_equal(pitfalls.quotient(a[::2]), [0, 0.5, np.nan])
    assert {str(warning.message).split()[0] for warning in warned} == {"overflow", "invalid"}
    with pytest.raises(CheckError, match=r"quotient\(1000\): expected 1, got nan"):
        checks.sigmoid(pitfalls.quotient)
    np.testing.assert_allclose(pitfalls.stable(a), sigmoid(a), atol=1e-12)
    assert checks.sigmoid(pitfalls.stable).note == ""


def test_a_quotient_ends_the_training_at_its_first_step(few):
    broken = run(network_of(pitfalls.QuotientNetwork), few, columns=pitfalls.as_bytes, n_epochs=2)
    holding = run(network_of(NeuralNetwork), few, columns=pitfalls.as_bytes, n_epochs=2)
    assert np.isnan(broken.loss).all()
    assert np.isnan(broken.network.W1).all()
    assert broken.accuracy[-1] == (few.test_labels == 0).mean()
    assert any("overflow" in line for line in broken.warned)
    assert len(set(broken.warned)) == len(broken.warned)
    assert np.isfinite(holding.loss).all()
    assert holding.accuracy[-1] > 2 * CHANCE
    assert holding.warned == ()


def test_rows_are_refused_unless_there_are_as_many_as_inputs(few):
    rows = pitfalls.left_as_rows(few.train_images)
    assert rows.shape == (3000, 784)
    with pytest.raises(ValueError, match="mismatch"):
        network_of(Network).forward(rows)
    with pytest.raises(ValueError, match=r"pass X\.T"):
        network_of(NeuralNetwork).forward(rows)
    assert network_of(Network).forward(rows[:784]).shape == (10, 784)  # silent


def test_reshaping_alone_mixes_images_and_says_nothing(few, right):
    mixed, transposed = pitfalls.reshaped(few.train_images), pitfalls.transposed(few.train_images)
    assert mixed.shape == transposed.shape
    np.testing.assert_array_equal(np.sort(mixed, axis=None), np.sort(transposed, axis=None))
    with pytest.raises(CheckError, match=r"X\[\d+, \d+\], for the byte \d+ in .*: expected"):
        checks.pixels(mixed, few.train_images)
    checks.pixels(transposed, few.train_images)
    np.testing.assert_allclose(transposed, few.X_train, atol=1e-7)
    scrambled = run(network_of(NeuralNetwork), few, columns=pitfalls.reshaped, n_epochs=4)
    assert scrambled.accuracy.max() < CHANCE < right.accuracy[-1]
    assert scrambled.warned == ()


def test_a_comma_takes_one_number_and_a_bare_colon_takes_rows(few):
    X, d = few.X_train, few.Y_train
    for wrong, shape in ((pitfalls.OnePixel, r"\(\)"), (pitfalls.Rows, r"\(128, 3000\)")):
        with pytest.raises(ValueError, match=rf"X has shape {shape}; expected \(784, n_samples\)"):
            network_of(wrong).fit(X, d, 128)
        with pytest.raises(CheckError, match=r"fit raised IndexError|shape of the largest batch: expected"):
            checks.mini_batches(network_of(wrong))


@pytest.mark.parametrize(
    ("mistake", "expected", "epoch"),
    [
        ("loss-never-reset", np.cumsum, 2),  # it grows while the network learns
        ("loss-divided-by-epochs", lambda losses: losses * 3000 / 4, 1),  # no mean
    ],
)
def test_a_wrong_loss_is_told_of_a_network_that_learns(few, mistake, expected, epoch):
    right = run(network_of(Network), few, n_epochs=4)
    network = network_of(checks.MISTAKES[mistake].network)
    with one_blas_thread():
        losses = network.fit(few.X_train, few.Y_train, 128, n_epochs=4)
    np.testing.assert_allclose(losses, expected(right.loss), rtol=1e-12)
    np.testing.assert_array_equal(network.W1, right.network.W1)
    with pytest.raises(CheckError, match=f"mean loss of epoch {epoch}"):
        checks.mini_batches(network)


@pytest.mark.parametrize(("batch_size", "last"), [(128, 3000 % 128), (100, 0)])
def test_one_batch_too_many_is_empty_where_the_size_divides_the_samples(batch_size, last, few):
    widths = {pitfalls.OneBatchTooMany: [], Network: []}
    for kind, found in widths.items():
        network = network_of(kind)
        network.train_iteration = lambda X, d, lr, found=found: found.append(X.shape[1]) or 0.0
        network.fit(few.X_train, few.Y_train, batch_size, n_epochs=1)
        assert sum(found) == 3000
    assert widths[pitfalls.OneBatchTooMany][-1] == last
    assert min(widths[Network]) > 0
    assert len(widths[Network]) == math.ceil(3000 / batch_size)


def test_an_empty_batch_is_silent_by_sum_and_the_end_by_mean(few):
    settings = {"batch_size": 100, "n_epochs": 2}
    summed = run(network_of(pitfalls.OneBatchTooMany), few, **settings)
    right = run(network_of(NeuralNetwork), few, **settings)
    np.testing.assert_allclose(summed.loss, right.loss, rtol=1e-6)
    assert summed.warned == ()
    mean = run(network_of(pitfalls.OneBatchTooManyByMean), few, lr=1.0, **settings)
    assert np.isfinite(mean.loss[0])  # the empty batch was the epoch's last
    assert np.isnan(mean.loss[1])
    assert any("invalid value" in line for line in mean.warned)
    whole = run(network_of(pitfalls.OneBatchTooManyByMean), few, lr=1.0, batch_size=128, n_epochs=2)
    assert np.isfinite(whole.loss).all()
    by_mean = run(network_of(pitfalls.ByMean), few, lr=1.0, **settings)
    np.testing.assert_allclose(by_mean.loss, summed.loss, rtol=1e-3)  # 0.01 by sum is 1 by mean of 100


def test_random_labels_give_train_accuracy_away(mnist):
    small, settings = mnist.head(300), {"batch_size": 10, "n_epochs": 30, "lr": 0.2}
    nonsense = replace(small, train_labels=np.random.default_rng(0).permutation(small.train_labels))
    flattered = run(network_of(NeuralNetwork), nonsense, score=pitfalls.on_train, **settings)
    honest = run(network_of(NeuralNetwork), nonsense, score=pitfalls.on_test, **settings)
    assert honest.accuracy[-1] < 0.25 < 0.5 < flattered.accuracy[-1]


def test_labels_are_refused_and_as_a_row_they_are_not(few, right):
    X, labels = few.X_train, few.train_labels
    with pytest.raises(IndexError, match="too many indices"):
        network_of(Network).fit(X, labels, 128)
    with pytest.raises(ValueError, match="labels must be one-hot columns"):
        network_of(NeuralNetwork).fit(X, labels, 128)
    rowed = run(network_of(pitfalls.Unguarded), few, targets=pitfalls.labels_as_row, n_epochs=4)
    assert rowed.accuracy.max() < CHANCE < right.accuracy[-1]
    assert rowed.loss.min() > 50
    assert rowed.warned == ()
    assert (rowed.network.forward(few.X_test[:, :100]) > 0.99).all()


def test_one_hot_compared_with_classes_looks_like_guessing(few, right):
    decided = right.network.predict(few.X_test)
    assert pitfalls.share_of_equals(few.Y_test, decided) < CHANCE
    assert accuracy(few.test_labels, decided) == right.accuracy[-1] > 0.6
    with pytest.raises(ValueError, match="argmax"):
        accuracy(few.Y_test, decided)


def test_an_attempt_shows_its_error_or_its_warnings_and_the_result():
    shown = attempt(int, "<b>")
    assert repr(shown) == "✗ ValueError: invalid literal for int() with base 10: '<b>'"
    assert "lesson-raised" in shown.html
    assert "<b>" not in shown.html
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # none gets out
        shown = attempt(pitfalls.quotient, np.array([0, 1000], np.float32))
    assert repr(shown).splitlines() == [
        "⚠ RuntimeWarning: overflow encountered in exp",
        "⚠ RuntimeWarning: invalid value encountered in divide",
        "returns [0.5 nan]",
    ]
    assert repr(attempt(abs, -2)) == "no error, no warning; returns 2"
    assert repr(attempt(np.zeros, (10, 30))) == "no error, no warning; returns an array of shape (10, 30)"
    assert repr(attempt(checks.sigmoid, np.tanh)).startswith("✗ tanh(0.25): expected")
    passed = attempt(checks.sigmoid, sigmoid)
    assert repr(passed) == repr(checks.sigmoid(sigmoid))
    assert "lesson-check" in passed.html


def test_two_runs_are_told_with_their_numbers(few, right):
    stuck = run(network_of(NeuralNetwork, initializer="uniform"), few, n_epochs=4)
    said = contrast_runs(stuck, right).text
    assert f"wrong {100 * stuck.accuracy[-1]:.1f} %, right {100 * right.accuracy[-1]:.1f} %." in said
    assert f"Loss after 4 epochs: wrong {stuck.loss[-1]:.3g}, right {right.loss[-1]:.3g}." in said
    assert repr(right) == f"NeuralNetwork after 4 epochs: test accuracy {100 * right.accuracy[-1]:.1f} %"
    lost = replace(stuck, loss=np.full(4, np.nan), warned=("RuntimeWarning: a < b",))
    shown = contrast_runs(lost, right)
    assert "wrong not a number" in shown.text
    assert shown.text.endswith("RuntimeWarning: a < b")
    assert "a &lt; b" in shown.html
