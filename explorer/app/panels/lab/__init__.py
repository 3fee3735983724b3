"""The bug lab: networks with one mistake each, to be found by what their figures show."""

from explorer.app.panels.lab.lab import LabPanel
from explorer.app.panels.lab.levels import LEVELS

__all__ = ["LEVELS", "LabPanel"]
