"""What a pitfall does: the outcome of a call, and runs in which each part can be replaced by a wrong variant."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks import CheckError, Passed
from explorer.checks.exercise import Network
from explorer.datasets import Dataset
from explorer.figures.charts import contrast_figure
from explorer.network import NeuralNetwork
from explorer.notebook.mistakes import Samples, on_test, one_hot, transposed
from explorer.notebook.page import Shown, figure, lesson_html, side_by_side
from explorer.training.process_settings import one_blas_thread
from explorer.wording import counted

Array = NDArray[Any]


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


def reported_losses(network: NeuralNetwork | Network, dataset: Dataset, *, n_epochs: int = 6) -> Array:
    """Train a network by a single call of its `fit`, and return the losses it reports, shape (n_epochs,)."""
    X, d = transposed(dataset.train_images), one_hot(dataset.train_labels)
    with one_blas_thread():
        losses: Array = network.fit(X, d, 128, n_epochs=n_epochs, lr=0.01)
    return losses


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


_FEW = 20  # numbers that are readable at a glance
_WIDE = 1000  # characters; the page wraps the line


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
    given = result if isinstance(result, Passed) else _given(result, silent=not lines)
    return Shown(f"{wrong}{given._repr_html_()}", "\n".join([*lines, repr(given)]))


def stacked(*parts: Shown | Passed) -> Shown:
    """Return several outcomes, one below the other."""
    return Shown("".join(part._repr_html_() for part in parts), "\n".join(map(repr, parts)))


def _given(result: Any, *, silent: bool) -> Shown:
    if not isinstance(result, np.ndarray):
        shown = str(result)
    elif result.size > _FEW:
        shown = f"an array of shape {result.shape}"
    else:
        shown = np.array2string(result, precision=4, suppress_small=True, max_line_width=_WIDE)
    text = f"{'no error, no warning; ' * silent}returns {shown}"
    return Shown(lesson_html("said", [text], "returned"), text)
