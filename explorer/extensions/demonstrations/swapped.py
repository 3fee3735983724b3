"""Find the labels that were swapped: those that a network, trained on them, believes least."""

from functools import partial

import numpy as np

from explorer.datasets import Dataset
from explorer.datasets.relabeled import swapped_labels
from explorer.experiments.demonstration import Array, Demonstration, Knob, Result, Steps, training
from explorer.extensions.demonstrations.figures import pictures
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.network import NeuralNetwork, accuracy
from explorer.network.metrics import probabilities
from explorer.training.presets import PRESETS

_SWAPPED, _SHOWN = 3000, 24
_CONFIG = PRESETS["Modern"].replace(epochs=3, learning_rate=0.1)


def least_believed(network: NeuralNetwork, dataset: Dataset) -> Array:
    """Return the indices of the training images, the least probable label first (Northcutt et al., 2021)."""
    p, labels = probabilities(network.forward(dataset.X_train)), dataset.train_labels
    return np.argsort(p[labels, np.arange(len(labels))], kind="stable")


def _run(dataset: Dataset, seed: int, _network: NeuralNetwork | None = None, n: float = _SWAPPED) -> Steps:
    wrong, chosen = swapped_labels(dataset, int(n), seed)
    network = yield from training(_CONFIG.replace(seed=seed), wrong)
    learned = accuracy(wrong.train_labels[chosen], network.predict(wrong.X_train[:, chosen]))
    order = least_believed(network, wrong)
    guilty, first = np.isin(order, chosen), order[:_SHOWN]
    found, first_third = float(guilty[: int(n)].mean()), float(guilty[: int(n) // 3].mean())
    pairs = zip(wrong.train_labels[first], guilty, strict=False)
    words = [f"{'swapped: ' if swapped else ''}“{label}”" for label, swapped in pairs]
    figure = partial(pictures, [*(wrong.train_images[first] / 255)], words, 6)
    numbers = {"found": found, "first_third": first_third, "learned": learned, "n": int(n)}
    yield Result(numbers, figure)


_N = Knob("n", "swapped", (1000, 3000, 6000, 12000), _SWAPPED)
DEMONSTRATION = Demonstration("swapped", TEXTS["swapped"], _CONFIG, _run, _N)
