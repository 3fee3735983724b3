"""It forgets: the digits 5 to 9, learned after 0 to 4, wipe these out."""

from functools import partial

import numpy as np

from explorer.datasets import Dataset
from explorer.datasets.relabeled import of_classes
from explorer.experiments.demonstration import Demonstration, Result, Steps, reads, training
from explorer.extensions.demonstrations.figures import PERCENT, curves
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.network import NeuralNetwork
from explorer.training.presets import PRESETS

_OLD, _NEW = range(5), range(5, 10)
_STEPS, _ASKED, _BATCH, _RATE = 100, 40, 128, 0.1
_CONFIG = PRESETS["Modern"].replace(epochs=3, learning_rate=0.2, schedule="cosine")


def _run(dataset: Dataset, seed: int, _network: NeuralNetwork | None = None) -> Steps:
    old, new = (of_classes(dataset, classes) for classes in (_OLD, _NEW))
    network = yield from training(_CONFIG.replace(seed=seed), old, 0.8)
    rng, rows = np.random.default_rng(seed), list[tuple[float, ...]]()
    for step in range(_STEPS + 1):
        if step % 10 == 0:
            rows.append((step, reads(network, old), reads(network, new)))
            at, known, learned = np.array(rows).T
            asked = known[at <= _ASKED][-1]
            ends = {"first": known[0], "lost": known[0] - asked, "left": known[-1], "learned": learned[-1]}
            lines = {"digits 0 to 4": (at, 100 * known), "digits 5 to 9": (at, 100 * learned)}
            words = "mini-batches of 5 to 9", "test accuracy (%)"
            figure = partial(curves, lines, *words, y=PERCENT)
            yield Result({"asked": asked, **ends, "step": step}, figure)
        batch = rng.integers(0, new.n_train, _BATCH)
        network.train_iteration(new.X_train[:, batch], new.Y_train[:, batch], _RATE / _BATCH)


DEMONSTRATION = Demonstration("forgetting", TEXTS["forgetting"], _CONFIG, _run)
