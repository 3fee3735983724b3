"""What a run trains, the settings of its mini-batches, its exact scores, and early stopping."""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.datasets.dataset import pixel_columns
from explorer.engine import AugmentedImages, MiniBatches, Model, Score, ScoredSet, Scorer
from explorer.engine.minibatches import Part
from explorer.network import NeuralNetwork
from explorer.network.schedules import rate_factor
from explorer.training.config import TrainingConfig
from explorer.training.fields import MOST_CHANGES, Change, ConfigError
from explorer.training.networks import new_network
from explorer.training.process_settings import one_blas_thread, small_product
from explorer.training.records import FinalTest, SampleRecord, Snapshot

if TYPE_CHECKING:
    from explorer.training.own_network import OwnLearner

_CHUNK = 1000  # images converted to floats at a time
_SAMPLED = 1000  # held-out images that are scored within the first epoch
_SAMPLE_STREAM = 11  # keeps the sample's random numbers apart from all others of the seed

Weights = Sequence[NDArray[np.floating]]
Scoring = Callable[[NDArray[np.uint8], NDArray[np.int64]], Generator[None, None, ScoredSet]]

_T = TypeVar("_T")


class EngineLearner:
    """The textbook's network, trained by the engine. Long work is a generator, to be paused or closed anywhere."""

    def __init__(self, config: TrainingConfig, dataset: Dataset, n_threads: int) -> None:
        self._config, self._dataset = config, dataset
        network = new_network(config, dataset)
        self._rng = network.rng  # after the weights, it draws the order of the samples
        self._augmented, take = None, None
        if config.augmentation.is_on and not dataset.is_plane:  # a point has no strokes to distort
            self._augmented = AugmentedImages(dataset.train_images, config.augmentation, config.seed)
            take = self._augmented.take
        self._model = Model(network, small_product(), n_threads, None if take else dataset)
        settings = config.batch_size, config.learning_rate, config.reduction
        self._use(MiniBatches(self._model, dataset, *settings, seed=config.seed, take=take))
        self._order = np.arange(0)  # of the samples in the newest epoch
        self.scoring, self.weights = Scorer(self._model).scoring, self._model.parameters.weights

    @property
    def learning_rate(self) -> float:
        """Rate of the next mini-batch."""
        return self._batches.descent.learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self._batches.descent.learning_rate = rate

    def network(self, weights: Weights) -> NeuralNetwork:
        """Return a network of this kind with these weights; `ValueError` if they don't fit."""
        network = new_network(self._config, self._dataset)
        network.set_weights(weights)
        return network

    def set_weights(self, weights: Weights) -> None:
        """Continue with other weights; `ValueError` if they don't fit."""
        self._model.parameters.set_weights(self.network(weights).parameters)

    def skip(self, n_epochs: int) -> None:
        """Draw the order of the samples of so many epochs, without training on them."""
        for _ in range(n_epochs):
            self._rng.permutation(self._dataset.n_train)

    def resize(self, batch_size: int) -> None:
        """Use another batch size from the next mini-batch on."""
        self._use(self._batches.resized(batch_size))

    def _use(self, batches: MiniBatches) -> None:
        self._batches, self.settled = batches, batches.settled
        self.batch_size, self.scores_each = batches.batch_size, batches.scores_each

    def epoch(self, number: int, begin: int) -> Iterator[Part]:
        """Train an epoch, 1 for the first, from its image `begin` on; it ends early if it is resized."""
        if not begin:
            self._order = self._rng.permutation(self._dataset.n_train)
            if self._augmented is not None:
                self._augmented.begin(number, self._order)
        return self._batches.epoch(self._order, number, begin)

    def batch_scoring(
        self, batch: slice, before: Weights, after: Weights
    ) -> Generator[None, None, Sequence[Score]]:
        """Score a mini-batch of the epoch with the weights before and after its step."""
        chosen, scores = self._order[batch], []
        images, labels = self._dataset.train_images[chosen], self._dataset.train_labels[chosen]
        for weights in (before, after):
            scorer = Scorer(Model(self.network(weights), small_product()))
            scores.append((yield from scorer.scoring(images, labels)).score)
        return scores


Learner: TypeAlias = "EngineLearner | OwnLearner"


