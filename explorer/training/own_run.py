"""Training by a user-defined `fit`, as a run like any other: it can be watched, paused, stepped and stopped."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from copy import deepcopy
from inspect import Parameter, signature
from queue import Empty, SimpleQueue
from threading import Semaphore, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.engine import Score, ScoredSet, score_outputs
from explorer.network import LOSSES, OPTIMIZERS, NeuralNetwork, confusion_matrix
from explorer.training.config import TrainingConfig
from explorer.training.own_network import OwnClass, OwnNetworkError, float_columns, recognised
from explorer.training.records import BatchRecord
from explorer.training.run import DivergedError, Event, TrainingRun

_ROWS = 512  # images scored at a time
_SCORES_PER_EPOCH = 20
_LOOK_SECONDS = 0.05  # how long a mini-batch may delay a stop


class OwnRun(TrainingRun):
    """Training of a user-defined network by its own `fit`.

    Each epoch is one call ``fit(X, d, batch_size, 1, lr)``, which advances only while the run is iterated. A
    mini-batch's record has the loss that `train_iteration` returns and the accuracy of the outputs of `forward`.
    A `fit` that doesn't call `train_iteration` gives no records within an epoch.

    The run's own config names the functions that the class chooses itself, if they can be identified. Any
    exception from the class, here or during training, is raised as an `OwnNetworkError`.
    """

    def __init__(self, own: OwnClass, config: TrainingConfig, dataset: Dataset) -> None:
        self.own: OwnClass = own
        super().__init__(own.without_ours(config), dataset)

    def _prepare(self) -> None:
        self._watch = watch = _Watch(self.own, self.config)
        made = self.own.make(self.config, self.dataset)
        self.config = recognised(self.own, made, self.config, self.dataset)
        watch.loss_name = self.config.loss
        self._made = made
        made.__class__ = telling(self.own.made_by, watch)
        self._told_until = 0.0  # epochs, by the newest record
        self._is_fitting = False  # whether a `fit` is in progress, in its thread
        self._columns: tuple[NDArray[Any], NDArray[Any]] | None = None
        self.first_weights = self._weights()

    @property
    def epoch(self) -> float:
        """Epochs so far, the current one by its share of mini-batches."""
        return self.step / self.steps_per_epoch

    def new_network(self) -> NeuralNetwork:
        """Return another instance of the class, with initial weights of its own."""
        return self.own.network(self.config, self.dataset)

    def _batch_scores(self, *_: Any) -> list[Score] | None:
        (X, d), first = self._watch.batch, self._watch.score
        if not first.n:
            return None
        with self.own.told("forward"), np.errstate(all="ignore"):
            y = np.asarray(self._twin().forward(X))
        return [first, score_outputs(y.T, d.T, d.argmax(axis=0), self.config.loss).penalised(self._penalty)]

    def leave(self) -> None:
        """Stop the `fit` in progress and its thread; continuing restarts the epoch."""
        if self._is_fitting:
            self._events.close()
            self._is_fitting = self.is_within = False

    def _twin(self) -> Any:
        """Return an unwatched copy, so that the state `fit` keeps from its last pass is not overwritten."""
        made = deepcopy(self._made)
        made.__class__ = self.own.made_by
        return made

    def _weights(self) -> tuple[NDArray[np.floating], ...]:
        data = self.dataset
        return self.own.weights(self._made, (data.n_inputs, *self.config.hidden_sizes, data.n_classes))

    def _weights_bytes(self) -> int:
        return sum(array.nbytes for array in self._weights())

    @property
    def _rate_in_use(self) -> float:
        return self.config.learning_rate

    def _settled(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _fit(self, emit: Callable[[Score], None]) -> None:
        """Train an epoch; call `emit` with the score of each mini-batch."""
        if self._columns is None:
            # A copy that `fit` may write to: some shuffle in place.
            self._columns = float_columns(self.dataset), np.array(self.dataset.Y_train)
        self._watch.emit, config = emit, self.config
        options = {"reduction": config.reduction} if self._watch.fit_reduces else {}
        with self.own.told("fit"), np.errstate(all="ignore"):
            self._made.fit(*self._columns, config.batch_size, 1, config.learning_rate, **options)

    def _descend(self, number: int) -> Generator[Event, None, Score]:
        n, last = self.n_samples, number * self.steps_per_epoch
        whole, told = Score(), Score()
        self.step, self._is_fitting = last - self.steps_per_epoch, True
        with closing(by_turns(self._fit)) as scores:
            for score in scores:
                self.is_within = score is None
                if score is None:
                    yield None
                    continue
                self.step = min(self.step + 1, last)
                whole, told = whole + score, told + score
                if not math.isfinite(whole.loss):
                    raise DivergedError(number)
                is_short = told.n * _SCORES_PER_EPOCH < n and self.steps_per_epoch > _SCORES_PER_EPOCH
                if is_short and whole.n < n:
                    yield None
                    continue
                epoch = number - 1 + min(1.0, whole.n / n)
                if epoch > self._told_until:  # unless the epoch has restarted
                    self._told_until = epoch
                    rate = self.config.learning_rate
                    yield BatchRecord(epoch, self.step, told.mean_loss, told.accuracy, rate)
                told = Score()
        self._is_fitting = self.is_within = False
        if self.step < last:  # fewer mini-batches than expected: none led to this step
            self.step, self._watch.score = last, Score()
        if whole.n:
            return whole
        return (yield from self._scoring("train")).score

    def _outputs(self, twin: Any, X: NDArray[Any]) -> Generator[None, None, NDArray[Any]]:
        """Return the outputs of `forward`, computed in a thread that can be abandoned: it may never end."""

        def work(emit: Callable[[Any], None]) -> None:
            with self.own.told("forward"), np.errstate(all="ignore"):
                emit(np.asarray(twin.forward(X)))

        with closing(by_turns(work)) as found:
            while (y := next(found)) is None:
                yield
            given: NDArray[Any] = y
            return given

    def _score(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64]
    ) -> Generator[None, None, ScoredSet]:
        twin, n, n_classes = self._twin(), len(labels), self.dataset.n_classes
        Y = np.empty((n, n_classes), np.float32)
        rows = images.reshape(n, -1)
        for start in range(0, n, _ROWS):
            X = np.divide(rows[start : start + _ROWS].T, np.float32(255), dtype=np.float32)
            y = yield from self._outputs(twin, X)
            if y.shape != (n_classes, X.shape[1]):
                expected = f"({n_classes}, {X.shape[1]})"
                raise OwnNetworkError(
                    f"{self.own.name}.forward returned shape {y.shape}; expected {expected}"
                )
            Y[start : start + _ROWS] = y.T
            yield
        confusion = confusion_matrix(labels, Y.argmax(axis=1), n_classes)
        targets = np.eye(n_classes, dtype=np.float32)[labels]
        Y.flags.writeable = confusion.flags.writeable = False
        score = score_outputs(Y, targets, labels, self.config.loss).penalised(self._penalty)
        return ScoredSet(score, Y.T, confusion)

    @property
    def _penalty(self) -> float:
        """The penalty in each sample's loss as `train_iteration` returns it; 0 unless the class inherits ours."""
        return self._made.penalty if isinstance(self._made, NeuralNetwork) else 0.0


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
            raise OwnNetworkError(
                f"{self.own.name}.train_iteration returned {found}; expected one number, the loss"
            )
        self.batch, self.score = (X, d), Score(n, hits, float(np.asarray(loss).item()))
        self.emit(self.score)


