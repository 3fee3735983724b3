"""A user-defined network in place of the textbook one: the requirements on its class, its passes, its training."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from copy import deepcopy
from dataclasses import dataclass
from inspect import Parameter, signature
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from explorer.datasets import Dataset
from explorer.datasets.dataset import pixel_columns
from explorer.engine import Score, ScoredSet, score_outputs
from explorer.engine.minibatches import SCORES_PER_EPOCH, Part
from explorer.engine.scoring import scored_set
from explorer.network import OPTIMIZERS, NeuralNetwork
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import ConfigError
from explorer.training.networks import NETWORK_SETTINGS, Array, OwnNetworkError, new_network, samples
from explorer.training.process_settings import one_blas_thread

if TYPE_CHECKING:
    from explorer.checks.structure import Step

_FUNCTIONS = "hidden_activation", "output", "loss", "initializer"
_OURS = (  # settings that the textbook `fit` ignores too
    "schedule", "warmup", "shift", "rotation", "scale", "elastic", "patience", "changes",
)  # fmt: skip
_N_PROBED = 16  # random samples on which two networks are compared
_PROBED_BATCH = 20  # largest mini-batch on which a `fit` is tried
_ROWS = 512  # images scored at a time


@dataclass(frozen=True, slots=True)
class OwnClass:
    """A class to be trained in place of `NeuralNetwork`.

    It is called as ``Mine(n_input, n_hidden, n_output)``, plus those keywords of the textbook class that it
    accepts, and has the exercise's methods `forward`, and `train_iteration` or `fit` or both. If its functions
    aren't the exercise's, an attribute names them, as `NeuralNetwork.functions` does: ``functions = {"output":
    "softmax", "loss": "cross_entropy"}``. Raises `TypeError` for anything else.
    """

    made_by: type[Any]

    def __post_init__(self) -> None:
        made_by: object = self.made_by
        if not isinstance(made_by, type):
            found = type(made_by).__name__
            raise TypeError(f"network is {found}; expected a class, as Mine, not an object of it")
        trains = self.has("train_iteration") or self.has("fit")
        missing = ["forward"] * (not self.has("forward")) + ["train_iteration and no fit"] * (not trains)
        if lacks := " and no ".join(missing):
            raise TypeError(f"{self.name} has no {lacks}; the app trains a network by its own methods")
        try:
            signature(made_by).bind(784, 32, 10)
        except TypeError as error:
            expected = f"{self.name}(n_input, n_hidden, n_output)"
            raise TypeError(f"{self.name} can't be called as {expected}: {error}") from error
        if not issubclass(made_by, NeuralNetwork):  # whose instances name their functions
            self.configured(TrainingConfig(), made_by)

    @property
    def name(self) -> str:
        """The class's name."""
        return self.made_by.__name__

    def has(self, method: str) -> bool:
        """Return whether the class has a method."""
        return callable(getattr(self.made_by, method, None))

    @property
    def keywords(self) -> tuple[str, ...]:
        """The settings that the class accepts as keywords, besides its sizes."""
        parameters = signature(self.made_by).parameters
        passes_on = any(one.kind is Parameter.VAR_KEYWORD for one in parameters.values())
        if passes_on and issubclass(self.made_by, NeuralNetwork):
            return NETWORK_SETTINGS
        accepted = [*parameters][3:]  # a size may have such a name: ``Mine(input, hidden, output)``
        return tuple(name for name in NETWORK_SETTINGS if name in accepted)

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings that affect the class; it decides the others itself."""
        others = {*_OURS, *NETWORK_SETTINGS} - {*self.keywords}
        return tuple(name for name in FIELDS if name not in others)

    def configured(self, config: TrainingConfig, made: Any) -> TrainingConfig:
        """Return the settings of a run of `made`: with its functions, without what the textbook `fit` ignores."""
        functions = getattr(made, "functions", {})
        if not isinstance(functions, Mapping) or not functions.keys() <= {*_FUNCTIONS}:
            expected = f"a dict with any of the keys {', '.join(_FUNCTIONS)}"
            raise TypeError(f"{self.name}.functions is {functions!r}; expected {expected}")
        exercise, fixed = TrainingConfig(), {*_OURS, *_FUNCTIONS} - {*self.keywords}
        defaults = {name: getattr(exercise, name) for name in fixed}
        try:
            return config.replace(**{**defaults, **functions})
        except ConfigError as error:
            raise TypeError(f"{self.name}.functions: {error}") from None

    def make(self, config: TrainingConfig, dataset: Dataset) -> Any:
        """Return an instance with the config's sizes and settings; any exception becomes an `OwnNetworkError`."""
        sizes, options = config.hidden_sizes, {name: getattr(config, name) for name in self.keywords}
        with self.explaining_errors("__init__"):
            if len(sizes) == 1:
                with suppress(TypeError):  # a class for several layers may accept no number
                    return self.made_by(dataset.n_inputs, sizes[0], dataset.n_classes, **options)
            return self.made_by(dataset.n_inputs, sizes, dataset.n_classes, **options)

    def network(self, config: TrainingConfig, dataset: Dataset) -> NeuralNetwork:
        """Return an instance with the textbook interface: itself if it inherits from it, else wrapped."""
        made = self.make(config, dataset)
        return made if isinstance(made, NeuralNetwork) else OwnNetwork(self, made, config, dataset)

    def learner(self, config: TrainingConfig, dataset: Dataset) -> OwnLearner:
        """Return what trains the class in a run."""
        return OwnLearner(self, config, dataset)

    def weights(self, made: Any, shapes: Mapping[str, tuple[int, int]]) -> tuple[Array, ...]:
        """Return read-only copies of ``(W1, b1, W2, b2, …)``; empty if they have other names or shapes."""
        found = tuple(np.array(getattr(made, name, None), dtype=np.float32) for name in shapes)
        for array in found:
            array.flags.writeable = False
        return found if [array.shape for array in found] == [*shapes.values()] else ()

    def call(self, method: str, network: Any, *arguments: Any) -> Any:
        """Call a method of an instance; any error becomes an `OwnNetworkError` that names the line."""
        with self.explaining_errors(method), np.errstate(all="ignore"):
            return getattr(network, method)(*arguments)

    @contextmanager
    def explaining_errors(self, method: str) -> Iterator[None]:
        """Convert any exception that the class raises in this context into a sentence that names its line."""
        try:
            yield
        except OwnNetworkError:
            raise
        except Exception as error:
            from explorer.checks.results import raised_words  # here: the known mistakes take time to load

            raise OwnNetworkError(raised_words(error, f"{self.name}.{method}")) from error


