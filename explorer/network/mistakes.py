"""Misclassified samples and the size of their errors: the images in a cell of the confusion matrix.

Outputs have the shape (n_classes, n_samples), the largest in a column decides; labels are the true classes, int of
shape (n_samples,).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Answered", "answered", "confidences", "probabilities", "sample_losses", "select_samples"]


def sample_losses(outputs: NDArray[Any], labels: NDArray[np.integer], loss: str) -> NDArray[np.float64]:
    """Return the loss of each sample: float64, shape (n_samples,), at least 0; NaN if an output is.

    It is ½ Σ (y − d)² or −log y of the true class, d being one-hot; raises `ValueError` for another name.
    """
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
    """Return the confidence of each decision: the largest of a sample's `probabilities`, shape (n_samples,).

    From 1 / n_classes to 1; NaN if an output is.
    """
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
    """Return the indices of the samples that match, worst first.

    Parameters
    ----------
    outputs, labels : ndarray
        The network's outputs and the true classes.
    true, predicted : int or None
        Only samples of this true class, or predicted as this class; None for any.
    mistakes_only : bool
        Only misclassified samples.
    order : {"loss", "confidence"}
        The highest loss first, or the largest of the `confidences` first.
    loss : {"squared_error", "cross_entropy"}
        The loss to order by.

    Returns
    -------
    ndarray of int64, shape (n_selected,)
        Ties are in the order of the samples; NaN comes last.
    """
    decided = outputs.argmax(axis=0)
    chosen = np.ones(len(labels), dtype=bool)
    if true is not None:
        chosen &= labels == true
    if predicted is not None:
        chosen &= decided == predicted
    if mistakes_only:
        chosen &= labels != decided
    indices = np.flatnonzero(chosen)
    badness = sample_losses(outputs, labels, loss) if order == "loss" else confidences(outputs)
    return indices[np.argsort(-badness[indices], kind="stable")].astype(np.int64, copy=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """The result if a network may say "I don't know": `n` of `n_samples` answers, `n_right` of them correct."""

    n: int
    n_right: int
    n_samples: int

    @property
    def coverage(self) -> float:
        """Share of the samples with an answer, 0 to 1."""
        return self.n / self.n_samples

    @property
    def accuracy(self) -> float:
        """Share of the answers that are correct, 0 to 1; NaN without answers."""
        return self.n_right / self.n if self.n else float("nan")


def answered(outputs: NDArray[Any], labels: NDArray[np.integer], threshold: float) -> Answered:
    """Count the answers, and the correct ones, if doubtful samples get none.

    A sample is doubtful if its confidence, as in `confidences`, is below `threshold`, 0 to 1, or NaN.
    """
    sure = confidences(outputs) >= threshold
    right = outputs.argmax(axis=0) == labels
    return Answered(int(sure.sum()), int((sure & right).sum()), len(labels))
