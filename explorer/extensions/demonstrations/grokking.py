"""By heart first, better later: weights that start too large delay generalization (grokking)."""

from functools import partial

import numpy as np

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Demonstration, Result, Steps
from explorer.extensions.demonstrations.figures import PERCENT, curves
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.network import NeuralNetwork, accuracy
from explorer.training import TrainingConfig, new_network

_IMAGES, _STEPS, _EVERY, _TESTED = 200, 2600, 50, 2000
_USUAL = 100  # steps with initial weights of the usual size
_SCALE = np.float32(16)  # of the initial weights
_CONFIG = TrainingConfig(
    hidden_sizes=(64,), hidden_activation="relu", output="softmax", loss="cross_entropy", initializer="he",
    optimizer="adamw", l2=1.0, learning_rate=0.001, n_train=_IMAGES, batch_size=_IMAGES, reduction="mean",
)  # fmt: skip


def _run(dataset: Dataset, seed: int, _network: NeuralNetwork | None = None) -> Steps:
    few, rows = dataset.head(_IMAGES), list[tuple[float, ...]]()
    network = new_network(_CONFIG.replace(seed=seed), dataset)
    usual_network = network.copy()
    for W in network.W:
        W *= _SCALE
    seen = few.X_train, few.train_labels
    unseen = dataset.X_test[:, :_TESTED], dataset.test_labels[:_TESTED]
    for _ in range(_USUAL):
        usual_network.train_iteration(few.X_train, few.Y_train, _CONFIG.learning_rate)
    usual = accuracy(unseen[1], usual_network.predict(unseen[0]))
    for step in range(_STEPS + 1):
        if step % _EVERY == 0:
            rows.append((step, *(accuracy(labels, network.predict(X)) for X, labels in (seen, unseen))))
            at, train, test = np.array(rows).T
            known = int(np.argmax(train == 1)) if (train == 1).any() else len(at) - 1
            early = test[known]
            numbers = {"last": test[-1], "known": at[known], "early": early, "gain": test[-1] - early}
            numbers |= {"step": step, "usual": usual, "below": usual - test[-1], "train": train[-1]}
            lines = {"train": (at, 100 * train), "test": (at, 100 * test)}
            yield Result(numbers, partial(curves, lines, "step", "accuracy (%)", y=PERCENT))
        network.train_iteration(few.X_train, few.Y_train, _CONFIG.learning_rate)


DEMONSTRATION = Demonstration("grokking", TEXTS["grokking"], _CONFIG, _run)
