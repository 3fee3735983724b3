"""A network trained from its settings, with everything that the tutorial shows of it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset, load_mnist
from explorer.training import CompletedRun, TrainingConfig, TrainingRun, complete
from explorer.wording import counted

__all__ = ["Trained", "trained"]


class Trained(CompletedRun):
    """A finished run, which in a notebook displays how good its network is."""

    def __repr__(self) -> str:
        on_train, on_test = 100 * self.final.train_accuracy, 100 * self.final.test_accuracy
        after = f"{self.network!r} after {counted(len(self.history), 'epoch')}"
        return f"{after}: train accuracy {on_train:.2f} %, {self.config.held_out} accuracy {on_test:.2f} %"

    @property
    def outputs(self) -> NDArray[np.floating[Any]]:
        """Outputs for the test images, or the validation images instead, shape (n_classes, n)."""
        return self.final.snapshot.test_outputs


def trained(config: TrainingConfig | None = None, dataset: Dataset | None = None) -> Trained:
    """Train a network and return it with its records.

    Parameters
    ----------
    config : TrainingConfig, optional
        The settings; by default, those of the exercise.
    dataset : Dataset, optional
        By default, the package's MNIST.

    Raises
    ------
    DivergedError
        If the loss becomes infinite or not a number.
    """
    run = complete(TrainingRun(config or TrainingConfig(), dataset or load_mnist()))
    if run.end.error is not None:
        raise run.end.error
    return Trained(run.network, run.history, run.snapshot, run.n_train)
