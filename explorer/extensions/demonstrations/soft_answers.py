"""Soft answers: they teach a student a digit that it never saw; a temperature makes them as sure as right."""

from functools import partial

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Array, Knob, Result, Steps, batches, training
from explorer.extensions.demonstrations.figures import curves
from explorer.extensions.demonstrations.labels import of_classes
from explorer.extensions.demonstrations.texts import demonstration
from explorer.figures.confusion import confusion_figure
from explorer.figures.reliability import reliability
from explorer.network import NeuralNetwork, confusion_matrix
from explorer.network.network import Network
from explorer.training.presets import PRESETS

_UNSEEN, _BATCH, _EPOCHS, _RATE = 3, 128, 5, 0.1
_BINS = 15
_MODERN = PRESETS["Modern"]
_TOO_SURE = _MODERN.replace(n_train=1000, epochs=60, learning_rate=0.3)


class Student(Network):
    """A network whose outputs are softmax(a / T), and whose desired outputs may be any probabilities."""

    T = 1.0

    def output_delta(self, y: Array, d: Array) -> Array:
        """Return T (softmax(a / T) − d), T² ∂L/∂a, so that T doesn't shorten the step (Hinton et al., 2015)."""
        return np.asarray(self.T * (softmax(self.a[-1] / self.T, axis=0) - d), y.dtype)


def soft_answers(teacher: NeuralNetwork, X: Array, T: float) -> Array:
    """Return softmax(a / T) of the teacher's weighted sums for the inputs X, (n_input, n): (n_classes, n)."""
    teacher.forward(X)
    return np.asarray(softmax(teacher.a[-1] / np.float32(T), axis=0))


@demonstration("distillation", _MODERN, Knob("T", "T", (0, 1, 2, 4, 8, 20), 20))
def distillation(dataset: Dataset, seed: int, network: NeuralNetwork | None = None, T: float = 20) -> Steps:
    """Teach a student without any 3 by the soft answers of a network that saw them."""
    teacher = network or (yield from training(_MODERN.replace(seed=seed), dataset, 0.4))
    without = of_classes(dataset, [k for k in range(dataset.n_classes) if k != _UNSEEN])
    X, rng = without.X_train, np.random.default_rng(seed)
    d = soft_answers(teacher, X, T) if T else without.Y_train
    plain = float(soft_answers(teacher, X, 1)[_UNSEEN].mean())
    student = Student(
        len(X), 64, dataset.n_classes, hidden_activation="relu", output="softmax", loss="cross_entropy",
        initializer="he", dtype=np.float32, seed=seed,
    )  # fmt: skip
    student.T = T or 1.0
    for _ in range(_EPOCHS):
        for batch in batches(X.shape[1], _BATCH, rng):
            student.train_iteration(X[:, batch], d[:, batch], _RATE / len(batch))
        counts = confusion_matrix(dataset.test_labels, student.predict(dataset.X_test), dataset.n_classes)
        recall = float(counts[_UNSEEN, _UNSEEN] / counts[_UNSEEN].sum())
        numbers = {"recall": recall, "T": T, "soft": float(d[_UNSEEN].mean()), "plain": plain}
        yield Result(numbers, partial(confusion_figure, counts, dataset.class_names))


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


@demonstration("temperature", _TOO_SURE, uses_run=True)
def temperature(dataset: Dataset, seed: int, network: NeuralNetwork | None = None) -> Steps:
    """Put a network right that is too sure of itself, with one number."""
    network = network or (yield from training(_TOO_SURE.replace(seed=seed), dataset))
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
    yield Result(numbers, curves(lines, "how sure it is", "how often it is right"))
