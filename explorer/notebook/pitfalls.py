"""The pitfalls: mistakes that the exercise invites, made on purpose next to the right version, and what they do.

Most override a method of `NeuralNetwork`, or of the exercise's `Network`, which checks no shapes. Only a notebook
uses them, and tests make sure they stay wrong.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks import MISTAKES, CheckError, Passed
from explorer.checks.exercise import Network
from explorer.datasets import Dataset
from explorer.figures.charts import contrast_figure
from explorer.network import NeuralNetwork, accuracy
from explorer.network.activations import Activation
from explorer.notebook.page import Shown, figure, images, lesson_html, side_by_side
from explorer.training.process_settings import one_blas_thread
from explorer.wording import counted

Array = NDArray[Any]

_SIDE = 28  # pixels
_FEW = 20  # numbers that are readable at a glance
_WIDE = 1000  # characters; the page wraps the line


def as_printed(a: Any) -> Any:
    """Return 1 / (1 + e⁻ᵃ). Wrong far below 0: e⁻ᵃ overflows, and NumPy warns; the value is right by luck."""
    return 1 / (1 + np.exp(-a))  # far below 0: 1 / ∞ is 0, right by luck


def quotient(a: Any) -> Any:
    """Return eᵃ / (1 + eᵃ), the same formula. Wrong far above 0: infinity over infinity is not a number."""
    return np.exp(a) / (1 + np.exp(a))  # WRONG far above 0: ∞ / ∞ is not a number


def d_quotient(a: Any) -> Any:
    """Return the derivative of `quotient`, from its value."""
    return quotient(a) * (1 - quotient(a))


def stable(a: Any) -> Any:
    """Return e to the power of −log(1 + e⁻ᵃ), the same formula: right, since `logaddexp` doesn't overflow."""
    return np.exp(-np.logaddexp(0, -a))


