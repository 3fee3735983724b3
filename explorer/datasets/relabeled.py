"""Views of a data set with other labels, or with some of its classes only."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.dataset import Dataset


def random_labels(dataset: Dataset, share: float, seed: int = 0) -> Dataset:
    """Return the data with a label drawn at random for a `share`, 0 to 1, of the training images.

    It may be the true one (Zhang et al., 2017). The test images keep theirs.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; expected 0 to 1")
    rng, labels = np.random.default_rng([seed, 5]), dataset.train_labels.copy()
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    labels[chosen] = rng.integers(0, dataset.n_classes, len(chosen))
    return replace(dataset, train_labels=labels)


def swapped_labels(dataset: Dataset, n: int, seed: int = 0) -> tuple[Dataset, NDArray[np.int64]]:
    """Return the data with another class for `n` training images, and the indices of these, ascending."""
    if not 0 <= n <= dataset.n_train or dataset.n_classes < 2:
        raise ValueError(f"n is {n}; expected 0 to {dataset.n_train}, and two classes or more")
    rng, labels = np.random.default_rng([seed, 6]), dataset.train_labels.copy()
    chosen = np.sort(rng.permutation(len(labels))[:n])
    labels[chosen] = (labels[chosen] + rng.integers(1, dataset.n_classes, n)) % dataset.n_classes
    return replace(dataset, train_labels=labels), chosen


def of_classes(dataset: Dataset, classes: Collection[int]) -> Dataset:
    """Return only the images of some classes, which keep their labels; `DatasetError` if there are none."""
    train, test = (np.isin(labels, list(classes)) for labels in (dataset.train_labels, dataset.test_labels))
    return replace(
        dataset,
        train_images=dataset.train_images[train],
        train_labels=dataset.train_labels[train],
        test_images=dataset.test_images[test],
        test_labels=dataset.test_labels[test],
    )
