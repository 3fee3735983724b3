"""A network trained from its settings, with everything the tutorial shows of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset, load_mnist
from explorer.network import NeuralNetwork
from explorer.training import Evaluation, History, TrainingConfig, TrainingRun, complete

__all__ = ["Trained", "trained"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trained:
    """A network after its last epoch.

    Parameters
    ----------
    network : NeuralNetwork
        The network itself.
    history : History
        The records of its epochs and mini-batches.
    final : Evaluation
        Exact figures over the whole training and test set.
    """

    network: NeuralNetwork
    history: History
    final: Evaluation

    def __repr__(self) -> str:
        return (
            f"{self.network!r} after {len(self.history)} epochs: "
            f"train accuracy {100 * self.final.train_accuracy:.2f} %, "
            f"test accuracy {100 * self.final.test_accuracy:.2f} %"
        )

    @property
    def outputs(self) -> NDArray[np.floating[Any]]:
        """Outputs for the test set, shape (n_classes, n_test)."""
        return self.final.snapshot.test_outputs


def trained(config: TrainingConfig | None = None, dataset: Dataset | None = None) -> Trained:
    """Train a network and return it with its records.

    Parameters
    ----------
    config : TrainingConfig, optional
        The settings; by default the exercise's.
    dataset : Dataset, optional
        By default the MNIST of the package.

    Raises
    ------
    DivergedError
        If the loss becomes infinite or not a number.
    """
    run = complete(TrainingRun(config or TrainingConfig(), dataset or load_mnist()))
    return Trained(run.network, run.history, run.final)
