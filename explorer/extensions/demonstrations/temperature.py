"""Temperature: a network that is too sure of itself, put right with one number."""

from functools import partial

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Array, Demonstration, Result, Steps, training
from explorer.extensions.demonstrations.figures import curves
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.figures.reliability import reliability
from explorer.network import NeuralNetwork
from explorer.training.presets import PRESETS

_BINS = 15
_CONFIG = PRESETS["Modern"].replace(n_train=1000, epochs=60, learning_rate=0.3)


def best_temperature(a: Array, labels: Array) -> float:
    """Return the T that minimizes the cross-entropy of softmax(a / T), from 0.05 to 20 (Guo et al., 2017).

    `a` are weighted sums of the output layer, (n_classes, n), and `labels` the true classes, (n,).
    """

    def loss(log_t: float) -> float:
        return -float(log_softmax(a / np.exp(log_t), axis=0)[labels, np.arange(len(labels))].mean())

    return float(np.exp(minimize_scalar(loss, bounds=np.log([0.05, 20]), method="bounded").x))


def calibration(p: Array, labels: Array) -> tuple[float, Array, Array]:
    """Return the expected calibration error of probabilities (n_classes, n), and each bin's sureness and accuracy.

    The error is Σ share of a bin × |accuracy − confidence| over 15 bins of equal width (Naeini et al., 2015).
    """
    bins = reliability(p, labels, _BINS)
    used = bins.counts > 0
    return bins.error, bins.confidence[used], bins.accuracy[used]


def _run(dataset: Dataset, seed: int, network: NeuralNetwork | None = None) -> Steps:
    network = network or (yield from training(_CONFIG.replace(seed=seed), dataset))
    if network.output != "softmax":
        raise ValueError("This network has no softmax outputs, whose weighted sums a temperature divides")
    network.forward(dataset.X_test)
    a, labels = network.a[-1].astype(np.float64), dataset.test_labels
    half = np.arange(len(labels)) % 2 == 0  # T is found on one half, and judged on the other
    T = best_temperature(a[:, half], labels[half])
    p, cooled = (np.exp(log_softmax(a[:, ~half] / t, axis=0)) for t in (1.0, T))
    (before, *trained), (after, *scaled) = (calibration(it, labels[~half]) for it in (p, cooled))
    lines = {"": ([0, 1], [0, 1]), "as trained": trained, f"T = {T:.2f}": scaled}
    right, sure = float(np.mean(p.argmax(axis=0) == labels[~half])), float(p.max(axis=0).mean())
    numbers = {"accuracy": right, "confidence": sure, "T": T, "before": before, "after": after}
    numbers |= {"over": sure - right, "left": after / max(before, 1e-9)}
    yield Result(numbers, partial(curves, lines, "how sure it is", "how often it is right"))


DEMONSTRATION = Demonstration("temperature", TEXTS["temperature"], _CONFIG, _run, uses_run=True)
