"""Checks of the network's input and of its evaluation: inputs, targets, mistakes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks.observations import Probe
from explorer.checks.results import CheckError, Passed, check, compare, expect

__all__ = ["confusion", "digits", "evaluation", "one_hot", "pixels"]

Array = NDArray[Any]


@check
def pixels(X: Array, images: Array, n_images: int = 20) -> Passed:
    """Check a matrix of inputs: image k is column k, in row-major order, with 255 scaled to 1."""
    X, (n, height, width) = np.asarray(X), images.shape
    expect("X", f"shape {X.shape}", f"shape {(height * width, n)}")
    columns = np.linspace(0, n - 1, min(n, n_images)).astype(int).tolist()
    expected = np.array([[pixel / 255 for row in images[k].tolist() for pixel in row] for k in columns]).T

    def place(at: tuple[int, ...]) -> str:
        (row, column), k = divmod(at[0], width), columns[at[1]]
        byte = f"the byte {images[k, row, column]} in row {row}, column {column} of image {k}"
        return f"X[{at[0]}, {k}], for {byte}"

    worst = compare("X", X[:, columns], expected, 1e-5, place)
    return Passed(f"{len(columns)} columns of X against their images, pixel by pixel", worst)


@check
def one_hot(Y: Array, labels: Array) -> Passed:
    """Check one-hot targets: each column has a single 1, in the row of its label, and 0 elsewhere."""
    Y, classes = np.asarray(Y), np.asarray(labels).tolist()
    if Y.ndim != 2 or Y.shape[1] != len(classes):
        raise CheckError(f"Y: expected shape (n_classes, {len(classes)}), got shape {Y.shape}")
    for k, (column, label) in enumerate(zip(Y.T.tolist(), classes, strict=True)):
        expected = [int(row == label) for row in range(max(len(column), label + 1))]
        if column != expected:
            raise CheckError(f"column {k} of Y: expected {expected} for label {label}, got {column}")
    return Passed(f"{len(classes)} columns of Y against their labels")


@check
def confusion(matrix: Array, true: Array, predicted: Array) -> Passed:
    """Check a confusion matrix by counting the pairs of true and predicted class one by one."""
    pairs = list(zip(np.asarray(true).tolist(), np.asarray(predicted).tolist(), strict=True))
    counts = np.zeros((max(len(matrix), 1 + max(map(max, pairs))),) * 2)
    for pair in pairs:
        counts[pair] += 1
    compare("confusion", matrix, counts, 0.0)
    return Passed(f"{counts.size} cells against {len(pairs)} samples counted one by one")


@check
def digits(load: Callable[[str], Any]) -> Passed:
    """Check a function that reads the exercise's archive, on a small one: inputs, targets and labels."""
    data = Probe().dataset
    with Probe().archive() as path:
        found = load(path)
    expect("arrays that load_digits returns", _length(found), 6)
    for split, (X, Y, labels) in (("train", found[:3]), ("test", found[3:])):
        compare(f"{split}_labels", labels, getattr(data, f"{split}_labels"), 0.0)
        passed = pixels(X, getattr(data, f"{split}_images"))
        one_hot(Y, labels)
    return Passed("a small archive: X against the images, Y against the labels", passed.difference)


@check
def evaluation(evaluate: Callable[..., Any]) -> Passed:
    """Check accuracies and a confusion matrix by counting, on a network with known predictions."""
    network, X_train, train, X_test, test = given = Probe().read
    found = evaluate(*given)
    expect("results that evaluate returns", _length(found), 3)
    for split, share, X, labels in (("train", found[0], X_train, train), ("test", found[1], X_test, test)):
        correct = sum(map(int.__eq__, network.predict(X).tolist(), labels.tolist()))
        compare(f"{split} accuracy", share, correct / len(labels), 1e-6)
    confusion(found[2], test, network.predict(X_test))
    return Passed(f"both accuracies and the confusion matrix against counting {len(test)} test images")


def _length(found: Any) -> Any:
    return len(found) if isinstance(found, tuple | list) else type(found).__name__
