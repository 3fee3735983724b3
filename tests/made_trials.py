"""Trials whose figures can be worked out in the head."""

import numpy as np

from explorer.training import TrainingConfig
from explorer.training.records import EpochRecord
from explorer.training.studies import FinalFigures, Trial


def finished(accuracy, *, seconds=1.0, **settings):
    """A run with this test accuracy at its end, each of its epochs of so many seconds."""
    config, figures = TrainingConfig(**settings), (0.2, 0.3, accuracy, accuracy)
    confusion, numbers = np.eye(10, dtype=np.int64), range(1, config.epochs + 1)
    epochs = tuple(EpochRecord(number, *figures, seconds, confusion) for number in numbers)
    return Trial(config, "finished", epochs, FinalFigures(*figures), seconds=seconds)


def diverged(**settings):
    """A run that diverged in its first epoch."""
    return Trial(TrainingConfig(**settings), "diverged", error="the loss has not been a number since epoch 1")


def swept(name, accuracies, **settings):
    """Runs for each value of a setting and each of its accuracies, the seeds from 0; None is one that diverged."""
    return [
        diverged(**settings, **{name: value}, seed=seed)
        if accuracy is None
        else finished(accuracy, **settings, **{name: value}, seed=seed)
        for value, group in accuracies.items()
        for seed, accuracy in enumerate(group)
    ]
