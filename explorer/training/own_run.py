"""Training of a user-defined class, as a run like any other: by its `train_iteration`, or epochs of its `fit`."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from queue import SimpleQueue
from threading import Thread
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.engine import Score, ScoredSet, score_outputs
from explorer.engine.minibatches import SCORES_PER_EPOCH, Part
from explorer.engine.scoring import scored_set
from explorer.network import LOSSES, OPTIMIZERS, NeuralNetwork
from explorer.training.config import TrainingConfig
from explorer.training.own_network import (
    OwnClass,
    OwnNetworkError,
    fits_as_usual,
    new_network,
    recognized,
    samples,
)

_log = logging.getLogger(__name__)

_ROWS = 512  # images scored at a time
_LOOK_SECONDS = 0.05  # how long a mini-batch may delay a stop
_STUCK_SECONDS = 1.0  # how long code may still run after a stop before that is reported


class OwnLearner:
    """A user's class, with the methods of `EngineLearner`.

    Each mini-batch is a call ``train_iteration(X, d, lr)``, in the order of the textbook's run; its score has the
    loss that is returned, and the accuracy of the outputs of `forward`. A class with a `fit` that does something
    else is trained by that: an epoch is one call ``fit(X, d, batch_size, 1, lr)``, with no records in between.

    Its code is called in a thread: if it never returns it can't be ended, but left, and `stuck` says so.
    """

    scores_each = True

    def __init__(self, own: OwnClass, config: TrainingConfig, dataset: Dataset) -> None:
        config = own.without_ours(config)
        self._own, self._dataset, made = own, dataset, own.make(config, dataset)
        self.config = config = recognized(own, made, config, dataset)
        """The settings, with the functions that the class chooses itself."""
        self.learning_rate, self.batch_size = config.learning_rate, min(config.batch_size, dataset.n_train)
        takes_mean = "optimizer" in own.keywords and OPTIMIZERS[config.optimizer].is_scale_free
        self._divides = config.reduction == "mean" and not takes_mean
        self._rng = new_network(config, dataset).rng  # after the weights, it draws the order of the samples
        self._order = np.arange(0)
        self._has_usual_fit: bool | None = None
        self._made = made
        self._outputs = deque[Any](maxlen=1)  # of the newest forward pass
        made.__class__ = _noting(own.made_by, self._outputs.append)
        self._score = Score()  # of the newest mini-batch
        self._call: Future[Any] | None = None  # the newest

    @property
    def n_bytes(self) -> int:
        return sum(array.nbytes for array in self.weights())

    @property
    def stuck(self) -> str:
        """A sentence if the newest call goes on for a second; else empty."""
        if self._call is None or wait((self._call,), _STUCK_SECONDS).done:
            return ""
        said = f"Stopped, but code of {self._own.name} is still running. If it never returns, "
        said += "only restarting the kernel ends it."
        _log.warning(said)
        return said

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

    def epoch(self, number: int, begin: int) -> Iterator[Part | None]:
        data, size = self._dataset, self.batch_size
        self._order, starts = self._rng.permutation(data.n_train), range(0, data.n_train, size)
        if self._has_usual_fit is None:
            arguments = self._own, self.config, data
            self._has_usual_fit = yield from self._called("fit", fits_as_usual, *arguments)
        if not self._has_usual_fit:
            rate = self.learning_rate / (size if self._divides else 1)
            yield from self._called("fit", self._made.fit, *samples(data), size, 1, rate)
            yield from [Part(is_step=True)] * len(starts)
            return
        since = Score()  # the newest record
        for start in starts:
            self._score = yield from self._step(*samples(data, self._order[start : start + size]))
            since += self._score
            is_due = since.n * SCORES_PER_EPOCH >= data.n_train or start == starts[-1]
            yield Part(is_step=True, score=self._score, batch=since if is_due else None)
            since = Score() if is_due else since

    def batch_scoring(self, batch: slice, *_: Any) -> Generator[None, None, Sequence[Score]]:
        if not self._score.n:
            return ()
        X, d = samples(self._dataset, self._order[batch])
        y = yield from self._called("forward", self._twin().forward, X)
        return self._score, score_outputs(y.T, d.T, d.argmax(axis=0), self.config.loss).penalised(
            self._penalty
        )

    def scoring(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64]
    ) -> Generator[None, None, ScoredSet]:
        twin, n, n_classes = self._twin(), len(labels), self._dataset.n_classes
        Y, rows = np.empty((n, n_classes), np.float32), images.reshape(n, -1)
        for start in range(0, n, _ROWS):
            X = np.divide(rows[start : start + _ROWS].T, np.float32(255), dtype=np.float32)
            y = np.asarray((yield from self._called("forward", twin.forward, X)))
            if y.shape != (n_classes, X.shape[1]):
                shapes = f"{y.shape}; expected ({n_classes}, {X.shape[1]})"
                raise OwnNetworkError(f"{self._own.name}.forward returned shape {shapes}")
            Y[start : start + _ROWS] = y.T
            yield
        return scored_set(Y, labels, self.config.loss, self._penalty)

    @property
    def _penalty(self) -> float:
        """The penalty in each sample's loss as `train_iteration` returns it; 0 unless the class inherits ours."""
        return self._made.penalty if isinstance(self._made, NeuralNetwork) else 0.0

    def _twin(self) -> Any:
        """Return a copy, so that the state kept from the last training pass is not overwritten."""
        made = deepcopy(self._made)
        made.__class__ = self._own.made_by
        return made

    def _step(self, X: NDArray[Any], d: NDArray[Any]) -> Generator[None, None, Score]:
        """Train on a mini-batch and return its score before the step."""
        n = d.shape[1]
        self._outputs.clear()
        rate = self.learning_rate / (n if self._divides else 1)
        loss = yield from self._called("train_iteration", self._made.train_iteration, X, d, rate)
        if not self._outputs:  # it used no `forward`: use the outputs after the step
            yield from self._called("forward", self._made.forward, X)
        y = np.asarray(self._outputs[0])
        if loss is None:
            loss = LOSSES[self.config.loss](y, d)
        elif np.size(loss) != 1:
            found = f"shape {np.shape(loss)}" if np.size(loss) else type(loss).__name__
            name = f"{self._own.name}.train_iteration"
            raise OwnNetworkError(f"{name} returned {found}; expected one number, the loss")
        hits = np.count_nonzero(y.argmax(axis=0) == d.argmax(axis=0)) if y.shape == d.shape else 0
        return Score(n, int(hits), float(np.asarray(loss).item()))

    def _called(
        self, method: str, function: Callable[..., Any], *arguments: Any
    ) -> Generator[None, None, Any]:
        """Call code of the class in a thread, and return its result; the caller need not wait for it."""
        if self._call is None or not self._call.done():  # the thread is stuck in the newest call
            self._calls = SimpleQueue[Callable[[], None] | None]()
            Thread(target=_make_calls, args=(self._calls,), name="explorer-own-code", daemon=True).start()
            finalize(self, self._calls.put, None)
        self._call = call = Future[Any]()

        def work() -> None:
            try:
                with self._own.told(method), np.errstate(all="ignore"):
                    call.set_result(function(*arguments))
            except BaseException as error:  # noqa: BLE001  # raised again in the caller
                call.set_exception(error)

        self._calls.put(work)
        while not wait((call,), _LOOK_SECONDS).done:
            yield
        return call.result()


def _make_calls(calls: SimpleQueue[Callable[[], None] | None]) -> None:
    while call := calls.get():
        call()
        del call  # it keeps the network alive


def _noting(cls: type[Any], note: Callable[[Any], object]) -> type[Any]:
    """Return a subclass of `cls` that calls `note` with the outputs of each forward pass."""

    def forward(self: Any, *arguments: Any, **options: Any) -> Any:
        outputs = cls.forward(self, *arguments, **options)
        note(outputs)
        return outputs

    names = {"__slots__": (), "__module__": cls.__module__, "__qualname__": cls.__qualname__}
    return type(cls.__name__, (cls,), {"forward": forward, **names})
