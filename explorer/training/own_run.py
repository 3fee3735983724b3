"""Training of a user-defined class, as a run like any other: by its `train_iteration`, or epochs of its `fit`."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.datasets.dataset import pixel_columns
from explorer.engine import Score, ScoredSet, score_outputs
from explorer.engine.minibatches import SCORES_PER_EPOCH, Part
from explorer.engine.scoring import scored_set
from explorer.network import OPTIMIZERS, NeuralNetwork
from explorer.training.config import TrainingConfig
from explorer.training.own_network import (
    OwnClass,
    OwnNetworkError,
    fits_as_usual,
    new_network,
    recognized,
    samples,
)

_ROWS = 512  # images scored at a time


class OwnLearner:
    """A user's class, with the methods of `EngineLearner`.

    Each mini-batch is a call ``train_iteration(X, d, lr)``, in the order of the textbook's run; its score has the
    loss that this returns, and the accuracy of `forward` before it. A class with a `fit` that does something else
    is trained by that: an epoch is one call ``fit(X, d, batch_size, 1, lr)``, which gives no records in between
    and can't be interrupted.
    """

    scores_each = True

    def __init__(self, own: OwnClass, config: TrainingConfig, dataset: Dataset) -> None:
        config = own.without_ours(config)
        self._own, self._dataset, self._made = own, dataset, own.make(config, dataset)
        self.config = config = recognized(own, self._made, config, dataset)
        """The settings, with the functions that the class chooses itself."""
        self.learning_rate, self.batch_size = config.learning_rate, min(config.batch_size, dataset.n_train)
        self._rng = new_network(config, dataset).rng  # after the weights, it draws the order of the samples
        self._order = np.arange(0)
        self._has_usual_fit: bool | None = None
        self._score = Score()  # of the newest mini-batch

    def new_network(self) -> NeuralNetwork:
        return self._own.network(self.config, self._dataset)

    def weights(self) -> tuple[NDArray[np.floating], ...]:
        data = self._dataset
        return self._own.weights(self._made, (data.n_inputs, *self.config.hidden_sizes, data.n_classes))

    def set_weights(self, weights: Any) -> None:
        """Refuse: only its class knows how its training goes on."""
        raise OwnNetworkError(f"{self._own.name} trains from its beginning only")

    skip = resize = set_weights

    def settled(self) -> AbstractContextManager[None]:
        return nullcontext()

    def epoch(self, number: int, begin: int) -> Iterator[Part]:
        data, size = self._dataset, self.batch_size
        self._order, starts = self._rng.permutation(data.n_train), range(0, data.n_train, size)
        if self._has_usual_fit is None:
            self._has_usual_fit = fits_as_usual(self._own, self.config, data)
        if not self._has_usual_fit:
            self._own.call("fit", self._made, *samples(data), size, 1, self._rate(size))
            yield from [Part(is_step=True)] * len(starts)
            return
        since = Score()  # the newest record
        for start in starts:
            self._score = self._step(*samples(data, self._order[start : start + size]))
            since += self._score
            is_due = since.n * SCORES_PER_EPOCH >= data.n_train or start == starts[-1]
            yield Part(is_step=True, score=self._score, batch=since if is_due else None)
            since = Score() if is_due else since

    def batch_scoring(self, batch: slice, *_: Any) -> Generator[None, None, Sequence[Score]]:
        yield
        X, d = samples(self._dataset, self._order[batch])
        return (self._score, self._scored(deepcopy(self._made), X, d)) if self._score.n else ()

    def scoring(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64]
    ) -> Generator[None, None, ScoredSet]:
        copy = deepcopy(self._made)  # its `forward` may change more than it should
        Y = np.empty((len(labels), self._dataset.n_classes), np.float32)
        for start in range(0, len(labels), _ROWS):
            rows = slice(start, start + _ROWS)
            Y[rows] = self._forward(copy, np.array(pixel_columns(images[rows]))).T
            yield
        return scored_set(Y, labels, self.config.loss, self._penalty)

    @property
    def _penalty(self) -> float:
        """The penalty in each sample's loss as `train_iteration` returns it; 0 unless the class inherits ours."""
        return self._made.penalty if isinstance(self._made, NeuralNetwork) else 0.0

    def _forward(self, network: Any, X: NDArray[Any]) -> NDArray[Any]:
        y, expected = np.asarray(self._own.call("forward", network, X)), (self._dataset.n_classes, X.shape[1])
        if y.shape != expected:
            raise OwnNetworkError(f"{self._own.name}.forward returned shape {y.shape}; expected {expected}")
        return y

    def _scored(self, network: Any, X: NDArray[Any], d: NDArray[Any]) -> Score:
        y = self._forward(network, X)
        return score_outputs(y.T, d.T, d.argmax(axis=0), self.config.loss).penalised(self._penalty)

    def _step(self, X: NDArray[Any], d: NDArray[Any]) -> Score:
        """Train on a mini-batch and return its score before the step."""
        before, rate = self._scored(self._made, X, d), self._rate(len(X.T))
        loss = self._own.call("train_iteration", self._made, X, d, rate)
        if loss is None:
            return before
        try:
            return Score(before.n, before.hits, float(np.asarray(loss).item()))
        except (TypeError, ValueError):
            found = f"shape {np.shape(loss)}" if np.size(loss) > 1 else type(loss).__name__
            name = f"{self._own.name}.train_iteration"
            raise OwnNetworkError(f"{name} returned {found}; expected one number, the loss") from None

    def _rate(self, n: int) -> float:
        """Return the rate for a class that multiplies it by the sum of the gradients of `n` samples."""
        takes_mean = "optimizer" in self._own.keywords and OPTIMIZERS[self.config.optimizer].is_scale_free
        by_mean = self.config.reduction == "mean" and not takes_mean
        return self.learning_rate / n if by_mean else self.learning_rate
