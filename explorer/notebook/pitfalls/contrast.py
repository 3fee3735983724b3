"""The wrong beside the right: their curves, and in words what both came to."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.figures.contrast import contrast_figure
from explorer.notebook.page import figure, side_by_side
from explorer.notebook.pitfalls.following import Followed
from explorer.notebook.shown import Shown

__all__ = ["beside", "contrast", "contrast_scores"]

Array = NDArray[Any]


def contrast(wrong: Array, right: Array, words: str) -> Shown:
    """Return two curves of the loss per sample over the epochs, shape (n_epochs,) each."""
    return figure(contrast_figure(wrong, right, measured="loss per sample"), words)


def contrast_scores(wrong: Followed, right: Followed, words: str) -> Shown:
    """Return what two runs report as test accuracy over the epochs."""
    scores = (100 * run.accuracy for run in (wrong, right))
    return figure(contrast_figure(*scores, measured="test accuracy (%)", top=100.0), words)


def beside(wrong: Followed, right: Followed) -> Shown:
    """Return loss and accuracy of the wrong run and of the right one, and what NumPy warned of."""
    after = f"after {len(wrong.loss)} epoch{'s' * (len(wrong.loss) > 1)}"
    losses = f"Loss {after}: wrong {_loss(wrong)}, right {_loss(right)}."
    scores = f"Test accuracy {after}: wrong {_share(wrong)}, right {_share(right)}."
    curves = side_by_side(
        contrast(wrong.loss, right.loss, losses),
        contrast_scores(wrong, right, scores),
    )
    warned = "".join(f'<p class="lesson-raised">⚠ {escape(line)}</p>' for line in wrong.warned)
    return Shown(curves.html + warned, "\n".join([curves.text, *wrong.warned]))


def _loss(run: Followed) -> str:
    last = float(run.loss[-1])
    return f"{last:.3g}" if np.isfinite(last) else "not a number"


def _share(run: Followed) -> str:
    return f"{100 * run.accuracy[-1]:.1f} %"