class BatchSettings:
    """The learning rate and the batch size of each mini-batch, by the settings, the schedule and the changes."""

    def __init__(self, config: TrainingConfig, learner: Learner, n_samples: int) -> None:
        self.config, self._learner, self._n_samples = config, learner, n_samples
        self._learning_rate, self.batch_size = config.learning_rate, config.batch_size
        self._requested: tuple[float, int] | None = None  # from the next mini-batch on
        self._replacing = Lock()  # guards the config and the change requested by another thread
        self.is_steady = config.schedule == "constant" and not (config.warmup or config.changes)
        """Whether all mini-batches have the same, so that `before_batch` changes nothing."""

    def extend(self, epochs: int) -> None:
        """Raise the number of epochs."""
        with self._replacing:
            self.config = self.config.replace(epochs=epochs)

    def request(self, learning_rate: float, batch_size: int) -> None:
        """Change both from the next mini-batch on; called in another thread."""
        with self._replacing:
            checked = self.config.replace(learning_rate=learning_rate, batch_size=batch_size)
            n = len(self.config.changes) + 1
            if n > MOST_CHANGES:
                raise ConfigError("changes", n, f"up to {MOST_CHANGES} changes of a run while it trains")
            self._requested, self.is_steady = (checked.learning_rate, checked.batch_size), False

    def adopt(self, values: TrainingConfig | Change) -> None:
        """Use a learning rate and a batch size from now on."""
        self._learning_rate = values.learning_rate
        if values.batch_size != self.batch_size:
            self.batch_size = values.batch_size
            self._learner.resize(self.batch_size)

    def before_batch(self, number: int, step: int, n_trained: int) -> Iterator[Change]:
        """Set the rate and the size of the mini-batch after `step` and after `n_trained` images of an epoch."""
        for change in self.config.changes:
            if change.step == step and self._requested is None:
                self.adopt(change)
        if self._requested is not None:
            with self._replacing:
                change, self._requested = Change(step, *self._requested), None
                self.config = self.config.changed(change)
            self.adopt(change)
            yield change
        n, config = self._n_samples, self.config
        size = min(self.batch_size, n - n_trained)
        middle = number - 1 + (n_trained + size / 2) / n
        factor = rate_factor(config.schedule, middle, config.epochs, config.warmup)
        self._learner.learning_rate = self._learning_rate * factor


class Sample:
    """A sample of the held-out images, by which networks within the first epoch are judged."""

    def __init__(self, dataset: Dataset, seed: int) -> None:
        order = np.random.default_rng([seed, _SAMPLE_STREAM]).permutation(dataset.n_test)
        self._chosen = chosen = np.sort(order[:_SAMPLED])
        chosen.flags.writeable = False
        self._images, self._labels = dataset.test_images[chosen], dataset.test_labels[chosen]

    def record(
        self, scoring: Scoring, weights: tuple[NDArray[np.floating], ...], epoch: float, step: int
    ) -> SampleRecord:
        """Score a network with these weights, after so many epochs and mini-batches."""
        found = finished(scoring(self._images, self._labels))
        figures = found.score.mean_loss, found.score.accuracy
        snapshot = Snapshot(epoch, weights, found.outputs)
        return SampleRecord(epoch, step, *figures, found.confusion, self._chosen, snapshot)


class EarlyStopping:
    """The weights with the lowest validation loss (Prechelt 1998, "Early stopping – but when?")."""

    def __init__(self) -> None:
        self._best: Snapshot | None = None
        self._best_loss = math.inf
        self.replaced: Snapshot | None = None  # of the last epoch, once the best weights are restored

    def restored(self, snapshot: Snapshot, scored: ScoredSet, config: TrainingConfig) -> Snapshot | None:
        """Return the best weights if they replace those of this epoch: the last, or `patience` after the best."""
        if not (config.patience and config.n_validation):
            return None
        if scored.score.mean_loss < self._best_loss:
            self._best, self._best_loss = snapshot, scored.score.mean_loss
        best = self._best
        if best is None or best is snapshot:
            return None
        if snapshot.epoch < config.epochs and snapshot.epoch - best.epoch < config.patience:
            return None
        self.replaced = snapshot
        return best

    def is_early(self, config: TrainingConfig) -> bool:
        """Return whether the run ended `patience` epochs after the best one."""
        best, last = self._best, self.replaced
        return bool(best and last and last.epoch - best.epoch >= config.patience)


def snapshot_of(network: NeuralNetwork, dataset: Dataset, epoch: float) -> Snapshot:
    """Return a read-only copy of a network, with its outputs for the test set."""
    model = Model(network, small_product())
    scored = finished(Scorer(model).scoring(dataset.test_images, dataset.test_labels))
    return Snapshot(epoch, model.parameters.weights(), scored.outputs)


def sampled_of(network: NeuralNetwork, sample: Sample, epoch: float, step: int) -> SampleRecord:
    """Return a network within the first epoch as its run recorded it, after so many epochs and mini-batches."""
    model = Model(network, small_product())
    return sample.record(Scorer(model).scoring, model.parameters.weights(), epoch, step)


def open_test_set(network: NeuralNetwork, dataset: Dataset) -> FinalTest:
    """Evaluate a network on the real test images of a data set, even if `dataset` is a split of it."""
    data, right, loss = dataset.unsplit, 0, 0.0
    n, one_hot = len(data.test_labels), np.eye(data.n_classes, dtype=np.float32)
    for start in range(0, n, _CHUNK):
        labels = data.test_labels[start : start + _CHUNK]
        with one_blas_thread(), np.errstate(all="ignore"):
            y = network.forward(pixel_columns(data.test_images[start : start + _CHUNK]))  # (n_classes, chunk)
            loss += network.total_loss(y, one_hot[labels].T)
        right += int(np.count_nonzero(y.argmax(axis=0) == labels))
    return FinalTest(loss / n, right / n, n)


@overload
def finished(work: Generator[None, None, _T]) -> _T: ...
@overload
def finished(work: Generator[None, None, _T], goes_on: Callable[[], bool]) -> _T | None: ...
def finished(work: Generator[None, None, _T], goes_on: Callable[[], bool] = lambda: True) -> _T | None:
    """Run `work` and return its result, or None if `goes_on` returned False first."""
    with closing(work):
        while goes_on():
            try:
                next(work)
            except StopIteration as end:
                found: _T = end.value
                return found
    return None