class QuotientNetwork(NeuralNetwork):
    """A network whose units overflow."""

    def __init__(self, *sizes: Any, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.f = [Activation(quotient, d_quotient)] * self.n_layers  # WRONG where a weighted sum is large


def left_as_rows(images: Array) -> Array:
    """Return the inputs, shape (n_samples, 784). Wrong: samples are rows."""
    return images.reshape(len(images), -1) / np.float32(255)  # WRONG: (n, 784)


def reshaped(images: Array) -> Array:
    """Return the inputs, shape (784, n_samples). Wrong: reshape moves no pixel, so columns mix images."""
    return images.reshape(-1, len(images)) / np.float32(255)  # WRONG: (784, n), but of mixed pixels


def as_bytes(images: Array) -> Array:
    """Return the inputs, shape (784, n_samples). Wrong: they reach up to 255."""
    return images.reshape(len(images), -1).T.astype(np.float32)  # WRONG: 0 to 255


def transposed(images: Array) -> Array:
    """Return the inputs, shape (784, n_samples), in [0, 1]."""
    return images.reshape(len(images), -1).T / np.float32(255)  # (784, n)


def pictures(X: Array, labels: Array, words: str, n: int = 12) -> Shown:
    """Return the first `n` columns of inputs (784, n_samples) in [0, 1] as images with labels (n_samples,)."""
    inks = np.rint(255 * X[:, :n].T).astype(np.uint8).reshape(-1, _SIDE, _SIDE)
    return images(inks, [str(label) for label in labels[:n]], words)


class OnePixel(NeuralNetwork):
    """Wrong: two numbers with a comma between them name one element."""

    fit = MISTAKES["batch-of-one-number"].answers[0].Network.fit


class Rows(NeuralNetwork):
    """Wrong: the first index of a matrix is the row."""

    fit = MISTAKES["batch-of-rows"].answers[0].Network.fit


class OneBatchTooMany(Network):
    """Wrong if the batch size divides the number of samples: the last batch is empty."""

    def fit(self, X: Any, d: Any, batch_size: int, n_epochs: int = 10, lr: float = 1e-2) -> Any:
        """Train; return the mean loss per sample of each epoch, shape (n_epochs,)."""
        n, history = X.shape[1], []
        for _ in range(n_epochs):
            order, loss = self.rng.permutation(n), 0.0
            for k in range(n // batch_size + 1):  # WRONG: one too many if nothing is left over
                batch = order[k * batch_size : (k + 1) * batch_size]
                loss += self.train_iteration(X[:, batch], d[:, batch], lr)
            history.append(loss / n)
        return np.array(history)


class ByMean(Network):
    """Right: a step along the mean of the batch's gradients instead of their sum."""

    def backward(self, X: Any, y: Any, d: Any) -> tuple[Any, ...]:
        """Return the gradient, averaged over the samples."""
        return tuple(gradient / X.shape[1] for gradient in super().backward(X, y, d))


class OneBatchTooManyByMean(ByMean, OneBatchTooMany):
    """Wrong: the mean over an empty batch is 0 / 0."""


Samples = tuple[NDArray[Any], NDArray[Any]]
"""Inputs of shape (n_input, n_samples) and the labels, shape (n_samples,)."""


def on_train(network: NeuralNetwork | Network, train: Samples, test: Samples) -> float:
    """Return the test accuracy, 0 to 1. Wrong: it is measured on the samples that the network has learned."""
    X, labels = train  # WRONG: the network has learned these
    return accuracy(labels, network.predict(X))


def on_test(network: NeuralNetwork | Network, train: Samples, test: Samples) -> float:
    """Return the test accuracy, 0 to 1, on samples that the network has never seen."""
    X, labels = test  # the network has never seen these
    return accuracy(labels, network.predict(X))


def labels_as_row(labels: Array) -> Array:
    """Return the targets, shape (1, n_samples). Wrong: NumPy repeats the label for every output unit."""
    return labels.reshape(1, -1)  # WRONG: (1, n)


def one_hot(labels: Array) -> Array:
    """Return the targets, shape (10, n_samples), with a single 1 in each column."""
    return np.eye(10, dtype=np.float32)[:, labels]  # (10, n)


def share_of_equals(d: Array, predicted: Array) -> float:
    """Return the accuracy. Wrong: targets of shape (10, n_samples) are compared with classes, (n_samples,)."""
    return float(np.mean(d == predicted))  # WRONG: (10, n) against (n,)


class Unguarded(Network):
    """The exercise's network with the loss as most people write it: it checks no shape."""

    def compute_loss(self, y: Array, d: Array) -> float:
        """Return the squared error; where the shapes differ, NumPy broadcasts."""
        return float(0.5 * np.sum((y - d) ** 2))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NetworkRun:
    """A network after its last epoch, and the course of its training."""

    network: NeuralNetwork | Network
    loss: Array
    """Losses returned by `fit`, one per epoch, float of shape (n_epochs,)."""
    accuracy: Array
    """Reported test accuracy after each epoch, 0 to 1, float of shape (n_epochs,)."""
    warned: tuple[str, ...]
    """NumPy's warnings, without duplicates."""

    def __repr__(self) -> str:
        name, share = type(self.network).__name__, 100 * self.accuracy[-1]
        return f"{name} after {counted(len(self.loss), 'epoch')}: test accuracy {share:.1f} %"


def run(
    network: NeuralNetwork | Network,
    dataset: Dataset,
    *,
    columns: Callable[[Array], Array] = transposed,
    targets: Callable[[Array], Array] = one_hot,
    score: Callable[[NeuralNetwork | Network, Samples, Samples], float] = on_test,
    batch_size: int = 128,
    n_epochs: int = 6,
    lr: float = 0.01,
) -> NetworkRun:
    """Train a network in place, and return it with its loss and accuracy after each epoch.

    Any part may be wrong: `columns` makes inputs of images, `targets` targets of labels, and `score` returns the
    reported test accuracy, 0 to 1. The numbers are as in `NeuralNetwork.fit`.
    """
    X, d = columns(dataset.train_images), targets(dataset.train_labels)
    train, test = (X, dataset.train_labels), (columns(dataset.test_images), dataset.test_labels)
    losses, scored = list[float](), list[float]()
    with one_blas_thread(), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", RuntimeWarning)
        for _ in range(n_epochs):
            losses.extend(network.fit(X, d, batch_size, n_epochs=1, lr=lr))
            scored.append(score(network, train, test))
    messages = dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in warned)
    return NetworkRun(network, np.array(losses), np.array(scored), tuple(messages))


def contrast(wrong: Array, right: Array, words: str) -> Shown:
    """Return two curves of the loss per sample over the epochs, shape (n_epochs,) each."""
    return figure(contrast_figure(wrong, right, measured="loss per sample"), words)


def contrast_scores(wrong: NetworkRun, right: NetworkRun, words: str) -> Shown:
    """Return the test accuracies that two runs report, over the epochs."""
    scores = (100 * run.accuracy for run in (wrong, right))
    return figure(contrast_figure(*scores, measured="test accuracy (%)", top=100.0), words)


def contrast_runs(wrong: NetworkRun, right: NetworkRun) -> Shown:
    """Return loss and accuracy of the wrong run and of the right one, and NumPy's warnings."""
    after = f"after {counted(len(wrong.loss), 'epoch')}"
    losses = f"Loss {after}: wrong {_loss(wrong)}, right {_loss(right)}."
    wrong_score, right_score = (f"{100 * run.accuracy[-1]:.1f} %" for run in (wrong, right))
    scores = f"Test accuracy {after}: wrong {wrong_score}, right {right_score}."
    curves = side_by_side(contrast(wrong.loss, right.loss, losses), contrast_scores(wrong, right, scores))
    warned = lesson_html("said", [f"⚠ {line}" for line in wrong.warned], "raised")
    return Shown(curves.html + warned, "\n".join([curves.text, *wrong.warned]))


def _loss(run: NetworkRun) -> str:
    last = float(run.loss[-1])
    return f"{last:.3g}" if np.isfinite(last) else "not a number"


def attempt(function: Callable[..., Any], *arguments: Any, **options: Any) -> Shown:
    """Call a function, whatever it may raise, and return its error, its warnings and its result."""
    lines, result = [], None
    with one_blas_thread(), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            result = function(*arguments, **options)
        except Exception as error:  # noqa: BLE001  # the notebook shows any error
            kind = "" if isinstance(error, CheckError) else f"{type(error).__name__}: "
            lines.append(f"✗ {kind}{error}")
    lines = [*dict.fromkeys(f"⚠ {w.category.__name__}: {w.message}" for w in warned), *lines]
    wrong = lesson_html("said", lines, "raised")
    if result is None:
        return Shown(wrong, "\n".join(lines))
    given: Shown | Passed
    if isinstance(result, Passed):
        given = result
    else:
        returned = str(result)
        if isinstance(result, np.ndarray):
            returned = f"an array of shape {result.shape}"
            if result.size <= _FEW:
                returned = np.array2string(result, precision=4, suppress_small=True, max_line_width=_WIDE)
        text = f"{'' if lines else 'no error, no warning; '}returns {returned}"
        given = Shown(lesson_html("said", [text], "returned"), text)
    return Shown(f"{wrong}{given._repr_html_()}", "\n".join([*lines, repr(given)]))


def stacked(*parts: Shown | Passed) -> Shown:
    """Return several outcomes, one below the other."""
    return Shown("".join(part._repr_html_() for part in parts), "\n".join(map(repr, parts)))
