"""Quality of the predictions, counted by class.

Everything here is based on the confusion matrix, integers of shape (n_classes, n_classes): rows are the true
class, columns the predicted one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ClassScores",
    "Confusion",
    "accuracy",
    "confusion_matrix",
    "hardest_classes",
    "most_confused",
    "per_class",
]


def accuracy(true: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of samples whose predicted class is the true one, in [0, 1].

    Parameters
    ----------
    true, predicted : array_like of int, shape (n_samples,)
        Class indices; at least one. Raises `ValueError` for another shape or dtype.
    """
    true, predicted = _labels(true, predicted)
    return float(np.count_nonzero(true == predicted) / true.size)


def confusion_matrix(true: ArrayLike, predicted: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Count how often each true class was predicted as each class: int64, shape (n_classes, n_classes).

    Entry [i, j] counts the samples of true class i that were predicted as j.

    Parameters
    ----------
    true, predicted : array_like of int, shape (n_samples,)
        Class indices, 0 to n_classes − 1; at least one. Raises `ValueError` for anything else.
    n_classes : int
        Number of classes, at least 1.
    """
    true, predicted = _labels(true, predicted)
    for name, labels in (("true", true), ("predicted", predicted)):
        if labels.min() < 0 or labels.max() >= n_classes:
            raise ValueError(
                f"{name} holds classes from {labels.min()} to {labels.max()}; expected 0 to {n_classes - 1}"
            )
    cells = np.bincount(true * n_classes + predicted, minlength=n_classes * n_classes)
    return cells.reshape(n_classes, n_classes).astype(np.int64, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores:
    """Scores of each class, from a confusion matrix.

    Parameters
    ----------
    precision : ndarray of float64, shape (n_classes,)
        Share of the samples predicted as the class that belong to it; 0 if none was predicted.
    recall : ndarray of float64, shape (n_classes,)
        Share of the samples of the class that were predicted as it; 0 if there are none.
    f1 : ndarray of float64, shape (n_classes,)
        Harmonic mean of the two; 0 if both are 0.
    support : ndarray of int64, shape (n_classes,)
        Samples of the class.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    support: NDArray[np.int64]


def per_class(confusion: NDArray[np.integer]) -> ClassScores:
    """Compute precision, recall, F1 and support of each class from a confusion matrix."""
    hits = np.diagonal(confusion).astype(np.float64)
    support = confusion.sum(axis=1)
    decided = confusion.sum(axis=0)
    return ClassScores(
        precision=_share(hits, decided),
        recall=_share(hits, support),
        f1=_share(2.0 * hits, support + decided),
        support=support.astype(np.int64, copy=False),
    )


def hardest_classes(confusion: NDArray[np.integer]) -> tuple[int, ...]:
    """Return the classes of a confusion matrix in ascending order of their recall.

    Ties are in the order of the classes; a class without samples has no recall and is left out.
    """
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
    """Return at most `n_pairs` kinds of mistake in a confusion matrix, the most frequent first.

    Ties are in the order of their classes; kinds that never occur are left out.
    """
    mistakes = np.array(confusion, dtype=np.int64)
    np.fill_diagonal(mistakes, 0)
    support = np.asarray(confusion).sum(axis=1)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:n_pairs]
    pairs = (divmod(int(cell), mistakes.shape[1]) for cell in order)
    return tuple(
        Confusion(i, j, int(mistakes[i, j]), float(mistakes[i, j] / support[i]))
        for i, j in pairs
        if mistakes[i, j]
    )


def _labels(true: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    arrays = []
    for name, labels in (("true", true), ("predicted", predicted)):
        array = np.asarray(labels)
        if array.ndim != 1 or array.size == 0 or not np.issubdtype(array.dtype, np.integer):
            raise ValueError(
                f"{name} has shape {array.shape} and dtype {array.dtype}; expected (n_samples,) of class"
                " indices, at least one (from one-hot columns: Y.argmax(axis=0))"
            )
        arrays.append(array.astype(np.int64, copy=False))
    if arrays[0].shape != arrays[1].shape:
        raise ValueError(
            f"true has {arrays[0].size} samples and predicted {arrays[1].size}; they must be equal"
        )
    return arrays[0], arrays[1]


def _share(part: NDArray[np.float64], whole: NDArray[np.integer]) -> NDArray[np.float64]:
    share = np.zeros_like(part)
    np.divide(part, whole, out=share, where=whole > 0)
    return share
