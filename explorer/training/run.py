"""The training loop over epochs and mini-batches, as an iterator of records.

The loop calls nothing back. The consumer controls it: stop iterating to pause, close it to stop.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from contextvars import Context
from threading import Lock
from time import perf_counter
from typing import Literal, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.engine import AugmentedImages, MiniBatches, Model, Score, ScoredSet, Scorer
from explorer.network import NeuralNetwork
from explorer.network.schedules import rate_factor
from explorer.training.config import TrainingConfig
from explorer.training.fields import MOST_CHANGES, Change, ConfigError
from explorer.training.own_network import NETWORK_SETTINGS, OwnClass
from explorer.training.process_settings import one_blas_thread, small_product
from explorer.training.records import BatchRecord, BatchStep, EpochRecord, Evaluation, RivalRecord, Snapshot
from explorer.training.share import n_cores
from explorer.wording import grouped

_Found = TypeVar("_Found")

Event = BatchRecord | EpochRecord | Snapshot | Change | RivalRecord | None


class DivergedError(ArithmeticError):
    """The loss became infinite or NaN in an epoch, 1 for the first; earlier records remain valid."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        super().__init__(f"the loss has not been a number since epoch {epoch}")


def train(config: TrainingConfig, dataset: Dataset) -> Iterator[EpochRecord]:
    """Train a new network and yield the record of each epoch as it ends.

    Parameters
    ----------
    config : TrainingConfig
        The settings.
    dataset : Dataset
        The images and labels.

    Yields
    ------
    EpochRecord
        Identical for equal settings and data, to the bit, apart from `seconds`.

    Raises
    ------
    ConfigError
        If the config asks for more training samples than the dataset has.
    DivergedError
        If the loss becomes infinite or NaN.

    Notes
    -----
    From the first record to the last, BLAS uses one thread in the whole process, even while no record is being
    requested. Closing the iterator ends that early.
    """
    with one_blas_thread():
        for event in TrainingRun(config, dataset):
            if isinstance(event, EpochRecord):
                yield event


