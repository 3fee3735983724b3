"""Training by a user-defined `fit`, as a run like any other: it can be watched, paused, stepped and stopped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from copy import deepcopy
from inspect import Parameter, signature
from queue import Empty, SimpleQueue
from threading import Semaphore, Thread, current_thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.engine import Score, ScoredSet, score_outputs
from explorer.engine.minibatches import SCORES_PER_EPOCH, Part
from explorer.engine.scoring import scored_set
from explorer.network import LOSSES, OPTIMIZERS, NeuralNetwork
from explorer.training.config import TrainingConfig
from explorer.training.own_network import OwnClass, OwnNetworkError, float_columns, recognized

_log = logging.getLogger(__name__)

_ROWS = 512  # images scored at a time
_LOOK_SECONDS = 0.05  # how long a mini-batch may delay a stop
_STUCK_SECONDS = 1.0  # how long code that was abandoned may still run before that is reported


class OwnLearner:
    """A user's class, trained by its own `fit`, with the methods of `EngineLearner`.

    Each epoch is one call ``fit(X, d, batch_size, 1, lr)``, which advances only while the epoch is iterated: `fit`
    decides what a mini-batch is, and in what order. A mini-batch's score has the loss that `train_iteration`
    returns and the accuracy of the outputs of `forward`. A `fit` that doesn't call `train_iteration` gives none.

    Code that never returns can't be ended. It is abandoned, in a thread of its own, and `stuck` says so.
    """

    scores_each = True

    def __init__(self, own: OwnClass, config: TrainingConfig, dataset: Dataset) -> None:
        config = own.without_ours(config)
        self._own, self._dataset = own, dataset
        made = own.make(config, dataset)
        self.config = config = recognized(own, made, config, dataset)
        """The settings, with the functions that the class chooses itself."""
        self.learning_rate, self.batch_size = config.learning_rate, config.batch_size
        self._made, self._watch = made, _Watch(own, config)
        made.__class__ = watched(own.made_by, self._watch)
        self._columns: tuple[NDArray[Any], NDArray[Any]] | None = None
        self.is_fitting = False
        """Whether a `fit` is in progress, in its thread."""
        self.stuck = ""
        """A sentence on abandoned code that is still running; else empty."""

    @property
    def n_bytes(self) -> int:
        return sum(array.nbytes for array in self.weights())

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
        n, n_steps, n_images, told = self._dataset.n_train, 0, 0, Score()
        expected, self.is_fitting = -(-n // self.batch_size), True
        with closing(by_turns(self._fit, self._note_stuck)) as scores:
            for score in scores:
                if score is None:
                    yield None
                    continue
                n_steps, n_images, told = n_steps + 1, n_images + score.n, told + score
                is_short = told.n * SCORES_PER_EPOCH < n and expected > SCORES_PER_EPOCH
                is_due = not is_short or n_images >= n
                yield Part(n_steps <= expected, score, told if is_due else None)
                told = Score() if is_due else told
        self.is_fitting = False
        if n_steps < expected:  # none led to the last of the steps
            self._watch.score = Score()
            yield from [Part(is_step=True)] * (expected - n_steps)

    def batch_scoring(self, *_: Any) -> Generator[None, None, Sequence[Score]]:
        (X, d), first = self._watch.batch, self._watch.score
        if not first.n:
            return ()
        y = yield from self._outputs(self._twin(), X)
        return first, score_outputs(y.T, d.T, d.argmax(axis=0), self.config.loss).penalised(self._penalty)

    def scoring(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64]
    ) -> Generator[None, None, ScoredSet]:
        twin, n, n_classes = self._twin(), len(labels), self._dataset.n_classes
        Y = np.empty((n, n_classes), np.float32)
        rows = images.reshape(n, -1)
        for start in range(0, n, _ROWS):
            X = np.divide(rows[start : start + _ROWS].T, np.float32(255), dtype=np.float32)
            y = yield from self._outputs(twin, X)
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
        """Return an unwatched copy, so that the state `fit` keeps from its last pass is not overwritten."""
        made = deepcopy(self._made)
        made.__class__ = self._own.made_by
        return made

    def _fit(self, emit: Callable[[Score], None]) -> None:
        """Train an epoch; call `emit` with the score of each mini-batch."""
        if self._columns is None:
            # A copy that `fit` may write to: some shuffle in place.
            self._columns = float_columns(self._dataset), np.array(self._dataset.Y_train)
        self._watch.emit, config = emit, self.config
        options = {"reduction": config.reduction} if self._watch.fit_reduces else {}
        with self._own.told("fit"), np.errstate(all="ignore"):
            self._made.fit(*self._columns, config.batch_size, 1, config.learning_rate, **options)

    def _outputs(self, twin: Any, X: NDArray[Any]) -> Generator[None, None, NDArray[Any]]:
        """Return the outputs of `forward`, computed in a thread that can be abandoned: it may never end."""

        def work(emit: Callable[[Any], None]) -> None:
            with self._own.told("forward"), np.errstate(all="ignore"):
                emit(np.asarray(twin.forward(X)))

        with closing(by_turns(work, self._note_stuck)) as found:
            while (y := next(found)) is None:
                yield
            given: NDArray[Any] = y
            return given

    def _note_stuck(self) -> None:
        self.stuck = (
            f"Stopped, but code of {self._own.name} is still running. "
            "If it never returns, only restarting the kernel ends it."
        )
        _log.warning(self.stuck)


class _Watch:
    """Records each mini-batch of a network, and divides the rate if the gradient is to be a mean."""

    def __init__(self, own: OwnClass, config: TrainingConfig) -> None:
        self.own, self.loss_name = own, config.loss
        self.fit_reduces = "reduction" in signature(own.made_by.fit).parameters
        takes_mean = "optimizer" in own.keywords and OPTIMIZERS[config.optimizer].is_scale_free
        self.divides = config.reduction == "mean" and not self.fit_reduces and not takes_mean
        self.emit: Callable[[Score], None] = lambda _score: None
        self.outputs: NDArray[Any] | None = None  # of the newest forward pass
        self.batch: tuple[NDArray[Any], NDArray[Any]] = np.empty((0, 0)), np.empty((0, 0))
        self.score = Score()

    def arguments(self, *arguments: Any, **options: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments to call `train_iteration` with, given those from `fit`."""
        if not self.divides:
            return arguments, options
        bound = signature(self.own.made_by.train_iteration).bind(*arguments, **options)
        bound.apply_defaults()
        if len(bound.arguments) < 4:
            words = "takes no learning rate, so its step can't be divided by the images"
            raise OwnNetworkError(f"{self.own.name}.train_iteration {words}")
        _, X, _, rate = [*bound.arguments][:4]
        bound.arguments[rate] /= max(1, bound.arguments[X].shape[1])
        return bound.args, bound.kwargs

    def hear(self, network: Any, X: NDArray[Any], d: NDArray[Any], loss: Any) -> None:
        """Emit the score of a mini-batch after its step."""
        _leave_if_abandoned()
        y = self.outputs
        if y is None:  # it used no `forward`: use the outputs after the step
            y = np.asarray(self.own.made_by.forward(network, X))
        d = np.asarray(d)
        n = d.shape[-1]
        hits = int(np.count_nonzero(y.argmax(axis=0) == d.argmax(axis=0))) if y.shape == d.shape and n else 0
        if loss is None:
            loss = LOSSES[self.loss_name](y, d)
        elif np.size(loss) != 1:
            found = f"shape {np.shape(loss)}" if np.size(loss) else type(loss).__name__
            name = f"{self.own.name}.train_iteration"
            raise OwnNetworkError(f"{name} returned {found}; expected one number, the loss")
        self.batch, self.score = (X, d), Score(n, hits, float(np.asarray(loss).item()))
        self.emit(self.score)


