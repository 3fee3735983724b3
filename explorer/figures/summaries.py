"""One line of text for each figure, complete in itself: read by screen readers, and shown below it."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.network import hardest_classes, most_confused, per_class
from explorer.training.records import History, SampleRecord
from explorer.wording import class_noun, counted, grouped, plain, times

_NOT_TRAINED = "not trained yet"
_MOST_NAMED = 3


def curves_summary(history: History, at: float | None = None, sample: SampleRecord | None = None) -> str:
    """Describe the status of a run: ``"epoch 5 of 10, test accuracy 93.2 %, test loss 0.0612"``.

    `at` is the selected epoch, by default the newest, or the one whose weights early stopping restored. Epochs
    without a record count as the newest. `sample` has the figures instead within the first epoch.
    """
    if sample is not None:
        right = f"{100 * sample.test_accuracy:.1f} % of a sample of {grouped(len(sample.sample))} right"
        return f"step {grouped(sample.step)} of epoch 1, {right}"
    at = at or history.restored
    last = next((record for record in history if record.epoch == at), history.last)
    of, held_out = f"of {history.config.epochs}", history.config.held_out
    if last is None:
        if not history.batches:
            return _NOT_TRAINED if history.end is None else f"{history.end.status} in epoch 1 {of}"
        newest = history.batches[-1]
        epoch = f"epoch {math.ceil(newest.epoch)} {of}"
        place = f"{epoch} under way" if history.end is None else f"{history.end.status} in {epoch}"
        return f"{place}, train accuracy so far {100 * newest.train_accuracy:.1f} %"
    line = f"epoch {last.epoch} {of}, {held_out} accuracy {100 * last.test_accuracy:.1f} %"
    diverged = next((r.epoch for r in history if not math.isfinite(r.train_loss + r.test_loss)), None)
    if diverged is not None and diverged <= last.epoch:
        return f"{line}, the loss has not been a number since epoch {diverged}"
    line = f"{line}, {held_out} loss {last.test_loss:.3g}"
    if history.config.has_one_rate or math.isnan(last.learning_rate):  # from a file without the rate
        return line
    return f"{line}, rate {plain(float(f'{last.learning_rate:.2g}'))}"


def confusion_summary(
    counts: NDArray[np.integer] | None, class_names: Sequence[str], noun: str = "test image"
) -> str:
    """State the accuracy and the largest mistake.

    As ``"9 320 of 10 000 test images right, most confused: 9 read as 4 (28 times)"``. `counts`, None before the
    first epoch has ended, have the true class in rows, the predicted in columns: int, (n_classes, n_classes).
    """
    if counts is None or not counts.any():
        return _NOT_TRAINED
    worst = mix_ups(counts, class_names, 1)
    right, total = grouped(int(np.trace(counts))), counted(int(counts.sum()), noun)
    return f"{right} of {total} right, {f'most confused: {worst}' if worst else 'no mistake'}"


def difficulty(confusion: NDArray[np.integer], class_names: Sequence[str], noun: str = "test image") -> str:
    """Name the hardest classes and the most common mix-ups, in two sentences; there must be counts."""
    confused = mix_ups(confusion, class_names)
    if not confused:
        return f"No {noun} is misclassified."
    recall = per_class(confusion).recall
    order = hardest_classes(confusion)[:_MOST_NAMED]
    kinds = {"digit": "digits", "class": "classes"}[class_noun(class_names)]
    first, *others = (class_names[k] for k in order)
    hardest = ", ".join([f"{first} ({100 * recall[order[0]]:.1f} % recognized)", *others])
    return f"Hardest {kinds}: {hardest}. Most common mix-ups: {confused}."


def mix_ups(confusion: NDArray[np.integer], class_names: Sequence[str], most: int = _MOST_NAMED) -> str:
    """List the most common kinds of mistake: ``"9 read as 4 (28 times), 5 read as 3 (25 times)"``."""
    return ", ".join(
        f"{class_names[pair.true]} read as {class_names[pair.predicted]} ({times(pair.count)})"
        for pair in most_confused(confusion, most)
    )
