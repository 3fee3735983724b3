"""A little contrast fools it: each pixel a bit lighter or darker, by the sign of the loss's gradient."""

from functools import partial

import numpy as np

from explorer.datasets import Dataset
from explorer.datasets.dataset import pixel_columns
from explorer.experiments.demonstration import Array, Demonstration, Knob, Result, Steps, training
from explorer.extensions.demonstrations.figures import pictures
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.inspection import d_loss
from explorer.network import NeuralNetwork, accuracy
from explorer.training.presets import START


def adversarial(network: NeuralNetwork, X: Array, d: Array, eps: float) -> Array:
    """Return X + ε sign(∂L/∂X), shape (n_input, n): the fast gradient sign method (Goodfellow et al., 2015).

    `X` are images (n_input, n), `d` their desired outputs (n_output, n); `eps` is in gray levels from 0 to 1. The
    sum is clipped to [0, 1], so that it is an image, too; in the paper it isn't.
    """
    return np.asarray(np.clip(X + np.float32(eps) * np.sign(d_loss(network, X, d)), 0, 1), X.dtype)


def fgsm(
    network: NeuralNetwork,
    dataset: Dataset,
    eps: float = 0.1,
    seed: int = 0,
    drawing: Array | None = None,
) -> Result:
    """Attack all test images with `adversarial`, and compare with random changes of ±ε.

    The numbers are accuracies, 0 to 1: "attacked", "before", and "noisy" for the random changes. The figure has a
    `drawing`, uint8 (28, 28), or the first test image that the attack turns into another class. Raises
    `ValueError` if `eps` is not from 0 to 1.
    """
    if not 0 <= eps <= 1:
        raise ValueError(f"eps is {eps}; expected 0 to 1")
    X, labels = dataset.X_test, dataset.test_labels
    changed = adversarial(network, X, dataset.Y_test, eps)
    signs = np.random.default_rng(seed).choice(np.array([-eps, eps], X.dtype), X.shape)
    before, after = network.predict(X), network.predict(changed)
    noisy = accuracy(labels, network.predict(np.clip(X + signs, 0, 1)))
    i = int(np.argmax((before == labels) & (after != labels)))
    x, sum_ = X[:, [i]], changed[:, [i]]
    if drawing is not None:
        x = pixel_columns(drawing[np.newaxis])
        decided = np.eye(dataset.n_classes, dtype=x.dtype)[:, network.predict(x)]
        sum_ = adversarial(network, x, decided, eps)
    images = [column.reshape(28, 28) for column in (x, (sum_ - x) / (eps or 1), sum_)]
    reads = [dataset.class_names[int(network.predict(column)[0])] for column in (x, sum_)]
    times = f"its change, × {1 / eps:.3g}" if eps else "its change, none"
    words = [f"read as {reads[0]}", times, f"the sum: read as {reads[1]}"]
    found = {"attacked": accuracy(labels, after), "before": accuracy(labels, before)}
    return Result({**found, "noisy": noisy, "eps": eps}, partial(pictures, images, words, 3))


def _run(
    dataset: Dataset,
    seed: int,
    network: NeuralNetwork | None = None,
    eps: float = 0.1,
    drawing: Array | None = None,
) -> Steps:
    network = network or (yield from training(START.replace(seed=seed), dataset))
    yield fgsm(network, dataset, eps, seed, drawing)


_EPS = Knob("eps", "ε", (0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3), 0.1)
DEMONSTRATION = Demonstration("fgsm", TEXTS["fgsm"], START, _run, _EPS, uses_run=True, uses_drawing=True)