class OwnNetwork(NeuralNetwork):
    """A wrapper that gives `made`, an instance of `own`, the textbook interface: its own weights and passes."""

    def __init__(self, own: OwnClass, made: Any, config: TrainingConfig, dataset: Dataset) -> None:
        functions = {name: getattr(config, name) for name in NETWORK_SETTINGS}
        super().__init__(dataset.n_inputs, config.hidden_sizes, dataset.n_classes, **functions)
        self.own, self.made = own, made
        if weights := own.weights(made, self.shapes):
            self.set_weights(weights)

    def set_weights(self, weights: Any) -> None:
        """Set all parameters; the instance's own follow in the next pass. `OwnNetworkError` if it has none."""
        if not weights:
            lacks = f"{self.own.name} has no {', '.join(self.shapes)} of the usual shapes"
            raise OwnNetworkError(f"{lacks}: only its figures can be shown")
        super().set_weights(weights)

    def forward(self, X: ArrayLike) -> Array:
        """Run the class's own `forward` and return its outputs."""
        super().forward(X)  # for the values that the class doesn't keep
        for name, array in self.named().items():
            setattr(self.made, name, array.copy())
        y = np.asarray(self.own.call("forward", self.made, np.asarray(X, self.dtype)))
        for layer, name in product(range(1, self.n_layers + 1), "ah"):
            if (kept := getattr(self.made, f"{name}{layer}", None)) is not None:
                setattr(self, f"{name}{layer}", np.asarray(kept))
        self.h[-1] = y
        return y

    def backward(self, X: ArrayLike, y: ArrayLike, d: ArrayLike) -> tuple[Array, ...]:
        """Run the class's own `backward` and return its gradient."""
        if not callable(getattr(self.made, "backward", None)):
            raise OwnNetworkError(f"{self.own.name} has no backward, so there is no gradient to look at")
        with self.own.explaining_errors("backward"):
            found = self.made.backward(*(np.asarray(array, self.dtype) for array in (X, y, d)))
            return tuple(np.asarray(gradient) for gradient in found)


