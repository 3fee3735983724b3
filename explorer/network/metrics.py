"""Figures of quality: accuracy, the confusion matrix and what follows from it, and the misclassified samples."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray


def accuracy(true: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share, 0 to 1, classified correctly; both are class indices (n_samples,), else ValueError."""
    true, predicted = _labels(true, predicted)
    return float(np.count_nonzero(true == predicted) / true.size)


def confusion_matrix(true: ArrayLike, predicted: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Count in [i, j] the samples of true class i predicted as class j: int64, shape (n_classes, n_classes).

    Both are class indices from 0 to n_classes − 1, at least one, shape (n_samples,); else raises `ValueError`.
    """
    true, predicted = _labels(true, predicted)
    for name, labels in (("true", true), ("predicted", predicted)):
        if labels.min() < 0 or labels.max() >= n_classes:
            found = f"classes from {labels.min()} to {labels.max()}"
            raise ValueError(f"{name} holds {found}; expected 0 to {n_classes - 1}")
    cells = np.bincount(true * n_classes + predicted, minlength=n_classes * n_classes)
    return cells.reshape(n_classes, n_classes).astype(np.int64, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores:
    """Scores of each class, from a confusion matrix: arrays of shape (n_classes,)."""

    precision: NDArray[np.float64]
    """Share of the samples predicted as the class that belong to it; 0 if none was predicted."""
    recall: NDArray[np.float64]
    """Share of the samples of the class that were predicted as it; 0 if there are none."""
    f1: NDArray[np.float64]
    """Harmonic mean of the two; 0 if both are 0."""
    support: NDArray[np.int64]
    """Samples of the class."""


def per_class(confusion: NDArray[np.integer]) -> ClassScores:
    """Compute precision, recall, F1 and support of each class from a confusion matrix."""
    hits = np.diagonal(confusion).astype(np.float64)
    support, decided = confusion.sum(axis=1), confusion.sum(axis=0)
    f1 = _share(2.0 * hits, support + decided)
    return ClassScores(_share(hits, decided), _share(hits, support), f1, support.astype(np.int64, copy=False))


def hardest_classes(confusion: NDArray[np.integer]) -> tuple[int, ...]:
    """Return the classes that have samples, by ascending recall; ties are in the order of the classes."""
    scores = per_class(confusion)
    return tuple(int(k) for k in np.argsort(scores.recall, kind="stable") if scores.support[k])


@dataclass(frozen=True, slots=True)
class Confusion:
    """One kind of mistake: `count` samples of class `true`, `share` of that class, predicted as `predicted`."""

    true: int
    predicted: int
    count: int
    share: float


def most_confused(confusion: NDArray[np.integer], n_pairs: int = 5) -> tuple[Confusion, ...]:
    """Return the most frequent kinds of mistake, at most `n_pairs`; ties are in the order of their classes."""
    mistakes = np.array(confusion, dtype=np.int64)
    np.fill_diagonal(mistakes, 0)
    support = np.asarray(confusion).sum(axis=1)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:n_pairs]
    pairs = (divmod(int(cell), mistakes.shape[1]) for cell in order if mistakes.flat[cell])
    return tuple(Confusion(i, j, int(mistakes[i, j]), float(mistakes[i, j] / support[i])) for i, j in pairs)


def _labels(true: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    arrays = []
    for name, labels in (("true", true), ("predicted", predicted)):
        array = np.asarray(labels)
        if array.ndim != 1 or array.size == 0 or not np.issubdtype(array.dtype, np.integer):
            expected = "(n_samples,) of class indices, at least one (from one-hot columns: Y.argmax(axis=0))"
            raise ValueError(f"{name} has shape {array.shape} and dtype {array.dtype}; expected {expected}")
        arrays.append(array.astype(np.int64, copy=False))
    n_true, n_predicted = map(len, arrays)
    if n_true != n_predicted:
        raise ValueError(f"true has {n_true} samples and predicted {n_predicted}; they must be equal")
    return arrays[0], arrays[1]


def _share(part: NDArray[np.float64], whole: NDArray[np.integer]) -> NDArray[np.float64]:
    return np.asarray(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))


def sample_losses(outputs: NDArray[Any], labels: NDArray[np.integer], loss: str) -> NDArray[np.float64]:
    """Return each sample's loss, ½ Σ (y − d)² or −log y of its class: float64, (n_samples,); else ValueError."""
    y = outputs.astype(np.float64)
    of_true = y[labels, np.arange(len(labels))]
    if loss == "squared_error":
        return np.asarray(0.5 * (np.square(y).sum(axis=0) - 2.0 * of_true + 1.0))
    if loss == "cross_entropy":
        return np.asarray(-np.log(np.maximum(of_true, np.finfo(outputs.dtype).tiny)))
    raise ValueError(f"loss is {loss!r}; expected one of squared_error, cross_entropy")


def probabilities(outputs: NDArray[Any]) -> NDArray[np.float64]:
    """Return the outputs divided by their sum over the classes, shape (n_classes, n_samples).

    Softmax outputs sum to 1 already. Ten sigmoids need not: their shares were not trained as probabilities, but
    can be compared like them. If all outputs are 0, every class has the same share; if one is NaN, all shares are.
    """
    y = outputs.astype(np.float64)
    sums = y.sum(axis=0, keepdims=True)
    shares = np.full_like(y, 1.0 / len(y))
    np.divide(y, sums, out=shares, where=sums != 0)
    return shares


def confidences(outputs: NDArray[Any]) -> NDArray[np.float64]:
    """Return the largest of each sample's `probabilities`, 1 / n_classes to 1, shape (n_samples,); or NaN."""
    return np.asarray(probabilities(outputs).max(axis=0))


def select_samples(
    outputs: NDArray[Any],
    labels: NDArray[np.integer],
    *,
    true: int | None = None,
    predicted: int | None = None,
    mistakes_only: bool = False,
    order: Literal["loss", "confidence"] = "loss",
    loss: str = "squared_error",
) -> NDArray[np.int64]:
    """Return the indices of the samples that match, int64, shape (n_selected,), worst first.

    They are of the class `true`, and `predicted` as that class; None is any. First comes the highest `loss`, or
    the largest of the `confidences`, by the `order`; ties are in the order of the samples, and NaN comes last.
    """
    decided, chosen = outputs.argmax(axis=0), np.ones(len(labels), dtype=bool)
    for classes, wanted in ((labels, true), (decided, predicted)):
        chosen &= True if wanted is None else classes == wanted
    indices = np.flatnonzero(chosen & (labels != decided) if mistakes_only else chosen)
    badness = sample_losses(outputs, labels, loss) if order == "loss" else confidences(outputs)
    return indices[np.argsort(-badness[indices], kind="stable")].astype(np.int64, copy=False)


def answered(outputs: NDArray[Any], labels: NDArray[np.integer], threshold: float) -> tuple[int, int]:
    """Count the answers, and the correct ones, if none is below `threshold`, 0 to 1, in confidence."""
    sure = confidences(outputs) >= threshold
    return int(sure.sum()), int((sure & (outputs.argmax(axis=0) == labels)).sum())
