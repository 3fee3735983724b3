"""Which samples a network gets wrong, and how badly: the images in a cell of the confusion matrix.

Outputs have the shape (n_classes, n_samples), the largest of a column decides; labels are the true classes, int of
shape (n_samples,).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Answered", "answered", "confidences", "probabilities", "sample_losses", "select_samples"]


def sample_losses(outputs: NDArray[Any], labels: NDArray[np.integer], loss: str) -> NDArray[np.float64]:
    """Return the loss of each sample: float64, shape (n_samples,), at least 0; NaN where an output is.

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

    Softmax outputs sum to 1 already. Ten sigmoids need not: their shares are no probabilities that training
    made, but they can be compared like some. Where all outputs are 0 every class gets the same; where one is
    NaN, all shares are.
    """
    y = outputs.astype(np.float64)
    sums = y.sum(axis=0, keepdims=True)
    shares = np.full_like(y, 1.0 / len(y))
    np.divide(y, sums, out=shares, where=sums != 0)
    return shares


def confidences(outputs: NDArray[Any]) -> NDArray[np.float64]:
    """Return how sure each decision is: the largest of a sample's `probabilities`, shape (n_samples,).

    From 1 / n_classes to 1; NaN where an output is.
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
        Equals stay in the order of the samples; NaN comes last.
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
    """What is left when a network may say "I don't know": `n` of `n_samples`, and `n_right` of them correctly."""

    n: int
    n_right: int
    n_samples: int

    @property
    def coverage(self) -> float:
        """Share of the samples that are answered, 0 to 1."""
        return self.n / self.n_samples

    @property
    def accuracy(self) -> float:
        """Share of the answered samples that are right, 0 to 1; NaN where none is answered."""
        return self.n_right / self.n if self.n else float("nan")


def answered(outputs: NDArray[Any], labels: NDArray[np.integer], threshold: float) -> Answered:
    """Return how many samples are answered, and how many correctly, if doubtful ones are not.

    Doubtful is a sample whose confidence, as in `confidences`, is below `threshold`, 0 to 1, or NaN.
    """
    sure = confidences(outputs) >= threshold
    right = outputs.argmax(axis=0) == labels
    return Answered(int(sure.sum()), int((sure & right).sum()), len(labels))
