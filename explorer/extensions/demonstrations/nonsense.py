"""Learn nonsense, survive nonsense: random labels by heart, and a true pattern through a majority of lies."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from explorer.datasets import Dataset
from explorer.datasets.relabeled import random_labels
from explorer.experiments.demonstration import Array, Demonstration, Knob, Result, Steps
from explorer.extensions.demonstrations.figures import PERCENT, curves
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.network import NeuralNetwork
from explorer.training import TrainingConfig, train
from explorer.training.presets import PRESETS

_CONFIG = PRESETS["Modern"].replace(epochs=3, learning_rate=0.1)
_BY_HEART = PRESETS["Adam"].replace(hidden_sizes=(256,), n_train=2000, batch_size=50, epochs=40)


def _learned(config: TrainingConfig, dataset: Dataset) -> Iterator[Array]:
    """Yield the test and train accuracies so far, (2, n_epochs)."""
    rows = []
    for record in train(config, dataset):
        rows.append((record.test_accuracy, record.train_accuracy))
        yield np.array(rows).T


def _run(dataset: Dataset, seed: int, _network: NeuralNetwork | None = None, share: float = 0.8) -> Steps:
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
    return Result(numbers, partial(curves, lines, "epoch", "accuracy (%)", y=PERCENT))


_SHARE = Knob("share", "lies", (0.2, 0.4, 0.6, 0.8, 0.9), 0.8)
DEMONSTRATION = Demonstration("nonsense", TEXTS["nonsense"], _CONFIG, _run, _SHARE)
