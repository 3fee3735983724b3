"""The checks of what goes beyond the exercise: right answers in any style pass, and wrong ones are found."""

from dataclasses import replace

import numpy as np
import pytest

from explorer import checks
from explorer.checks import CheckError
from explorer.datasets.augmentation import Augmentation, distort
from explorer.network.optimizers import adam, momentum, nesterov, rmsprop
from explorer.network.regularization import dropout_mask


def momentum_in_place(g, lr, t, v):
    v *= 0.9
    v += lr * g
    return v, [v]


def adam_by_its_authors(g, lr, t, m, s):
    """The faster order of section 2 of their paper."""
    m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
    rate = lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return rate * m / (np.sqrt(s) + 1e-8 * np.sqrt(1 - 0.999**t)), (m, s)


def mask_by_where(rng, rate, n_units, n):
    return np.where(rng.uniform(size=(n_units, n)) < 1 - rate, 1 / (1 - rate), 0)


def one_mask_for_all_units(rng, rate, n_units, n):
    return np.repeat(rng.permutation(np.arange(n) >= rate * n)[None], n_units, 0) / (1 - rate)


@pytest.mark.parametrize(("check", "function", "most"), [
    (checks.momentum, momentum, 1e-12), (checks.momentum, momentum_in_place, 1e-12),
    (checks.adam, adam, 1e-12), (checks.adam, adam_by_its_authors, 1e-12),
    (checks.dropout, dropout_mask, 0.02), (checks.dropout, mask_by_where, 0.02),
])  # fmt: skip
def test_right_methods_pass(check, function, most):
    assert check(function).difference < most


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        (checks.momentum, nesterov),
        (checks.momentum, lambda g, lr, t, v: (lr * g, (v,))),  # nothing is remembered
        (checks.momentum, lambda g, lr, t, v: (0.9 * v + 0.1 * lr * g, (0.9 * v + 0.1 * lr * g,))),
        (checks.adam, lambda g, lr, t, m, s: (rmsprop(g, lr, t, s)[0], (m, s))),
        (checks.adam, lambda g, lr, t, m, s: adam(g, lr, t + 1, m, s)),
        (checks.adam, lambda g, lr, t, m, s: adam(g, lr, 1, m, s)),  # always corrected as in the first step
    ],
)
def test_a_wrong_optimizer_is_found(check, wrong):
    with pytest.raises(CheckError, match=r"^change \d+\[\d, \d\]: expected .*, got"):
        check(wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda rng, rate, k, n: dropout_mask(rng, rate, k, n) > 0, "keeps at rate"),
        (lambda rng, rate, k, n: dropout_mask(rng, rate, n, k), "expected shape"),
        (lambda rng, rate, k, n: dropout_mask(rng, 0.5, k, n), "keeps at rate 0.2"),
        (lambda rng, rate, k, n: (rng.random((k, n)) < rate) / (1 - rate), "share of zeros at rate 0.2"),
        (lambda rng, rate, k, n: np.ones((k, n)) / (1 - rate), "share of zeros at rate 0.2"),
        (one_mask_for_all_units, "one"),
    ],
)
def test_a_wrong_mask_is_found(wrong, words):
    with pytest.raises(CheckError, match=words):
        checks.dropout(wrong)


def test_a_split_takes_every_image_once(small_dataset):
    part = small_dataset.hold_out(30, 0)
    assert "no difference" in str(checks.split(part, small_dataset))
    leaking = replace(part, train_images=small_dataset.train_images, train_labels=small_dataset.train_labels)
    with pytest.raises(CheckError, match="in both parts, or from elsewhere: expected 0, got 30"):
        checks.split(leaking, small_dataset)
    with pytest.raises(CheckError, match="in neither part: expected 0, got 30"):
        checks.split(small_dataset.hold_out(30, 0).head(len(part.train_labels) - 30), small_dataset)
    labels = np.roll(part.test_labels, 1)
    with pytest.raises(CheckError, match="in neither part"):
        checks.split(replace(part, test_labels=labels), small_dataset)


def test_the_weights_of_the_lowest_loss_are_kept():
    losses = [0.9, 0.5, 0.4, 0.6, 0.45]
    assert "5 epochs: the weights of epoch 3 are kept" in str(checks.early_stopping(losses, 2, 0.4))
    with pytest.raises(CheckError, match=r"weights that are kept: expected 0\.4, got 0\.45"):
        checks.early_stopping(losses, 2, 0.45)
    with pytest.raises(CheckError, match="epochs since the one with the lowest loss: expected 3, got 2"):
        checks.early_stopping(losses, 3, 0.4)


def test_distortions_are_measured():
    assert checks.augmentation(distort).difference < 0.1


@pytest.mark.parametrize("kind", ["shift", "rotation", "scale"])
@pytest.mark.parametrize("factor", [0.0, 0.5, 1.5])
def test_an_amount_that_is_too_large_or_too_small_is_found(kind, factor):
    def wrong(images, augmentation, rng):
        return distort(images, replace(augmentation, **{kind: factor * getattr(augmentation, kind)}), rng)

    with pytest.raises(CheckError, match=f"^{kind} = .*: expected {kind} of up to"):
        checks.augmentation(wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda images, how, rng: distort(images, replace(how, scale=0.2), rng), "nothing is done to"),
        (lambda images, how, rng: distort(images, how, rng)[: None if how == Augmentation() else 3], "shape"),
    ],
)
def test_what_changes_without_being_asked_is_found(wrong, words):
    with pytest.raises(CheckError, match=words):
        checks.augmentation(wrong)
