"""Checks of what stands before and behind the network: inputs, targets, and the count of its mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks.comparing import Passed, cells, compare, expect

__all__ = ["confusion", "one_hot", "pixels"]

Array = NDArray[Any]

_SINGLE = 1e-5  # float32


def pixels(X: Array, images: Array, n_images: int = 20) -> Passed:
    """Check a matrix of inputs: image k is column k, its rows one after the other, 255 made 1."""
    X, images = np.asarray(X), np.asarray(images)
    n, height, width = images.shape
    expect(X.shape == (height * width, n), f"X has shape {X.shape}; wanted is {(height * width, n)}")
    worst = 0.0
    for k in np.linspace(0, n - 1, min(n, n_images)).astype(int).tolist():
        rows = images[k].tolist()
        wanted = {(r, c): rows[r][c] / 255 for r in range(height) for c in range(width)}
        found = {(r, c): float(X[r * width + c, k]) for r, c in wanted}
        worst = max(worst, compare(f"column {k} of X, pixel", found, wanted, _SINGLE))
    return Passed(f"{min(n, n_images)} columns of X against their images, pixel by pixel", worst)


def one_hot(Y: Array, labels: Array) -> Passed:
    """Check one-hot targets: in each column a single 1, in the row of its label, and 0 elsewhere."""
    Y = np.asarray(Y)
    expect(Y.ndim == 2, f"Y has shape {Y.shape}; wanted is a column of 0 and 1 for each label")
    columns, classes = Y.T.tolist(), np.asarray(labels).tolist()
    expect(len(columns) == len(classes), f"Y has {len(columns)} columns; there are {len(classes)} labels")
    for k, (column, label) in enumerate(zip(columns, classes, strict=True)):
        right = label < len(column) and column[label] == 1 and column.count(0) == len(column) - 1
        expect(right, f"column {k} of Y is {column}; its label is {label}")
    return Passed(f"{len(classes)} columns of Y against their labels")


def confusion(matrix: Array, true: Array, predicted: Array) -> Passed:
    """Check a confusion matrix against counting pairs of true and predicted class one by one."""
    matrix, pairs = (
        np.asarray(matrix),
        zip(np.asarray(true).tolist(), np.asarray(predicted).tolist(), strict=True),
    )
    counts = np.zeros_like(matrix)
    for pair in pairs:
        counts[pair] += 1
    compare("the count of (true, predicted) =", cells(matrix), cells(counts), 0.0)
    return Passed(f"{counts.size} cells against {int(counts.sum())} samples counted one by one")
