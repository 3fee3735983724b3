"""Wrong labels: swapped ones that a network finds, random ones by heart, and a pattern through most of them."""

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Array, Knob, Result, Steps, training
from explorer.extensions.demonstrations.figures import PERCENT, curves, pictures
from explorer.extensions.demonstrations.texts import demonstration
from explorer.network import NeuralNetwork, accuracy
from explorer.network.metrics import probabilities
from explorer.training import TrainingConfig, train
from explorer.training.presets import PRESETS

_SWAPPED, _SHOWN = 3000, 24
_CONFIG = PRESETS["Modern"].replace(epochs=3, learning_rate=0.1)
_BY_HEART = PRESETS["Adam"].replace(hidden_sizes=(256,), n_train=2000, batch_size=50, epochs=40)


def random_labels(dataset: Dataset, share: float, seed: int = 0) -> Dataset:
    """Return the data with a label drawn at random for a `share`, 0 to 1, of the training images.

    It may be the true one (Zhang et al., 2017). The test images keep theirs.
    """
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


def least_believed(network: NeuralNetwork, dataset: Dataset) -> Array:
    """Return the indices of the training images, the least probable label first (Northcutt et al., 2021)."""
    p, labels = probabilities(network.forward(dataset.X_train)), dataset.train_labels
    return np.argsort(p[labels, np.arange(len(labels))], kind="stable")


@demonstration("swapped", _CONFIG, Knob("n", "swapped", (1000, 3000, 6000, 12000), _SWAPPED))
def swapped(dataset: Dataset, seed: int, _network: object = None, n: float = _SWAPPED) -> Steps:
    """Find the labels that were swapped: those that a network, trained on them, believes least."""
    wrong, chosen = swapped_labels(dataset, int(n), seed)
    network = yield from training(_CONFIG.replace(seed=seed), wrong)
    learned = accuracy(wrong.train_labels[chosen], network.predict(wrong.X_train[:, chosen]))
    order = least_believed(network, wrong)
    guilty, first = np.isin(order, chosen), order[:_SHOWN]
    found, first_third = float(guilty[: int(n)].mean()), float(guilty[: int(n) // 3].mean())
    pairs = zip(wrong.train_labels[first], guilty, strict=False)
    words = [f"{'swapped: ' if swapped else ''}“{label}”" for label, swapped in pairs]
    numbers = {"found": found, "first_third": first_third, "learned": learned, "n": int(n)}
    yield Result(numbers, pictures([*(wrong.train_images[first] / 255)], words, 6))


def _learned(config: TrainingConfig, dataset: Dataset) -> Iterator[Array]:
    """Yield the test and train accuracies so far, (2, n_epochs)."""
    rows = []
    for record in train(config, dataset):
        rows.append((record.test_accuracy, record.train_accuracy))
        yield np.array(rows).T


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
