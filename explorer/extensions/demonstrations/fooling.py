"""Noise that passes for a 3, and one change that turns nearly every image into an 8."""

from functools import partial

import numpy as np

from explorer.datasets import Dataset
from explorer.datasets.dataset import pixel_columns
from explorer.experiments.demonstration import Array, Demonstration, Knob, Result, Steps, training
from explorer.extensions.demonstrations.figures import pictures
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.inspection import d_loss
from explorer.network import NeuralNetwork
from explorer.network.metrics import probabilities
from explorer.training.presets import START
from explorer.wording import percent

_STEPS, _LENGTH = 60, 0.1
_TARGET, _SAMPLES, _TURNS = 8, 2000, 20


def fooling_noise(network: NeuralNetwork, seed: int = 0, steps: int = _STEPS) -> Array:
    """Return noise, (n_input, n_classes), that the network is sure shows each class (Nguyen et al., 2015).

    Each of the `steps` moves every pixel, by 0.1 and then by less, to where that class's loss falls in [0, 1].
    """
    n_input, n_classes = network.layer_sizes[0], network.layer_sizes[-1]
    X = np.random.default_rng(seed).random((n_input, 1), np.float32).repeat(n_classes, axis=1)
    for length in np.linspace(_LENGTH, 0, steps, endpoint=False, dtype=X.dtype):
        signs = np.sign(d_loss(network, X, np.eye(n_classes, dtype=X.dtype)))
        X = np.clip(X - length * signs, 0, 1)
    return X


def universal_change(network: NeuralNetwork, X: Array, target: int, eps: float) -> Array:
    """Return one change, (n_input, 1), each pixel by ±ε, that makes images `X` be read as `target`.

    It goes against the sign of the loss's mean gradient over all images, again and again from where it led, within
    [0, 1]; simpler than the algorithm of Moosavi-Dezfooli et al. (2017), and towards one class.
    """
    d, change = np.zeros((network.layer_sizes[-1], X.shape[1]), X.dtype), np.zeros((len(X), 1), X.dtype)
    d[target] = 1
    for _ in range(_TURNS):
        slope = d_loss(network, np.clip(X + change, 0, 1), d).mean(axis=1, keepdims=True)
        change = np.clip(change - np.float32(eps / 4) * np.sign(slope), -eps, eps)
    return change


def _run(
    dataset: Dataset,
    seed: int,
    network: NeuralNetwork | None = None,
    eps: float = 0.3,
    drawing: Array | None = None,
) -> Steps:
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
    yield Result(numbers, partial(pictures, images, words, 6))


_EPS = Knob("eps", "ε", (0.1, 0.15, 0.2, 0.25, 0.3, 0.4), 0.3)
DEMONSTRATION = Demonstration(
    "fooling", TEXTS["fooling"], START, _run, _EPS, uses_run=True, uses_drawing=True
)
