"""A student that never saw a 3, taught by the soft answers of a network that did."""

from functools import partial

import numpy as np
from scipy.special import softmax

from explorer.datasets import Dataset
from explorer.datasets.relabeled import of_classes
from explorer.experiments.demonstration import Array, Demonstration, Knob, Result, Steps, batches, training
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.figures.confusion import confusion_figure
from explorer.network import NeuralNetwork, confusion_matrix
from explorer.network.network import Network
from explorer.training.presets import PRESETS

_UNSEEN, _BATCH, _EPOCHS, _RATE = 3, 128, 5, 0.1
_CONFIG = PRESETS["Modern"]


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


def _run(dataset: Dataset, seed: int, network: NeuralNetwork | None = None, T: float = 20) -> Steps:
    teacher = network or (yield from training(_CONFIG.replace(seed=seed), dataset, 0.4))
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


_KNOB = Knob("T", "T", (0, 1, 2, 4, 8, 20), 20)
DEMONSTRATION = Demonstration("distillation", TEXTS["distillation"], _CONFIG, _run, _KNOB)