def departs(network: NeuralNetwork) -> bool:
    """Return whether a network's passes differ from the textbook formulas with its weights and functions."""
    rng, (n_input, *_, n_output) = np.random.default_rng(0), network.layer_sizes
    X = rng.random((n_input, _N_PROBED), np.float32)
    d = np.eye(n_output, dtype=np.float32)[:, rng.integers(n_output, size=_N_PROBED)]
    textbook = deepcopy(network)
    with one_blas_thread(), np.errstate(all="ignore"):
        y, expected = network.forward(X), NeuralNetwork.forward(textbook, X)
        gradients = network.backward(X, y, d), NeuralNetwork.backward(textbook, X, expected, d)
    pairs = [(y, expected), *zip(*gradients, strict=False)]
    return not all(a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=1e-4) for a, b in pairs)


def steps_of_fit(own: OwnClass, config: TrainingConfig, dataset: Dataset) -> list[Step]:
    """Return the steps that `fit` makes in an epoch on two and a half mini-batches of numbered samples."""
    from explorer.checks.structure import fit_noted, numbered  # here: the known mistakes take time to load

    steps: list[Step] = []
    made, size, rate = own.make(config, dataset), config.batch_size, config.learning_rate
    X, d = numbered((dataset.n_inputs, dataset.n_classes), 5 * size // 2)
    with own.explaining_errors("fit"), one_blas_thread(), np.errstate(all="ignore"):
        fit_noted(steps, made, X % 1, d, size, 1, lr=rate)  # from 0 to 1, as pixels are
    return steps


def fits_as_usual(own: OwnClass, config: TrainingConfig, dataset: Dataset) -> bool:
    """Return whether `fit` makes a step on each mini-batch, and each sample, with its label, is in one of them."""
    if not (own.has("fit") and own.has("train_iteration")):
        return own.has("train_iteration")
    config = config.replace(batch_size=min(config.batch_size, _PROBED_BATCH))
    try:
        steps = steps_of_fit(own, config, dataset)
    except OwnNetworkError:  # the first epoch raises it again, and reports it
        return False
    size, n = config.batch_size, 5 * config.batch_size // 2
    expected = [(min(size, n - start), config.learning_rate) for start in range(0, n, size)]
    pairs = sorted(pair for step in steps for pair in zip(step.samples, step.targets, strict=False))
    is_each_once = pairs == [(k, k % dataset.n_classes) for k in range(n)]
    return is_each_once and [(len(step.samples), step.lr) for step in steps] == expected


class OwnLearner:
    """A user's class, with the methods of `EngineLearner`.

    Each mini-batch is a call ``train_iteration(X, d, lr)``, in the order of the textbook's run; its score has the
    loss that this returns, and the accuracy of `forward` before it. A class with a `fit` that does something else
    is trained by that: an epoch is one call ``fit(X, d, batch_size, 1, lr)``, which gives no records in between
    and can't be interrupted.
    """

    scores_each = True
    settled = nullcontext[None]

    def __init__(self, own: OwnClass, config: TrainingConfig, dataset: Dataset) -> None:
        self._own, self._dataset, self._made = own, dataset, own.make(config, dataset)
        self.config = config = own.configured(config, self._made)
        self.learning_rate, self.batch_size = config.learning_rate, min(config.batch_size, dataset.n_train)
        network = new_network(config, dataset)
        self._shapes, self._rng = network.shapes, network.rng  # which next draws the order of the samples
        self._order = np.arange(0)
        self._has_usual_fit: bool | None = None
        self._score = Score()  # of the newest mini-batch

    def network(self, weights: Any) -> NeuralNetwork:
        network = self._own.network(self.config, self._dataset)
        network.set_weights(weights)
        return network

    def weights(self) -> tuple[Array, ...]:
        return self._own.weights(self._made, self._shapes)

    def set_weights(self, weights: Any) -> None:
        """Refuse: only its class knows how its training goes on."""
        raise OwnNetworkError(f"{self._own.name} trains from its beginning only")

    skip = resize = set_weights

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

    def scoring(self, images: Array, labels: Array) -> Generator[None, None, ScoredSet]:
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

    def _forward(self, network: Any, X: Array) -> Array:
        y, expected = np.asarray(self._own.call("forward", network, X)), (self._dataset.n_classes, X.shape[1])
        if y.shape != expected:
            raise OwnNetworkError(f"{self._own.name}.forward returned shape {y.shape}; expected {expected}")
        return y

    def _scored(self, network: Any, X: Array, d: Array) -> Score:
        y = self._forward(network, X)
        return score_outputs(y.T, d.T, d.argmax(axis=0), self.config.loss).penalised(self._penalty)

    def _step(self, X: Array, d: Array) -> Score:
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
