"""Training: settings, records and runs; the one thread that runs them for a page is in `runner`."""

from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import ConfigError
from explorer.training.learners import open_test_set
from explorer.training.networks import OwnNetworkError, new_network
from explorer.training.presets import PRESETS
from explorer.training.races import RaceError, race
from explorer.training.records import (
    BatchRecord,
    BatchStep,
    EpochRecord,
    Evaluation,
    FinalTest,
    History,
    Moment,
    RunEnd,
    SampleRecord,
    Snapshot,
    Timeline,
)
from explorer.training.run import DivergedError, TrainingRun, check_images, complete, train

__all__ = [
    "FIELDS",
    "PRESETS",
    "BatchRecord",
    "BatchStep",
    "ConfigError",
    "DivergedError",
    "EpochRecord",
    "Evaluation",
    "FinalTest",
    "History",
    "Moment",
    "OwnNetworkError",
    "RaceError",
    "RunEnd",
    "SampleRecord",
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
