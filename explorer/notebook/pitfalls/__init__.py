"""The mistakes that the exercise invites, DELIBERATELY WRONG, each beside what is right.

Nothing but the notebook of the pitfalls uses what is wrong here, and tests hold it wrong. Where NumPy or the
package's own network raises an error, one sees it; the worst mistakes go on without a word.
"""

from explorer.notebook.pitfalls import batches, columns, epoch_loss, overflow, scores, targets
from explorer.notebook.pitfalls.attempt import attempt, stacked
from explorer.notebook.pitfalls.contrast import beside, contrast, contrast_scores
from explorer.notebook.pitfalls.following import Followed, follow, reported_losses
from explorer.notebook.pitfalls.plain import PlainNetwork

__all__ = [
    "Followed",
    "PlainNetwork",
    "attempt",
    "batches",
    "beside",
    "columns",
    "contrast",
    "contrast_scores",
    "epoch_loss",
    "follow",
    "overflow",
    "reported_losses",
    "scores",
    "stacked",
    "targets",
]
