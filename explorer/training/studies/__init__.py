"""Studies: many runs with many settings, on one machine or a cluster, each reported as it ends.

`grid` and `sample` make the configs, `study` trains them, a `Trial` is one result, and a journal stores it.
"""

from explorer.training.studies.configs import choice, grid, log_uniform, sample, uniform
from explorer.training.studies.executors import WorkerPool
from explorer.training.studies.journal import read_journal
from explorer.training.studies.study import study
from explorer.training.studies.trials import FinalFigures, StudyError, Trial

__all__ = [
    "FinalFigures",
    "StudyError",
    "Trial",
    "WorkerPool",
    "choice",
    "grid",
    "log_uniform",
    "read_journal",
    "sample",
    "study",
    "uniform",
]
