"""Wrong labels, which a network finds, knows by heart or sees through; and soft ones, which teach or cool it."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from explorer.datasets import Dataset
from explorer.experiments import Array, Knob, Result, Steps, batches, training
from explorer.extensions.demonstrations.presentation import PERCENT, curves, demonstration, pictures
from explorer.figures.confusion import confusion_figure
from explorer.figures.reliability import reliability
from explorer.network import NeuralNetwork, accuracy, confusion_matrix
from explorer.network.metrics import probabilities
from explorer.network.network import Network
from explorer.training import TrainingConfig, train
from explorer.training.presets import PRESETS

_SWAPPED, _SHOWN = 3000, 24
_CONFIG = PRESETS["Modern"].replace(epochs=3, learning_rate=0.1)
_BY_HEART = PRESETS["Adam"].replace(hidden_sizes=(256,), n_train=2000, batch_size=50, epochs=40)


def random_labels(dataset: Dataset, share: float, seed: int = 0) -> Dataset:
    """Return the data with random labels for a `share`, 0 to 1, of the training images (Zhang et al., 2017)."""
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; expected 0 to 1")
    rng, labels = np.random.default_rng([seed, 5]), dataset.train_labels.copy()
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    labels[chosen] = rng.integers(0, dataset.n_classes, len(chosen))
    return replace(dataset, train_labels=labels)


def swapped_labels(dataset: Dataset, n: int, seed: int = 0) -> tuple[Dataset, Array]:
    """Return the data with another class for `n` training images, and the indices of these, ascending."""
    if not 0 <= n <= dataset.n_train or dataset.n_classes < 2:
        raise ValueError(f"n is {n}; expected 0 to {dataset.n_train}, and two classes or more")
    rng, labels = np.random.default_rng([seed, 6]), dataset.train_labels.copy()
    chosen = np.sort(rng.permutation(len(labels))[:n])
    labels[chosen] = (labels[chosen] + rng.integers(1, dataset.n_classes, n)) % dataset.n_classes
    return replace(dataset, train_labels=labels), chosen


def of_classes(dataset: Dataset, classes: Collection[int]) -> Dataset:
    """Return only the images of some classes, which keep their labels; `DatasetError` if there are none."""
    train, test = (np.isin(labels, list(classes)) for labels in (dataset.train_labels, dataset.test_labels))
    return replace(
        dataset,
        train_images=dataset.train_images[train],
        train_labels=dataset.train_labels[train],
        test_images=dataset.test_images[test],
        test_labels=dataset.test_labels[test],
    )


@demonstration("swapped", _CONFIG, Knob("n", "swapped", (1000, 3000, 6000, 12000), _SWAPPED))
def swapped(dataset: Dataset, seed: int, _network: object = None, n: float = _SWAPPED) -> Steps:
    """Find the swapped labels: those that a network, trained on them, believes least (Northcutt et al., 2021)."""
    wrong, chosen = swapped_labels(dataset, int(n), seed)
    network = yield from training(_CONFIG.replace(seed=seed), wrong)
    labels = wrong.train_labels
    learned = accuracy(labels[chosen], network.predict(wrong.X_train[:, chosen]))
    p = probabilities(network.forward(wrong.X_train))
    order = np.argsort(p[labels, np.arange(len(labels))], kind="stable")
    guilty, first = np.isin(order, chosen), order[:_SHOWN]
    found, first_third = float(guilty[: int(n)].mean()), float(guilty[: int(n) // 3].mean())
    pairs = zip(labels[first], guilty, strict=False)
    words = [f"{'swapped: ' if swapped else ''}“{label}”" for label, swapped in pairs]
    numbers = {"found": found, "first_third": first_third, "learned": learned, "n": int(n)}
    yield Result(numbers, pictures([*(wrong.train_images[first] / 255)], words, 6))


def _learned(config: TrainingConfig, dataset: Dataset) -> Iterator[Array]:
    rows = []
    for record in train(config, dataset):
        rows.append((record.test_accuracy, record.train_accuracy))
        yield np.array(rows).T  # so far, (2, n_epochs)


@demonstration("nonsense", _CONFIG, Knob("share", "lies", (0.2, 0.4, 0.6, 0.8, 0.9), 0.8))
def nonsense(dataset: Dataset, seed: int, _network: object = None, share: float = 0.8) -> Steps:
    """Train on a majority of lies, then on random labels alone."""
    lies, noise = np.empty((2, 0)), np.full((2, 1), np.nan)
    for lies in _learned(_CONFIG.replace(seed=seed), random_labels(dataset, share, seed)):
        yield _result(share, lies, noise)
    few = random_labels(dataset.head(_BY_HEART.n_train), 1.0, seed)
    for noise in _learned(_BY_HEART.replace(seed=seed), few):
        yield _result(share, lies, noise)


def _result(share: float, lies: Array, noise: Array) -> Result:
    names = f"{share:.0%} lies: test", f"{share:.0%} lies: train", "nonsense: test", "nonsense: train"
    named = zip(names, (*lies, *noise), strict=True)
    lines = {name: (np.arange(1, len(y) + 1), 100 * y) for name, y in named}
    numbers = {"survived": lies[0, -1], "share": share, "by_heart": noise[1, -1], "worth": noise[0, -1]}
    return Result(numbers, curves(lines, "epoch", "accuracy (%)", y=PERCENT))


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
    """Return the T, 0.05 to 20, with the least cross-entropy of softmax(a / T) (Guo et al., 2017)."""

    def loss(log_t: float) -> float:
        return -float(log_softmax(a / np.exp(log_t), axis=0)[labels, np.arange(len(labels))].mean())

    return float(np.exp(minimize_scalar(loss, bounds=np.log([0.05, 20]), method="bounded").x))


def calibration(p: Array, labels: Array) -> tuple[float, Array, Array]:
    """Return the expected calibration error (Naeini et al., 2015), and each bin's confidence and accuracy."""
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
