"""Hand-made runs whose figures can be worked out in the head."""

from collections.abc import Callable

import numpy as np
import pytest

from explorer.training.config import TrainingConfig
from explorer.training.records import BatchRecord, EpochRecord, History

MakeHistory = Callable[..., History]


@pytest.fixture(scope="session")
def make_history() -> MakeHistory:
    """Make the first `epochs` of a run's `n_epochs` epochs; its losses fall, its accuracies rise."""

    def make(
        epochs: int = 3,
        *,
        n_epochs: int = 10,
        stretches: int = 4,
        test_losses: list[float] | None = None,
        test_accuracies: list[float] | None = None,
        train_accuracies: list[float] | None = None,
        **settings: object,
    ) -> History:
        history = History(TrainingConfig(epochs=n_epochs, **settings))
        for epoch in range(1, epochs + 1):
            for k in range(1, stretches + 1):
                at = epoch - 1 + k / stretches
                history = history.followed_by(BatchRecord(at, round(at * 100), 0.5 / at, min(0.3 * at, 0.9)))
            history = history.followed_by(
                EpochRecord(
                    epoch=epoch,
                    train_loss=0.1 / epoch,
                    test_loss=test_losses[epoch - 1] if test_losses else 0.12 / epoch,
                    train_accuracy=train_accuracies[epoch - 1] if train_accuracies else 1 - 0.1 / epoch,
                    test_accuracy=test_accuracies[epoch - 1] if test_accuracies else 1 - 0.12 / epoch,
                    seconds=1.0,
                    confusion=np.eye(10, dtype=np.int64),
                )
            )
        return history

    return make


@pytest.fixture
def counts() -> np.ndarray:
    """Return counts over 1009 nines, 28 of which are read as 4, and 100 of each other digit, all right."""
    counts = np.diag(np.full(10, 100))
    counts[9] = 0
    counts[9, 9], counts[9, 4], counts[9, 7] = 979, 28, 2
    return counts


@pytest.fixture
def digits() -> tuple[str, ...]:
    return tuple(str(digit) for digit in range(10))
