"""The exercise told: what its notebook shows, and checks that know nothing of the formulas they check."""

from explorer.lessons import checks, pictures, tables
from explorer.lessons.batch_size import BatchSizeStudy, batch_size_figures, batch_size_study, batch_size_words
from explorer.lessons.diagram import diagram
from explorer.lessons.page import prepare, side_by_side
from explorer.lessons.plane import quarters, show_plane
from explorer.lessons.shown import Shown
from explorer.lessons.source import source
from explorer.lessons.training import Trained, trained

__all__ = [
    "BatchSizeStudy",
    "Shown",
    "Trained",
    "batch_size_figures",
    "batch_size_study",
    "batch_size_words",
    "checks",
    "diagram",
    "pictures",
    "prepare",
    "quarters",
    "show_plane",
    "side_by_side",
    "source",
    "tables",
    "trained",
]