def watched(cls: type[Any], watch: _Watch) -> type[Any]:
    """Return a subclass of `cls` that reports each mini-batch to `watch`."""

    def forward(self: Any, *arguments: Any, **options: Any) -> Any:
        _leave_if_abandoned()
        y = cls.forward(self, *arguments, **options)
        watch.outputs = np.asarray(y)
        return y

    def train_iteration(self: Any, *arguments: Any, **options: Any) -> Any:
        watch.outputs = None
        given, named = watch.arguments(self, *arguments, **options)
        loss = cls.train_iteration(*given, **named)
        X, d = _batch(cls.train_iteration, self, *arguments, **options)
        watch.hear(self, X, d, loss)
        return loss

    names = {"__slots__": (), "__module__": cls.__module__, "__qualname__": cls.__qualname__}
    methods = {"forward": forward, "train_iteration": train_iteration}
    return type(cls.__name__, (cls,), names | methods)


def _batch(train_iteration: Any, network: Any, *arguments: Any, **options: Any) -> tuple[Any, ...]:
    """Return the inputs and targets of a call; as keywords they may come in any order."""
    if len(arguments) < 2:
        with suppress(TypeError, ValueError):  # it has no signature
            bound = signature(train_iteration).bind(network, *arguments, **options)
            packed = Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD
            if all(bound.signature.parameters[name].kind not in packed for name in bound.arguments):
                return tuple(bound.arguments.values())[1:3]
    return (*arguments, *options.values())[:2]


class _LeftError(BaseException):
    """The code runs in a thread that was abandoned."""


class _Turns(Thread):
    """A thread that runs in turn with its consumer."""

    is_left = False


def _leave_if_abandoned() -> None:
    thread = current_thread()
    if isinstance(thread, _Turns) and thread.is_left:
        raise _LeftError


def by_turns(
    work: Callable[[Callable[[Any], None]], object], on_stuck: Callable[[], object] = lambda: None
) -> Generator[Any, None, None]:
    """Run ``work(emit)`` in a thread, which blocks after each value, and yield them; None while one is computed.

    Closing the generator ends the thread at its next value; if it goes on, it is abandoned, and `on_stuck` called.
    """
    emitted: SimpleQueue[tuple[str, Any]] = SimpleQueue()
    asked = Semaphore(0)

    def emit(value: Any) -> None:
        emitted.put(("value", value))
        asked.acquire()
        _leave_if_abandoned()

    def go() -> None:
        try:
            work(emit)
            emitted.put(("end", None))
        except _LeftError:
            return  # frees its frames, with all that `fit` has copied
        except BaseException as error:  # noqa: BLE001  # raised again in the consumer
            emitted.put(("error", error))

    thread = _Turns(target=go, name="explorer-own-fit", daemon=True)
    thread.start()
    try:
        while True:
            try:
                kind, value = emitted.get(timeout=_LOOK_SECONDS)
            except Empty:
                yield None
                continue
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value
            asked.release()
    finally:
        thread.is_left = True
        asked.release()
        thread.join(_STUCK_SECONDS)
        if thread.is_alive():
            on_stuck()
