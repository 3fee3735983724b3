"""The wrong run and the right one: their curves, and in words where both ended."""

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.figures.contrast import contrast_figure
from explorer.notebook.page import Shown, figure, side_by_side
from explorer.notebook.pitfalls.runs import NetworkRun

__all__ = ["contrast", "contrast_runs", "contrast_scores"]

Array = NDArray[Any]


def contrast(wrong: Array, right: Array, words: str) -> Shown:
    """Return two curves of the loss per sample over the epochs, shape (n_epochs,) each."""
    return figure(contrast_figure(wrong, right, measured="loss per sample"), words)


def contrast_scores(wrong: NetworkRun, right: NetworkRun, words: str) -> Shown:
    """Return what two runs report as test accuracy over the epochs."""
    scores = (100 * run.accuracy for run in (wrong, right))
    return figure(contrast_figure(*scores, measured="test accuracy (%)", top=100.0), words)


def contrast_runs(wrong: NetworkRun, right: NetworkRun) -> Shown:
    """Return loss and accuracy of the wrong run and of the right one, and NumPy's warnings."""
    after = f"after {len(wrong.loss)} epoch{'s' * (len(wrong.loss) > 1)}"
    losses = f"Loss {after}: wrong {_loss(wrong)}, right {_loss(right)}."
    scores = f"Test accuracy {after}: wrong {_share(wrong)}, right {_share(right)}."
    curves = side_by_side(
        contrast(wrong.loss, right.loss, losses),
        contrast_scores(wrong, right, scores),
    )
    warned = "".join(f'<p class="lesson-raised">⚠ {escape(line)}</p>' for line in wrong.warned)
    return Shown(curves.html + warned, "\n".join([curves.text, *wrong.warned]))


def _loss(run: NetworkRun) -> str:
    last = float(run.loss[-1])
    return f"{last:.3g}" if np.isfinite(last) else "not a number"


def _share(run: NetworkRun) -> str:
    return f"{100 * run.accuracy[-1]:.1f} %"
