"""Mistakes that the exercise invites, made on purpose, each with the right version.

Most are subclasses of `NeuralNetwork` that override the method with the mistake, or of the exercise's `Network`,
which checks no shapes. Only the pitfalls notebook uses them, and tests make sure they stay wrong. Some raise an
error in NumPy or `NeuralNetwork`; the worst run without complaint.
"""

from explorer.notebook.pitfalls import batches, columns, overflow, scores, targets
from explorer.notebook.pitfalls.attempt import attempt, stacked
from explorer.notebook.pitfalls.runs import contrast, contrast_runs, contrast_scores, reported_losses, run

__all__ = [
    "attempt",
    "batches",
    "columns",
    "contrast",
    "contrast_runs",
    "contrast_scores",
    "overflow",
    "reported_losses",
    "run",
    "scores",
    "stacked",
    "targets",
]
