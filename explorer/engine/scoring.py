"""Scoring of a network on a set of images: loss, hits and outputs."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.engine.kernels import Calls, perform
from explorer.engine.model import Model
from explorer.engine.passes import Pass, bounds
from explorer.network import LOSSES, confusion_matrix

_ROWS = 512


@dataclass(frozen=True, slots=True)
class Score:
    """Sums over some samples: their number, how many were classified correctly, and their loss."""

    n: int = 0
    hits: int = 0
    loss: float = 0.0

    def __add__(self, other: Score) -> Score:
        return Score(self.n + other.n, self.hits + other.hits, self.loss + other.loss)

    def penalised(self, penalty: float) -> Score:
        """Return the score with a penalty added to the loss of each sample."""
        return Score(self.n, self.hits, self.loss + self.n * penalty) if penalty else self

    @property
    def accuracy(self) -> float:
        """Share classified correctly, 0 to 1."""
        return self.hits / self.n

    @property
    def mean_loss(self) -> float:
        """Loss per sample."""
        return self.loss / self.n


def score_outputs(Y: NDArray[Any], D: NDArray[Any], labels: NDArray[np.integer], loss: str) -> Score:
    """Return the score of outputs `Y` against targets `D`, both (n, n_classes), and `labels` (n,)."""
    hits = int(np.count_nonzero(Y.argmax(axis=1) == labels))
    with np.errstate(all="ignore"):
        return Score(len(labels), hits, LOSSES[loss](Y, D))


@dataclass(frozen=True, slots=True, eq=False)
class ScoredSet:
    """A score with the outputs and confusion counts it is based on."""

    score: Score
    outputs: NDArray[Any]
    """The model's outputs, shape (n_classes, n_samples), read-only."""
    confusion: NDArray[np.int64]
    """Counts, shape (n_classes, n_classes), read-only: rows are the true class, columns the predicted."""


def scored_set(Y: NDArray[Any], labels: NDArray[np.int64], loss: str, penalty: float) -> ScoredSet:
    """Return the scores of a whole set's outputs `Y`, shape (n, n_classes), which become read-only."""
    n_classes = Y.shape[1]
    confusion = confusion_matrix(labels, Y.argmax(axis=1), n_classes)
    Y.flags.writeable = confusion.flags.writeable = False
    targets = np.eye(n_classes, dtype=np.float32)[labels]
    return ScoredSet(score_outputs(Y, targets, labels, loss).penalised(penalty), Y.T, confusion)


class Scorer:
    """Scores a model on uint8 images, a few hundred at a time, in arrays allocated once."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._inputs = model.inputs(_ROWS)
        self._outputs = np.empty((_ROWS, model.sizes[-1]), model.dtype)
        self._calls = dict[int, Calls]()  # by number of images

    def scoring(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64]
    ) -> Generator[None, None, ScoredSet]:
        """Score the model on `images` (n, height, width) with `labels` (n,).

        Yields between chunks, where it can be abandoned; returns the `ScoredSet`. Several scorings can alternate.
        """
        n, n_classes = len(labels), self._model.sizes[-1]
        rows = images.reshape(n, -1)
        Y = np.empty((n, n_classes), self._model.dtype)
        for start, stop in bounds(n, _ROWS):
            chunk = slice(stop - start)
            if chunk.stop not in self._calls:
                batch = Pass(self._model, chunk.stop)
                forward = partial(batch.forward, self._inputs[chunk], self._outputs[chunk])
                self._calls[chunk.stop] = self._model.in_halves(forward, chunk.stop, batch.middles[0])
            with np.errstate(all="ignore"):  # per chunk: the consumer has its own error state after a yield
                self._inputs.write(rows[start:stop], chunk)
                perform(self._calls[chunk.stop])
            Y[start:stop] = self._outputs[chunk]
            if stop < n:
                yield
        return scored_set(Y, labels, self._model.loss, self._model.penalty())