def new_network(config: TrainingConfig, dataset: Dataset) -> NeuralNetwork:
    """Return a network for the data set with the config's sizes and settings, freshly initialised."""
    settings = {name: getattr(config, name) for name in NETWORK_SETTINGS}
    return NeuralNetwork(dataset.n_inputs, config.hidden_sizes, dataset.n_classes, **settings)


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
    - an `EpochRecord`, then a `Snapshot`, at the end of each epoch.

    Iteration can be suspended at any time and resumed later. After `extend` it continues with more epochs, and
    gives the same records as a longer run.

    Parameters
    ----------
    config : TrainingConfig
        The settings. Raises `ConfigError` if they need more training samples than there are.
    dataset : Dataset
        The images and labels.
    start : Snapshot, optional
        Another run's network at the end of an epoch, to continue from as if this run had trained it: the samples
        are shuffled as they would have been, so the same settings repeat that run. But the optimizer starts
        without state: with momentum, say, the first steps are smaller than in that run. Raises
        `ConfigError` if the config has fewer epochs, `ValueError` if it describes another network.
    n_threads : {1, 2}, optional
        Threads that share the work of a large network, without changing any number; by default one per core,
        at most 2.
    """

    own: OwnClass | None = None
    """The user's class that is trained instead of `NeuralNetwork`, or None."""
    is_within = False
    """Whether a mini-batch is in progress, so that the weights are partly updated and the run can't pause."""
    first_weights: tuple[NDArray[np.floating], ...] | None = None
    """The initial weights; None if the settings determine them."""
    rivals: tuple[TrainingRun, ...] = ()
    """The other runs of a race, iterated along with this one."""

    def __init__(
        self,
        config: TrainingConfig,
        dataset: Dataset,
        *,
        start: Snapshot | None = None,
        n_threads: int | None = None,
    ) -> None:
        check_images(config, dataset)
        self.config = config
        self._n_threads = min(n_threads or n_cores(), 2)
        used = dataset if config.n_train is None else dataset.head(config.n_train)
        self.dataset = used.hold_out(config.n_validation, config.seed)
        self.learning_rate, self.batch_size = config.learning_rate, config.batch_size
        self._wanted: tuple[float, int] | None = None  # from the next mini-batch on
        self._replacing = Lock()  # guards the config and the change requested by another thread
        self._is_steady = config.schedule == "constant" and not (config.warmup or config.changes)
        self._trained = 0  # images of the current epoch
        self._newest = 0, 0  # start and stop of the newest mini-batch in the order
        self._best: Snapshot | None = None
        self._best_loss = math.inf
        self._replaced: Snapshot | None = None  # of the last epoch, once the best weights are restored
        self._prepare()
        self.step = 0
        """Updates of the weights so far; those of the epochs before a fork count as its own."""
        self.first_epoch = 0
        """Epochs that the run has when it starts: those of the run that it continues."""
        if start is not None:
            self._go_on_from(start)
        self._epochs_done = self.first_epoch
        self._tested: tuple[Snapshot, ScoredSet] | None = None  # results at the end of the newest epoch
        self._rested = 0.0  # seconds, without the current rest
        self._rests_since: float | None = None
        self._events: Generator[Event, None, None] = self._train()
        # Overflow shows in the records. NumPy's error state belongs to the context, and running in our own context
        # takes a tenth of the time of an `np.errstate`, which matters when a mini-batch is a single sample.
        self._quiet = Context()
        self._quiet.run(np.seterr, all="ignore")

    def _prepare(self) -> None:
        config, network = self.config, self.new_network()
        self._rng = network.rng  # after the weights, it draws the order of the samples
        is_on = config.augmentation.is_on
        self._model = Model(network, small_product(), self._n_threads, None if is_on else self.dataset)
        self._augmented = None
        if is_on:
            images = self.dataset.train_images
            self._augmented = AugmentedImages(images, config.augmentation, config.seed)
        self._batches = MiniBatches(
            self._model,
            self.dataset,
            config.batch_size,
            config.learning_rate,
            config.reduction,
            seed=config.seed,
            take=None if self._augmented is None else self._augmented.take,
        )
        self._scorer = Scorer(self._model)
        self._order = np.arange(0)  # order of the samples in the newest epoch

    def new_network(self) -> NeuralNetwork:
        """Return a network with the config's settings, freshly initialised."""
        return new_network(self.config, self.dataset)

    @property
    def network(self) -> NeuralNetwork:
        """A copy of the current network, as a `NeuralNetwork`."""
        network = self.new_network()
        network.set_weights(self.weights())
        return network

    def set_weights(self, weights: Sequence[NDArray[np.floating]]) -> None:
        """Continue with other weights, ``(W1, b1, W2, b2, …)``; `ValueError` if they don't fit this network."""
        network = self.new_network()
        network.set_weights(weights)
        self._model.parameters.set_weights(network.parameters)

    def __iter__(self) -> Iterator[Event]:
        self.wake()
        if inspect.getgeneratorstate(self._events) == inspect.GEN_CLOSED:
            self._events = self._train()
        return self

    def __next__(self) -> Event:
        return self._quiet.run(next, self._events)

    @property
    def is_complete(self) -> bool:
        """Whether all epochs of the config have ended, or the run was stopped early."""
        return self.is_stopped_early or self._epochs_trained >= self.config.epochs

    @property
    def is_stopped_early(self) -> bool:
        """Whether `patience` epochs have passed without a lower validation loss."""
        best, last = self._best, self._replaced
        return bool(best and last and last.epoch - best.epoch >= self.config.patience)

    @property
    def _epochs_trained(self) -> int:
        return int(self._replaced.epoch) if self._replaced else self._epochs_done

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to train; in a race, by any entry."""
        return self.is_complete

    @property
    def end_reason(self) -> str:
        """A sentence on the final weights if they are not those of the last epoch; else empty."""
        return restored_words(self._epochs_done, is_early=self.is_stopped_early) if self._replaced else ""

    @property
    def n_samples(self) -> int:
        """Training samples in use."""
        return self.dataset.n_train

    @property
    def steps_per_epoch(self) -> int:
        """Mini-batches in an epoch with the current batch size."""
        return -(-self.n_samples // self.batch_size)

    @property
    def epoch(self) -> float:
        """Epochs so far, the current one by its share of images."""
        return self._epochs_done + self._trained / self.n_samples

    @property
    def is_between_epochs(self) -> bool:
        """Whether no epoch is in progress."""
        return self._trained == 0

    @property
    def snapshot_bytes(self) -> int:
        """Size of a `Snapshot` in bytes: the weights, and the outputs for the test set."""
        return self._weights_bytes() + 4 * self.dataset.n_classes * self.dataset.n_test

    def rest(self) -> None:
        """Stop the clock of the epoch's `seconds` until `wake` or the next iteration."""
        if self._rests_since is None:
            self._rests_since = perf_counter()

    def wake(self) -> None:
        """Restart the clock after a rest."""
        if self._rests_since is not None:
            self._rested += perf_counter() - self._rests_since
            self._rests_since = None

    @property
    def steps_of_all(self) -> int:
        """Mini-batches trained by the run; in a race, by every entry."""
        return self.step

    def ends_epoch(self, event: Event) -> bool:
        """Return whether the run ends an epoch with this event."""
        return isinstance(event, Snapshot)

    def close(self) -> None:
        """End the run for good; a run that is not closed before its end keeps its memory."""
        self._events.close()  # a cycle: the frames refer to the run, and the run to them
        for rival in self.rivals:
            rival.close()

    def leave(self) -> None:
        """Abandon a mini-batch in progress, if there may be no further iteration."""

    def extend(self, epochs: int) -> None:
        """Raise the number of epochs; further iteration trains them."""
        with self._replacing:
            self.config = self.config.replace(epochs=epochs)

    def change(self, learning_rate: float, batch_size: int) -> None:
        """Use another learning rate and batch size from the next mini-batch on.

        The run then yields a `Change` and adds it to its config. `ConfigError` for invalid values or too many.
        """
        with self._replacing:
            checked = self.config.replace(learning_rate=learning_rate, batch_size=batch_size)
            n = len(self.config.changes) + 1
            if n > MOST_CHANGES:
                raise ConfigError("changes", n, f"up to {MOST_CHANGES} changes of a run while it trains")
            self._wanted = checked.learning_rate, checked.batch_size

    @overload
    def evaluate(self) -> Evaluation: ...
    @overload
    def evaluate(self, goes_on: Callable[[], bool]) -> Evaluation | None: ...
    def evaluate(self, goes_on: Callable[[], bool] = lambda: True) -> Evaluation | None:
        """Compute exact figures of the current network over the whole training and test set.

        `goes_on` is called before each few hundred images; if it returns False, None is returned.
        """
        return _unless_left(self._evaluating(), goes_on)

    def weights(self) -> tuple[NDArray[np.floating], ...]:
        """Return a read-only copy of the current weights, ``(W1, b1, W2, b2, …)``."""
        with self._settled():
            return self._weights()

    def batch_step(
        self, before: Sequence[NDArray[np.floating]], goes_on: Callable[[], bool] = lambda: True
    ) -> BatchStep | None:
        """Measure the effect of the newest mini-batch, given the weights before it as returned by `weights`.

        `goes_on` is called before each few hundred images; if it returns False, None is returned.
        """
        after = self.weights()
        scores = self._batch_scores((before, after), goes_on)
        if scores is None:
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

    def _batch_scores(
        self, each: Sequence[Sequence[NDArray[np.floating]]], goes_on: Callable[[], bool]
    ) -> list[Score] | None:
        """Score the newest mini-batch with each of these weights; None if `goes_on` ended it."""
        chosen = self._order[slice(*self._newest)]
        batch = self.dataset.train_images[chosen], self.dataset.train_labels[chosen]
        scores = []
        for weights in each:
            network = self.new_network()
            network.set_weights(weights)
            scorer = Scorer(Model(network, small_product()))
            scored = _unless_left(scorer.scoring(*batch), goes_on)
            if scored is None:
                return None
            scores.append(scored.score)
        return scores

    def snapshot(self) -> Snapshot:
        """Return a read-only copy of the current network, with its outputs for the test set."""
        with self._settled():
            return Snapshot(self.epoch, self._weights(), _finished(self._testing()).outputs)

    def _go_on_from(self, start: Snapshot) -> None:
        if start.epoch != int(start.epoch):
            raise ValueError(f"start is at epoch {start.epoch}; a run goes on from the end of an epoch only")
        self.first_epoch = int(start.epoch)
        if self.config.epochs < self.first_epoch:
            expected = f"a whole number of at least {self.first_epoch}, the epochs already trained"
            raise ConfigError("epochs", self.config.epochs, expected)
        self.set_weights(start.weights)
        self.step = self.config.steps_at_ends(self.n_samples)[self.first_epoch]
        in_use = self.config.at_step(self.step)
        self._take(in_use.learning_rate, in_use.batch_size)
        for _ in range(self.first_epoch):
            self._rng.permutation(self.n_samples)

    def _train(self) -> Generator[Event, None, None]:
        while not self.is_complete:
            if self._replaced is not None:  # it was extended
                self.set_weights(self._replaced.weights)
                self._epochs_done, self._replaced = self._epochs_trained, None
            yield from self._epoch(self._epochs_done + 1)
            self._restore_best()

    def _restore_best(self) -> None:
        """After the last epoch, or `patience` epochs without a lower validation loss, restore the best weights.

        Prechelt 1998, "Early stopping – but when?".
        """
        snapshot, scored = self._tested or (None, None)
        if not (self.config.patience and self.config.n_validation) or snapshot is None or scored is None:
            return
        if scored.score.mean_loss < self._best_loss:
            self._best, self._best_loss = snapshot, scored.score.mean_loss
        best, last = self._best, self.config.epochs
        if best is None or best is snapshot:
            return
        if snapshot.epoch >= last or snapshot.epoch - best.epoch >= self.config.patience:
            self.set_weights(best.weights)
            self._epochs_done, self._replaced = int(best.epoch), snapshot

    def _epoch(self, number: int) -> Generator[Event, None, None]:
        started = perf_counter() - self._rested
        whole = yield from self._descend(number)
        on_test = yield from self._scoring("test")
        if not math.isfinite(on_test.score.loss):
            raise DivergedError(number)
        self._epochs_done, self._trained = number, 0
        record = EpochRecord(
            epoch=number,
            train_loss=whole.mean_loss,
            test_loss=on_test.score.mean_loss,
            train_accuracy=whole.accuracy,
            test_accuracy=on_test.score.accuracy,
            seconds=perf_counter() - self._rested - started,
            learning_rate=self._rate_in_use,
            confusion=on_test.confusion,
        )
        snapshot = Snapshot(number, self._weights(), on_test.outputs)
        self._tested = snapshot, on_test
        yield record
        yield snapshot

    def _descend(self, number: int) -> Generator[Event, None, Score]:
        """Train an epoch and return the sums over its images, each measured before its update."""
        n, whole, seen = self.n_samples, Score(), 0
        self._order, self._trained = self._rng.permutation(n), 0
        if self._augmented is not None:
            self._augmented.begin(number, self._order)
        yield from self._before_batch(number)
        rate = self._batches.learning_rate
        while self._trained < n:
            scores_each = self._batches.scores_each
            for part in self._batches.epoch(self._order, number, self._trained):
                if part.is_step:
                    stop = min(self._trained + self._batches.batch_size, n)
                    self._newest, self._trained = (self._trained, stop), stop
                    self.step += 1
                    rate = self._batches.learning_rate
                if part.score is not None:
                    whole += part.score
                    if not math.isfinite(whole.loss):
                        raise DivergedError(number)
                point = part.batch if scores_each else part.score
                if point is None:
                    yield None
                else:
                    seen += point.n
                    at = number - 1 + seen / n
                    yield BatchRecord(at, self.step, point.mean_loss, point.accuracy, rate)
                if part.is_step and self._trained < n:
                    yield from self._before_batch(number)
        return whole

    def _before_batch(self, number: int) -> Generator[Change, None, None]:
        """Set the learning rate and the batch size of the next mini-batch."""
        if self._is_steady and self._wanted is None:
            return
        for change in self.config.changes:
            if change.step == self.step and self._wanted is None:
                self._take(change.learning_rate, change.batch_size)
        if self._wanted is not None:
            with self._replacing:
                change, self._wanted = Change(self.step, *self._wanted), None
                before = tuple(one for one in self.config.changes if one.step < self.step)
                self.config = self.config.replace(changes=(*before, change))
            self._is_steady = False
            self._take(change.learning_rate, change.batch_size)
            yield change
        n, config = self.n_samples, self.config
        size = min(self.batch_size, n - self._trained)
        middle = number - 1 + (self._trained + size / 2) / n
        factor = rate_factor(config.schedule, middle, config.epochs, config.warmup)
        self._batches.learning_rate = self.learning_rate * factor

    def _take(self, learning_rate: float, batch_size: int) -> None:
        self.learning_rate = learning_rate
        if batch_size != self.batch_size:
            self.batch_size = batch_size
            self._batches = self._batches.resized(batch_size)

    def _weights(self) -> tuple[NDArray[np.floating], ...]:
        return self._model.parameters.weights()

    def _weights_bytes(self) -> int:
        return self._model.parameters.flat.nbytes

    @property
    def _rate_in_use(self) -> float:
        """The learning rate of the newest mini-batch."""
        return self._batches.learning_rate

    def _settled(self) -> AbstractContextManager[None]:
        """Return a context in which the weights are those after the last mini-batch."""
        return self._batches.settled()

    def _evaluating(self) -> Generator[None, None, Evaluation]:
        with self._settled():
            on_train = yield from self._scoring("train")
            yield
            on_test = yield from self._testing()
            return Evaluation(
                epoch=self.epoch,
                step=self.step,
                train_loss=on_train.score.mean_loss,
                test_loss=on_test.score.mean_loss,
                train_accuracy=on_train.score.accuracy,
                test_accuracy=on_test.score.accuracy,
                confusion=on_test.confusion,
                snapshot=Snapshot(self.epoch, self._weights(), on_test.outputs),
            )

    def _testing(self) -> Generator[None, None, ScoredSet]:
        """Score the test set, or reuse the newest epoch's scores if the weights have not changed since."""
        if self._tested is not None:
            snapshot, scored = self._tested
            if snapshot.weights and all(map(np.array_equal, snapshot.weights, self._weights())):
                return scored
        return (yield from self._scoring("test"))

    def _scoring(self, split: Literal["train", "test"]) -> Generator[None, None, ScoredSet]:
        data = self.dataset
        if split == "train":
            return self._score(data.train_images, data.train_labels)
        return self._score(data.test_images, data.test_labels)

    def _score(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64]
    ) -> Generator[None, None, ScoredSet]:
        return self._scorer.scoring(images, labels)


