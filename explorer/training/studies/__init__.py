"""Studies: many runs with many settings, on one machine or a cluster, each reported as it ends.

`grid` makes the configs, `study` trains them, a `Trial` is one result, and a journal stores it.
"""

from explorer.training.studies.configs import grid
from explorer.training.studies.executors import WorkerPool
from explorer.training.studies.journal import FinalFigures, StudyError, Trial, read_journal
from explorer.training.studies.study import study

__all__ = ["FinalFigures", "StudyError", "Trial", "WorkerPool", "grid", "read_journal", "study"]
