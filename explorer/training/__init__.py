"""Training: settings, records, runs, and the one thread that runs them."""

from explorer.training.completed_run import CompletedRun, FinalTest, complete, open_test_set
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import ConfigError
from explorer.training.own_network import OwnClass, OwnNetworkError
from explorer.training.own_run import OwnRun
from explorer.training.presets import PRESETS
from explorer.training.races import RaceError, race
from explorer.training.records import (
    BatchRecord,
    BatchStep,
    EpochRecord,
    Evaluation,
    History,
    Moment,
    RunEnd,
    Snapshot,
    Timeline,
)
from explorer.training.run import DivergedError, TrainingRun, check_images, new_network, train
from explorer.training.runner import Runner, RunnerStatus

__all__ = [
    "FIELDS",
    "PRESETS",
    "BatchRecord",
    "BatchStep",
    "CompletedRun",
    "ConfigError",
    "DivergedError",
    "EpochRecord",
    "Evaluation",
    "FinalTest",
    "History",
    "Moment",
    "OwnClass",
    "OwnNetworkError",
    "OwnRun",
    "RaceError",
    "RunEnd",
    "Runner",
    "RunnerStatus",
    "Snapshot",
    "Timeline",
    "TrainingConfig",
    "TrainingRun",
    "check_images",
    "complete",
    "new_network",
    "open_test_set",
    "race",
    "train",
]
