"""The training loop, as an iterator of records: its consumer stops iterating to pause, and closes it to stop."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Generator, Iterable, Iterator
from contextvars import Context
from time import perf_counter
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.engine import Score, ScoredSet
from explorer.network import NeuralNetwork
from explorer.training.config import TrainingConfig
from explorer.training.fields import Change, ConfigError
from explorer.training.learners import (
    BatchSettings,
    EarlyStopping,
    EngineLearner,
    Learner,
    Sample,
    Weights,
    finished,
)
from explorer.training.process_settings import one_blas_thread
from explorer.training.records import (
    BatchRecord,
    BatchStep,
    EpochRecord,
    Evaluation,
    History,
    RivalRecord,
    RunEnd,
    SampleRecord,
    Snapshot,
)
from explorer.training.turns import n_cores
from explorer.wording import grouped

if TYPE_CHECKING:
    from explorer.training.own_network import OwnClass

RunRecord = BatchRecord | EpochRecord | SampleRecord | Snapshot | Change | RivalRecord
Event = RunRecord | None


class DivergedError(ArithmeticError):
    """The loss became infinite or NaN in an epoch, 1 for the first; earlier records remain valid."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        super().__init__(f"the loss has not been a number since epoch {epoch}")


def train(config: TrainingConfig, dataset: Dataset) -> Iterator[EpochRecord]:
    """Train a new network and yield the record of each epoch as it ends.

    The records are identical for equal settings and data, to the bit, apart from `seconds`. From the first to the
    last, BLAS uses one thread in the whole process, even while none is being requested; closing the iterator ends
    that early.

    Raises `ConfigError` if the config asks for more training samples than the dataset has, `DivergedError` if the
    loss becomes infinite or NaN.
    """
    with one_blas_thread():
        for event in TrainingRun(config, dataset):
            if isinstance(event, EpochRecord):
                yield event


def check_images(config: TrainingConfig, dataset: Dataset) -> None:
    """Raise `ConfigError` if a config needs more training or validation images than the data set has."""
    available = len(dataset.train_labels)
    if config.n_train is not None and config.n_train > available:
        expected = f"a whole number up to {grouped(available)}, the training images of {dataset.name}"
        raise ConfigError("n_train", config.n_train, expected)
    most = 9 * (config.n_train or available) // 10
    if config.n_validation > most:
        expected = f"a whole number up to {grouped(most)}, 9 of 10 training images in use"
        raise ConfigError("n_validation", config.n_validation, expected)