def restored_words(epoch: int, *, is_early: bool) -> str:
    """Return a sentence that the weights of `epoch` were restored when the run ended."""
    words = f"The validation loss was lowest after epoch {epoch}, whose weights are back."
    return f"Stopped early: t{words[1:]}" if is_early else words


def snapshot_of(network: NeuralNetwork, dataset: Dataset, epoch: float) -> Snapshot:
    """Return a read-only copy of a network, with its outputs for the test set."""
    model = Model(network, small_product())
    scored = _finished(Scorer(model).scoring(dataset.test_images, dataset.test_labels))
    return Snapshot(epoch, model.parameters.weights(), scored.outputs)


def _finished(work: Generator[None, None, _Found]) -> _Found:
    """Run `work` to its end and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: _Found = end.value
            return found


def _unless_left(work: Generator[None, None, _Found], goes_on: Callable[[], bool]) -> _Found | None:
    """Run `work` and return its result, or None if `goes_on` returned False first."""
    with closing(work):
        while goes_on():
            try:
                next(work)
            except StopIteration as end:
                found: _Found = end.value
                return found
    return None


def _length(arrays: Iterable[NDArray[np.floating]]) -> float:
    """Return the Euclidean norm of all numbers in the arrays together."""
    return math.sqrt(sum(float(np.vdot(array, array)) for array in arrays))
