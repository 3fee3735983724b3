"""The mistakes that the exercise invites, made on purpose, each with the right way to do it.

Most are subclasses of `NeuralNetwork` that replace the method in which the mistake is made, or of the exercise's
`Network`, which checks no shape. Only the pitfalls notebook uses them, and tests make sure they stay wrong. Some
end in an error from NumPy or from `NeuralNetwork`; the worst go on without complaint.
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