class TrainingRun:
    """Training of one network.

    Iterating trains up to the config's number of epochs and yields, in this order:

    - None after each mini-batch, or part of a large one, that gives no record, and while the test set is scored;
    - a `BatchRecord` after each mini-batch, or after each stretch of them if an epoch has more than 20;
    - with `samples`, a `SampleRecord` at steps 0, 1, 2, 4, 8, … of the first epoch;
    - an `EpochRecord`, then a `Snapshot`, at the end of each epoch.

    Iteration can be suspended at any time and resumed later. After `extend` it continues with more epochs, and
    gives the same records as a longer run. Raises `ConfigError` if the data set has too few training samples.

    Parameters
    ----------
    own : OwnClass, optional
        A user's class to train, as `OwnLearner` does. The config then names its functions. Its exceptions, here or
        in training, are raised as `OwnNetworkError`.
    start : Snapshot, optional
        Another run's network at the end of an epoch, to continue from as if this run had trained it, with the same
        order of samples. But the optimizer starts without state: with momentum, say, the first steps are smaller.
        Raises `ConfigError` if the config has fewer epochs, `ValueError` if it describes another network.
    n_threads : {1, 2}, optional
        Threads that share the work of a large network, without changing any number; by default one per core.
    samples : bool
        Whether to score a sample of the test set within the first epoch: no other record changes.
    """

    def __init__(
        self,
        config: TrainingConfig,
        dataset: Dataset,
        *,
        own: OwnClass | None = None,
        start: Snapshot | None = None,
        n_threads: int | None = None,
        samples: bool = False,
    ) -> None:
        check_images(config, dataset)
        used = dataset if config.n_train is None else dataset.head(config.n_train)
        self.dataset = used.hold_out(config.n_validation, config.seed)
        self.own = own
        self.first_weights: tuple[NDArray[np.floating], ...] | None = None
        """The initial weights; None if the settings determine them."""
        self._learner: Learner
        if own is None:
            self._learner = EngineLearner(config, self.dataset, min(n_threads or n_cores(), 2))
        else:
            self._learner = learner = own.learner(config, self.dataset)
            config, self.first_weights = learner.config, learner.weights()
        self._settings = BatchSettings(config, self._learner, self.dataset.n_train)
        self._stopping = EarlyStopping()
        self._sample = Sample(self.dataset, config.seed) if samples else None
        self._scored: ScoredSet | None = None  # the test set, while the weights are those of an epoch's end
        self._trained = 0  # images of the current epoch
        self._newest = 0, 0  # where in the epoch the newest mini-batch begins and ends
        self.error: DivergedError | None = None
        """The error that ended the run; it then has no exact figures, and `evaluate` raises it."""
        self.step = 0
        """Updates of the weights so far; those of the epochs before a fork count as its own."""
        self.first_epoch = 0  # when it starts: the epochs of the run that it continues
        if start is not None:
            self._go_on_from(start)
        self._epochs_done = self.first_epoch
        self._seconds = self._resumed = 0.0  # spent in iterations; when the current one began
        self._events: Generator[Event, None, None] = self._train()
        # Overflow shows in the records. NumPy's error state belongs to the context, and running in our own context
        # takes a tenth of the time of an `np.errstate`, which matters when a mini-batch is a single sample.
        self._quiet = Context()
        self._quiet.run(np.seterr, all="ignore")

    @property
    def config(self) -> TrainingConfig:
        """The settings, with the changes made so far."""
        return self._settings.config

    @property
    def network(self) -> NeuralNetwork:
        """A copy of the current network, as a `NeuralNetwork`."""
        return self._learner.network(self.weights())

    def weights(self) -> tuple[NDArray[np.floating], ...]:
        """Return a read-only copy of the current weights, ``(W1, b1, W2, b2, …)``."""
        with self._learner.settled():
            return self._learner.weights()

    def set_weights(self, weights: Weights) -> None:
        """Continue with other weights, ``(W1, b1, W2, b2, …)``; `ValueError` if they don't fit this network."""
        self._learner.set_weights(weights)
        self._scored = None

    def __iter__(self) -> Iterator[Event]:
        if inspect.getgeneratorstate(self._events) == inspect.GEN_CLOSED:
            self._events = self._train()
        return self

    def __next__(self) -> Event:
        self._resumed = perf_counter()
        try:
            return self._quiet.run(next, self._events)
        finally:
            self._seconds += perf_counter() - self._resumed

    @property
    def entries(self) -> tuple[TrainingRun, ...]:
        """The run itself; in a race, the run of every entry."""
        return (self,)

    @property
    def is_complete(self) -> bool:
        """Whether all epochs of the config have ended, or the run was stopped early."""
        last = self._stopping.replaced
        return self.is_stopped_early or (last.epoch if last else self._epochs_done) >= self.config.epochs

    @property
    def is_stopped_early(self) -> bool:
        """Whether `patience` epochs have passed without a lower validation loss."""
        return self._stopping.is_early(self.config)

    @property
    def end_reason(self) -> str:
        """A sentence on the final weights if they are not those of the last epoch; else empty."""
        is_early = self.is_stopped_early
        return restored_words(self._epochs_done, is_early=is_early) if self._stopping.replaced else ""

    @property
    def steps_per_epoch(self) -> int:
        """Mini-batches in an epoch with the current batch size."""
        return -(-self.dataset.n_train // self._settings.batch_size)

    @property
    def epoch(self) -> float:
        """Epochs so far, the current one by its share of images."""
        return self._epochs_done + self._trained / self.dataset.n_train

    @property
    def position(self) -> tuple[float, bool]:
        """Epochs so far, and whether no epoch is in progress: how far the run is, compared with another."""
        return self.epoch, self._trained == 0

    def ends_epoch(self, event: Event) -> bool:
        """Return whether the run ends an epoch with this event."""
        return isinstance(event, Snapshot)

    def close(self) -> None:
        """End the run for good; a run that is not closed before its end keeps its memory."""
        self._events.close()  # a cycle: the frames refer to the run, and the run to them

    def extend(self, epochs: int) -> None:
        """Raise the number of epochs; further iteration trains them."""
        self._settings.extend(epochs)

    def change(self, learning_rate: float, batch_size: int) -> None:
        """Use others from the next mini-batch on, and yield a `Change`; `ConfigError` if invalid or too many."""
        self._settings.request(learning_rate, batch_size)

    @overload
    def evaluate(self) -> Evaluation: ...
    @overload
    def evaluate(self, goes_on: Callable[[], bool]) -> Evaluation | None: ...
    def evaluate(self, goes_on: Callable[[], bool] = lambda: True) -> Evaluation | None:
        """Compute exact figures over the training and test set; None if `goes_on`, asked in between, is False."""
        if self.error is not None:
            raise self.error
        return finished(self._evaluating(), goes_on)

    def _evaluating(self) -> Generator[None, None, Evaluation]:
        with self._learner.settled():
            on_train = yield from self._on_train()
            yield
            on_test = yield from self._on_test()
            losses = on_train.score.mean_loss, on_test.score.mean_loss
            accuracies = on_train.score.accuracy, on_test.score.accuracy
            snapshot = Snapshot(self.epoch, self._learner.weights(), on_test.outputs)
            return Evaluation(self.epoch, self.step, *losses, *accuracies, on_test.confusion, snapshot)

    def _on_train(self) -> Generator[None, None, ScoredSet]:
        return self._learner.scoring(self.dataset.train_images, self.dataset.train_labels)

    def _on_test(self) -> Generator[None, None, ScoredSet]:
        scoring = self._learner.scoring(self.dataset.test_images, self.dataset.test_labels)
        return self._scored or (yield from scoring)

    def batch_step(self, before: Weights, goes_on: Callable[[], bool] = lambda: True) -> BatchStep | None:
        """Measure the effect of the newest mini-batch, given the weights before it; `goes_on` as in `evaluate`."""
        after = self.weights()
        scores = finished(self._learner.batch_scoring(slice(*self._newest), before, after), goes_on)
        if not scores:
            return None
        first, second = scores
        # Some users' classes have no known weights, and the weights of a file may all be 0.
        moved = _length(np.subtract(a, b) for a, b in zip(after, before, strict=True))
        return BatchStep(
            step=self.step,
            n_images=first.n,
            train_loss=first.mean_loss,
            train_accuracy=first.accuracy,
            loss_after=second.mean_loss,
            accuracy_after=second.accuracy,
            moved=moved / (_length(before) or math.nan) if after else math.nan,
        )

    def snapshot(self) -> Snapshot:
        """Return a read-only copy of the current network, with its outputs for the test set."""
        with self._learner.settled():
            return Snapshot(self.epoch, self._learner.weights(), finished(self._on_test()).outputs)

    def _go_on_from(self, start: Snapshot) -> None:
        if start.epoch != int(start.epoch):
            raise ValueError(f"start is at epoch {start.epoch}; a run goes on from the end of an epoch only")
        self.first_epoch = int(start.epoch)
        if self.config.epochs < self.first_epoch:
            expected = f"a whole number of at least {self.first_epoch}, the epochs already trained"
            raise ConfigError("epochs", self.config.epochs, expected)
        self.set_weights(start.weights)
        self.step = self.config.steps_at_ends(self.dataset.n_train)[self.first_epoch]
        self._settings.adopt(self.config.at_step(self.step))
        self._learner.skip(self.first_epoch)

    def _train(self) -> Generator[Event, None, None]:
        while not self.is_complete:
            if (last := self._stopping.replaced) is not None:  # it was extended
                self.set_weights(last.weights)
                self._epochs_done, self._stopping.replaced = int(last.epoch), None
            number, started = self._epochs_done + 1, self._clock()
            whole = yield from self._descend(number)
            on_test = yield from self._on_test()
            self._check_finite(on_test.score, number)
            self._epochs_done, self._trained = number, 0
            seconds = self._clock() - started
            losses = whole.mean_loss, on_test.score.mean_loss
            accuracies, rate = (whole.accuracy, on_test.score.accuracy), self._learner.learning_rate
            record = EpochRecord(number, *losses, *accuracies, seconds, on_test.confusion, rate)
            snapshot = Snapshot(number, self._learner.weights(), on_test.outputs)
            self._scored = on_test
            yield record
            yield snapshot
            if best := self._stopping.restored(snapshot, on_test, self.config):
                self.set_weights(best.weights)
                self._epochs_done = int(best.epoch)

    def _descend(self, number: int) -> Generator[Event, None, Score]:
        """Train an epoch and return the sums over its images, each measured before its update."""
        n, whole, seen = self.dataset.n_train, Score(), 0
        learner, settings, sample = self._learner, self._settings, self._sample if number == 1 else None
        self._trained, self._scored = 0, None
        if sample is not None:
            yield self._sampled(sample)
        if not settings.is_steady:
            yield from settings.before_batch(number, self.step, 0)
        rate = learner.learning_rate
        while self._trained < n:
            size, scores_each = learner.batch_size, learner.scores_each
            for part in learner.epoch(number, self._trained):
                if part.is_step:
                    stop = min(self._trained + size, n)
                    self._newest, self._trained = (self._trained, stop), stop
                    self.step += 1
                    rate = rate if settings.is_steady else learner.learning_rate
                if part.score is not None:
                    whole += part.score
                    self._check_finite(whole, number)
                record = None
                if (point := part.batch if scores_each else part.score) is not None:
                    seen += point.n
                    at = number - 1 + min(1.0, seen / n)
                    record = BatchRecord(at, self.step, point.mean_loss, point.accuracy, rate)
                yield record
                if part.is_step and self._trained < n:
                    # A user's `fit` is over already; its parts have no score.
                    is_due = not self.step & (self.step - 1) and (part.score or self.own is None)
                    if sample is not None and is_due:
                        yield self._sampled(sample)
                    if not settings.is_steady:
                        yield from settings.before_batch(number, self.step, self._trained)
        if whole.n:
            return whole
        return (yield from self._on_train()).score  # a user's `fit` has trained on no mini-batch

    def _sampled(self, sample: Sample) -> SampleRecord:
        began, learner = perf_counter(), self._learner
        with learner.settled():
            record = sample.record(learner.scoring, learner.weights(), self.epoch, self.step)
        self._seconds -= perf_counter() - began  # not part of the epoch's `seconds`
        return record

    def _clock(self) -> float:
        """Return the seconds spent in iterations, within the current one too."""
        return self._seconds + perf_counter() - self._resumed

    def _check_finite(self, score: Score, epoch: int) -> None:
        if not math.isfinite(score.loss):
            self.error = DivergedError(epoch)
            raise self.error


def complete(
    run: TrainingRun,
    show: Callable[[Event], object] = lambda event: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> History:
    """Train a run to its end, or until `is_stopped()`, and return its records; `show` gets each event."""
    records: list[BatchRecord | EpochRecord | RunEnd] = []
    with one_blas_thread():
        try:
            for event in run:
                if isinstance(event, EpochRecord | BatchRecord):
                    records.append(event)
                show(event)
                if is_stopped() and run.epoch < run.config.epochs:
                    break
        except DivergedError as error:
            end = RunEnd("failed", f"{error}.", error=error)
        else:
            final = run.evaluate()
            stopped_in = math.floor(run.epoch) + 1
            end = RunEnd("stopped", f"Stopped in epoch {stopped_in} of {run.config.epochs}.", final)
            if run.is_complete:
                end = RunEnd("finished", run.end_reason, final)
    return History(run.config).followed_by(*records, end)


def restored_words(epoch: int, *, is_early: bool) -> str:
    """Return a sentence that the weights of `epoch` were restored when the run ended."""
    words = f"The validation loss was lowest after epoch {epoch}, whose weights are back."
    return f"Stopped early: t{words[1:]}" if is_early else words


def _length(arrays: Iterable[NDArray[np.floating]]) -> float:
    """Return the Euclidean norm of all numbers in the arrays together."""
    return math.sqrt(sum(float(np.vdot(array, array)) for array in arrays))
