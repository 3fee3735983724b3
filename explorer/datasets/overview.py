"""What a data set looks like before anything has learned it: how many images of each class, their mean, a few."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["class_counts", "class_means", "few_of_each"]


def class_counts(labels: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    """Return how many images each class has, shape (n_classes,), from labels (n,)."""
    counts: NDArray[np.int64] = np.bincount(labels, minlength=n_classes)
    return counts


def class_means(images: NDArray[np.uint8], labels: NDArray[np.int64], n_classes: int) -> NDArray[np.uint8]:
    """Return the mean image of each class, rounded, (n_classes, 28, 28); it is black where there are none."""
    means = np.zeros((n_classes, *images.shape[1:]), np.uint8)
    for k in range(n_classes):
        of_class = images[labels == k]
        if len(of_class):
            means[k] = np.rint(of_class.sum(axis=0, dtype=np.uint32) / len(of_class))
    return means


def few_of_each(
    labels: NDArray[np.int64], n_classes: int, n_each: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Return the indices of up to `n_each` images of each class, drawn without repeats, in ascending order."""
    of_classes = (np.flatnonzero(labels == k) for k in range(n_classes))
    return [np.sort(rng.choice(indices, min(n_each, len(indices)), replace=False)) for indices in of_classes]