def telling(cls: type[Any], watch: _Watch) -> type[Any]:
    """Return a subclass of `cls` that reports each mini-batch to `watch`."""

    def forward(self: Any, *arguments: Any, **options: Any) -> Any:
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
    made: type[Any] = type(
        cls.__name__, (cls,), {**names, "forward": forward, "train_iteration": train_iteration}
    )
    return made


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
    """The generator was closed."""


def by_turns(work: Callable[[Callable[[Any], None]], object]) -> Generator[Any, None, None]:
    """Run ``work(emit)`` in a thread and yield each value it emits; it blocks until the next one is requested.

    While a value is being computed, None is yielded twenty times a second. Closing the generator stops the thread,
    with an asynchronous exception if it is stuck in user code.
    """
    emitted: SimpleQueue[tuple[str, Any]] = SimpleQueue()
    asked, is_left = Semaphore(0), False

    def emit(value: Any) -> None:
        if not is_left:
            emitted.put(("value", value))
            asked.acquire()
        if is_left:
            raise _LeftError

    def go() -> None:
        try:
            work(emit)
            emitted.put(("end", None))
        except _LeftError:
            return  # frees its frames, with all that `fit` has copied
        except BaseException as error:  # noqa: BLE001  # raised again in the consumer
            emitted.put(("error", error))

    thread = Thread(target=go, name="explorer-own-fit", daemon=True)
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
        is_left = True
        asked.release()
        thread.join(_LOOK_SECONDS)
        if thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_LeftError)
            )
