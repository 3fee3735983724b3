"""A little contrast fools a network; noise passes for a 3; one change turns nearly every image into an 8."""

import numpy as np

from explorer.datasets import Dataset
from explorer.datasets.dataset import pixel_columns
from explorer.experiments import Array, Knob, Result, Steps, training
from explorer.extensions.demonstrations.presentation import demonstration, pictures
from explorer.inspection.contributions import d_loss
from explorer.network import NeuralNetwork, accuracy
from explorer.network.metrics import probabilities
from explorer.training.presets import START
from explorer.wording import percent

_STEPS, _LENGTH = 60, 0.1
_TARGET, _SAMPLES, _TURNS = 8, 2000, 20


def adversarial(network: NeuralNetwork, X: Array, d: Array, eps: float) -> Array:
    """Return X + ε sign(∂L/∂X), (n_input, n): the fast gradient sign method (Goodfellow et al., 2015).

    ε is in gray levels from 0 to 1. The sum is clipped to [0, 1], so that it is an image, too; in the paper it
    isn't.
    """
    return np.asarray(np.clip(X + np.float32(eps) * np.sign(d_loss(network, X, d)), 0, 1), X.dtype)


def fgsm(
    network: NeuralNetwork, dataset: Dataset, eps: float = 0.1, seed: int = 0, drawing: Array | None = None
) -> Result:
    """Attack all test images with `adversarial`, and compare with random changes of ±ε, from 0 to 1.

    The numbers are accuracies, 0 to 1: "attacked", "before", and "noisy" for the random changes. The figure has a
    `drawing`, uint8 (28, 28), or the first test image that the attack turns into another class.
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
    return Result({**found, "noisy": noisy, "eps": eps}, pictures(images, words, 3))


_EPS = Knob("eps", "ε", (0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3), 0.1)


@demonstration("fgsm", START, _EPS, uses_run=True, uses_drawing=True)
def fast_gradient_sign(
    dataset: Dataset,
    seed: int,
    network: NeuralNetwork | None = None,
    eps: float = 0.1,
    drawing: Array | None = None,
) -> Steps:
    """Attack each test image for itself."""
    network = network or (yield from training(START.replace(seed=seed), dataset))
    yield fgsm(network, dataset, eps, seed, drawing)


def fooling_noise(network: NeuralNetwork, seed: int = 0, steps: int = _STEPS) -> Array:
    """Return noise, (n_input, n_classes), that the network is sure shows each class (Nguyen et al., 2015)."""
    n_input, n_classes = network.layer_sizes[0], network.layer_sizes[-1]
    X = np.random.default_rng(seed).random((n_input, 1), np.float32).repeat(n_classes, axis=1)
    for length in np.linspace(_LENGTH, 0, steps, endpoint=False, dtype=X.dtype):
        signs = np.sign(d_loss(network, X, np.eye(n_classes, dtype=X.dtype)))
        X = np.clip(X - length * signs, 0, 1)
    return X


def universal_change(network: NeuralNetwork, X: Array, target: int, eps: float) -> Array:
    """Return one change, (n_input, 1), each pixel by ±ε, that makes images `X` be read as `target`.

    It goes against the sign of the loss's mean gradient over all images, again and again from where it led:
    simpler than the algorithm of Moosavi-Dezfooli et al. (2017), and towards one class.
    """
    d, change = np.zeros((network.layer_sizes[-1], X.shape[1]), X.dtype), np.zeros((len(X), 1), X.dtype)
    d[target] = 1
    for _ in range(_TURNS):
        slope = d_loss(network, np.clip(X + change, 0, 1), d).mean(axis=1, keepdims=True)
        change = np.clip(change - np.float32(eps / 4) * np.sign(slope), -eps, eps)
    return change


_CHANGE = Knob("eps", "ε", (0.1, 0.15, 0.2, 0.25, 0.3, 0.4), 0.3)


@demonstration("fooling", START, _CHANGE, uses_run=True, uses_drawing=True)
def fooling(
    dataset: Dataset,
    seed: int,
    network: NeuralNetwork | None = None,
    eps: float = 0.3,
    drawing: Array | None = None,
) -> Steps:
    """Make noise of each class, and one change for all images."""
    network = network or (yield from training(START.replace(seed=seed), dataset))
    X = fooling_noise(network, seed)
    sure = np.diag(probabilities(network.forward(X)))
    change = universal_change(network, dataset.X_train[:, :_SAMPLES], _TARGET, eps)
    changed = np.clip(dataset.X_test + change, 0, 1)
    share, before = (float(np.mean(network.predict(X) == _TARGET)) for X in (changed, dataset.X_test))
    images = [column.reshape(28, 28) for column in (*X.T, change / eps)]
    words = [*(f"{percent(p, 2)} a {k}" for k, p in enumerate(sure)), f"makes {percent(share)} an {_TARGET}"]
    if drawing is not None:
        x = np.clip(pixel_columns(drawing[np.newaxis]) + change, 0, 1)
        images.append(x.reshape(28, 28))
        words.append(f"your drawing with it: {dataset.class_names[int(network.predict(x)[0])]}")
    numbers = {"share": share, "before": before, "eps": eps, "target": _TARGET}
    numbers["least"] = np.floor(1e4 * sure.min()) / 1e4  # "at least" must stay true as it is rounded
    yield Result(numbers, pictures(images, words, 6))
