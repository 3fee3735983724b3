"""The result of one run of a study: frozen, and small enough to send and store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from explorer.training.config import TrainingConfig
from explorer.training.records import EpochRecord, Evaluation, History

__all__ = ["TRIAL_STATUSES", "FinalFigures", "StudyError", "Trial", "TrialStatus"]

TrialStatus = Literal["finished", "diverged", "failed"]
TRIAL_STATUSES: tuple[TrialStatus, ...] = get_args(TrialStatus)
"""How a trial may have ended."""


class StudyError(RuntimeError):
    """A study, or one of its runs, can't go on; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class FinalFigures:
    """Exact figures of a network at the end of its run."""

    train_loss: float
    test_loss: float
    """Mean loss per sample over the whole training set in use, and over the test set."""
    train_accuracy: float
    test_accuracy: float
    """Share classified correctly over the same, 0 to 1."""

    @classmethod
    def of(cls, evaluation: Evaluation) -> FinalFigures:
        """Return the figures of an evaluation."""
        return cls(**{name: getattr(evaluation, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a study. Two are equal if their results are, wherever and however fast they ran.

    Parameters
    ----------
    config : TrainingConfig
        Its settings.
    status : {"finished", "diverged", "failed"}
        How it ended. It diverged if the loss became infinite or NaN, which a retry would repeat. It failed for any
        other reason; a retry may succeed.
    epochs : tuple of EpochRecord
        Its records; when it did not finish, those from before.
    final : FinalFigures or None
        Exact figures at its end; None unless it finished.
    error : str
        Why it did not finish, in one sentence; empty when it did.
    seconds : float
        Wall time of its last attempt, in seconds.
    worker : str
        Where it ran: host and process, ``"hal:4711"``.
    tries : int
        Number of attempts: more than 1 if a worker died.
    """

    config: TrainingConfig
    status: TrialStatus
    epochs: tuple[EpochRecord, ...] = ()
    final: FinalFigures | None = None
    error: str = ""
    seconds: float = field(default=0.0, compare=False)
    worker: str = field(default="", compare=False)
    tries: int = field(default=1, compare=False)

    @property
    def history(self) -> History:
        """Its records as those of any other run."""
        return History(self.config, self.epochs)

    @property
    def is_settled(self) -> bool:
        """Whether the same settings would give the same again: it finished or diverged."""
        return self.status != "failed"
