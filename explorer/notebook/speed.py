"""The time that the engine saves: one epoch of the textbook's `fit`, and the same epoch by the engine."""

from collections import deque
from collections.abc import Callable, Iterable
from time import process_time

import numpy as np

from explorer.datasets import Dataset
from explorer.notebook.page import Shown, table
from explorer.training import TrainingConfig, TrainingRun
from explorer.training.process_settings import one_blas_thread

__all__ = ["speed_table"]


def speed_table(dataset: Dataset, batch_sizes: Iterable[int]) -> Shown:
    """Train the exercise's network for one epoch both ways, from the same seed; return CPU times and weights.

    Parameters
    ----------
    dataset : Dataset
        The images to train on.
    batch_sizes : iterable of int
        Samples per step, at least 1; each gives a row.
    """
    rows, X, d = [], dataset.X_train, dataset.Y_train
    for size in batch_sizes:
        config = TrainingConfig(epochs=1, batch_size=size)
        run = TrainingRun(config, dataset)
        textbook = run.new_network()
        with one_blas_thread():
            plain = _cpu_seconds(textbook.fit, X, d, size, 1, config.learning_rate)
            fast = _cpu_seconds(deque, run, 0)
        pairs = zip(textbook.parameters, run.network.parameters, strict=True)
        difference = max(float(np.abs(one - other).max()) for one, other in pairs)
        times = f"{plain:.2f} s", f"{fast:.2f} s", f"{plain / fast:.1f}"
        rows.append([str(size), *times, f"{difference:.1e}"])
    head = ("batch size", "fit", "train", "fit / train", "largest difference between weights")
    n, n_test = len(dataset.train_labels), len(dataset.test_labels)
    words = (
        f"CPU time of one epoch on {n} images, with one BLAS thread. "
        f"The time of train includes scoring {n_test} test images."
    )
    return table(head, rows, words)


def _cpu_seconds(function: Callable[..., object], *arguments: object) -> float:
    start = process_time()
    function(*arguments)
    return process_time() - start
