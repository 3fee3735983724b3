"""One line of text for each figure: read out by screen readers, and shown under it.

A line is whole by itself and short enough to be heard to its end while the next one comes.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.network import hardest_classes, most_confused, per_class
from explorer.training.records import History
from explorer.wording import grouped

__all__ = ["confusion_summary", "curves_summary", "difficulty", "run_summary"]

NOT_TRAINED = "not trained yet"
MOST_NAMED = 3


def curves_summary(history: History, at: float | None = None) -> str:
    """Return where a run stands, or stood: ``"epoch 5 of 10, test accuracy 93.2 %, test loss 0.0612"``.

    Parameters
    ----------
    history : History
        Its records.
    at : float, optional
        The epoch that is looked back at; without it, the newest. One that has no record counts as the newest.
    """
    return _progress(history, with_loss=True, at=at)


def confusion_summary(counts: NDArray[np.integer] | None, class_names: Sequence[str]) -> str:
    """Return the accuracy and the largest mistake.

    Parameters
    ----------
    counts : ndarray of int, shape (n_classes, n_classes), or None
        Rows are the true class, columns the predicted. None before the first epoch has ended.
    class_names : sequence of str
        Name of each class.

    Returns
    -------
    str
        As ``"9 320 of 10 000 test images right, most confused: 9 read as 4 (28 times)"``.
    """
    if counts is None or not counts.any():
        return NOT_TRAINED
    right, total = int(np.trace(counts)), int(counts.sum())
    return f"{grouped(right)} of {grouped(total)} test images right, {_worst(counts, class_names)}"


def run_summary(history: History, class_names: Sequence[str]) -> str:
    """Return where a run stands and its largest mistake.

    As ``"epoch 5 of 10, test accuracy 93.2 %, most confused: 9 read as 4 (28 times)"``.
    """
    progress = _progress(history, with_loss=False)
    return progress if history.last is None else f"{progress}, {_worst(history.last.confusion, class_names)}"


def difficulty(confusion: NDArray[np.integer], class_names: Sequence[str]) -> str:
    """Return in a sentence which classes are the most difficult, and what they are mistaken for.

    Parameters
    ----------
    confusion : ndarray of int, shape (n_classes, n_classes)
        Rows are the true class, columns the predicted.
    class_names : sequence of str
        Name of each class.
    """
    pairs = most_confused(confusion, MOST_NAMED)
    if not pairs:
        return "No test image is read wrongly."
    recall = per_class(confusion).recall
    order = hardest_classes(confusion)[:MOST_NAMED]
    hardest = _listed([f"{class_names[k]} ({100 * recall[k]:.1f} %)" for k in order])
    confused = _listed(
        [f"{class_names[p.true]} as {class_names[p.predicted]} ({grouped(p.count)}×)" for p in pairs]
    )
    return f"The most difficult by recall are {hardest}; most often {confused} are mistaken."


def _progress(history: History, *, with_loss: bool, at: float | None = None) -> str:
    last = next((record for record in history if record.epoch == at), history.last)
    of = f"of {history.config.epochs}"
    diverged = next((r.epoch for r in history if not math.isfinite(r.train_loss + r.test_loss)), None)
    if last is None:
        if not history.batches:
            return NOT_TRAINED if history.end is None else f"{history.end.status} in epoch 1 {of}"
        newest = history.batches[-1]
        so_far = f"train accuracy so far {100 * newest.train_accuracy:.1f} %"
        epoch = f"epoch {math.ceil(newest.epoch)} {of}"
        place = f"{epoch} under way" if history.end is None else f"{history.end.status} in {epoch}"
        return f"{place}, {so_far}"
    line = f"epoch {last.epoch} {of}, test accuracy {100 * last.test_accuracy:.1f} %"
    if diverged is not None and diverged <= last.epoch:
        return f"{line}, the loss is not a number since epoch {diverged}"
    return f"{line}, test loss {last.test_loss:.3g}" if with_loss else line


def _worst(counts: NDArray[np.integer], class_names: Sequence[str]) -> str:
    worst = next(iter(most_confused(counts, 1)), None)
    if worst is None:
        return "no mistake"
    times = "once" if worst.count == 1 else f"{grouped(worst.count)} times"
    return f"most confused: {class_names[worst.true]} read as {class_names[worst.predicted]} ({times})"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
