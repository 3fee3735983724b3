"""Content of the teaching notebooks: source code, tables, figures, and deliberate mistakes."""

from explorer.notebook import pictures
from explorer.notebook.page import prepare, side_by_side, source
from explorer.notebook.pictures import diagram, quarters, show_plane
from explorer.notebook.studies import run_study, speed_table, trained

__all__ = [
    "diagram",
    "pictures",
    "prepare",
    "quarters",
    "run_study",
    "show_plane",
    "side_by_side",
    "source",
    "speed_table",
    "trained",
]
