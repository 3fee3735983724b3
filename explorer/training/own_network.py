"""A user-defined network in place of the textbook one: the requirements on its class, and its passes as ours."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from inspect import Parameter, signature
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.datasets import Dataset
from explorer.network import ACTIVATIONS, OUTPUTS, NeuralNetwork
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.process_settings import one_blas_thread

Array = NDArray[Any]

NETWORK_SETTINGS = (
    "hidden_activation", "output", "loss", "initializer", "optimizer", "l2", "l1", "dropout", "input_dropout",
    "max_norm", "seed",
)  # fmt: skip
"""Settings that the textbook network accepts; a user's class decides for itself about those it doesn't accept."""

_OURS = (  # settings that the textbook `fit` ignores too
    "schedule", "warmup", "shift", "rotation", "scale", "elastic", "patience", "changes",
)  # fmt: skip
_ALONG = 1e-6  # share of a step that may go in another direction
_JUDGED = 1e-3  # maximum share of a step that may be rounding
_N_PROBED = 16  # random samples on which two networks are compared
_PACKAGES = (Path(__file__).parents[1], Path(np.__file__).parent)


class OwnNetworkError(RuntimeError):
    """A user-defined network can't do an operation; the message is one sentence for its author."""


@dataclass(frozen=True, slots=True)
class OwnClass:
    """A class to be trained in place of `NeuralNetwork`.

    It is called as ``Mine(n_input, n_hidden, n_output)``, plus those keywords of the textbook class that it
    accepts, and has the exercise's methods `forward`, and `train_iteration` or `fit` or both. Raises `TypeError`
    for anything else.
    """

    made_by: type[Any]

    def __post_init__(self) -> None:
        made_by: object = self.made_by
        if not isinstance(made_by, type):
            found = type(made_by).__name__
            raise TypeError(f"network is {found}; expected a class, as Mine, not an object of it")
        trains = self.has("train_iteration") or self.has("fit")
        missing = ["forward"] * (not self.has("forward")) + ["train_iteration and no fit"] * (not trains)
        if missing:
            lacks = f"{self.name} has no {' and no '.join(missing)}"
            raise TypeError(f"{lacks}; the app trains a network by its own methods")
        try:
            signature(made_by).bind(784, 32, 10)
        except TypeError as error:
            expected = f"{self.name}(n_input, n_hidden, n_output)"
            raise TypeError(f"{self.name} can't be called as {expected}: {error}") from error

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
        parameters = [*signature(self.made_by).parameters.values()]
        passes_on = any(one.kind is Parameter.VAR_KEYWORD for one in parameters)
        if passes_on and issubclass(self.made_by, NeuralNetwork):
            return NETWORK_SETTINGS
        sizes = {one.name for one in parameters[:3]}  # may have such a name: ``Mine(input, hidden, output)``
        return tuple(name for name in NETWORK_SETTINGS if name in {one.name for one in parameters} - sizes)

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings that affect the class; it decides the others itself."""
        known = (name for name in FIELDS if name not in _OURS)
        return tuple(name for name in known if name not in NETWORK_SETTINGS or name in self.keywords)

    def without_ours(self, config: TrainingConfig) -> TrainingConfig:
        """Reset the settings that only runs of the textbook network support."""
        return config.replace(**{name: getattr(TrainingConfig(), name) for name in _OURS})

    def make(self, config: TrainingConfig, dataset: Dataset) -> Any:
        """Return an instance with the config's sizes and settings; any exception becomes an `OwnNetworkError`."""
        sizes, options = config.hidden_sizes, {name: getattr(config, name) for name in self.keywords}
        n_hidden = sizes[0] if len(sizes) == 1 else sizes
        for each in (n_hidden, sizes):  # a class for several layers may accept no number
            with suppress(TypeError):
                return self.made_by(dataset.n_inputs, each, dataset.n_classes, **options)
        with self.told("__init__"):
            return self.made_by(dataset.n_inputs, n_hidden, dataset.n_classes, **options)

    def network(self, config: TrainingConfig, dataset: Dataset) -> NeuralNetwork:
        """Return an instance with the textbook interface: itself if it inherits from it, else wrapped."""
        made = self.make(config, dataset)
        return made if isinstance(made, NeuralNetwork) else OwnNetwork(self, made, config, dataset)

    def weights(self, made: Any, sizes: Sequence[int]) -> tuple[Array, ...]:
        """Return read-only copies of ``(W1, b1, W2, b2, …)``; empty if they have other names or shapes."""
        found = []
        for layer, (n_in, n_out) in enumerate(pairwise(sizes), 1):
            for name, shape in ((f"W{layer}", (n_out, n_in)), (f"b{layer}", (n_out, 1))):
                array = np.array(getattr(made, name, None), dtype=np.float32)
                if array.shape not in (shape, shape[: 1 + name.startswith("W")]):
                    return ()
                array = array.reshape(shape)
                array.flags.writeable = False
                found.append(array)
        return tuple(found)

    def call(self, method: str, network: Any, *arguments: Any) -> Any:
        """Call a method of an instance, as `told` says."""
        with self.told(method), np.errstate(all="ignore"):
            return getattr(network, method)(*arguments)

    @contextmanager
    def told(self, method: str) -> Iterator[None]:
        """Convert any exception that the class raises in this context into a sentence that names its line."""
        try:
            yield
        except OwnNetworkError:
            raise
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)[1:]
            own = [one for one in frames if not any(Path(one.filename).is_relative_to(p) for p in _PACKAGES)]
            where, what = method, str(error).strip().removesuffix(".")
            if own:
                where = f"{own[-1].name}, line {own[-1].lineno}"
                where += f", “{own[-1].line}”" if own[-1].line else ""
            text = f"{self.name} raised {type(error).__name__} in {where}{what and f': {what}'}"
            raise OwnNetworkError(text) from error


class OwnNetwork(NeuralNetwork):
    """A wrapper that gives `made`, an instance of `own`, the textbook interface: its own weights and passes."""

    def __init__(self, own: OwnClass, made: Any, config: TrainingConfig, dataset: Dataset) -> None:
        functions = {name: getattr(config, name) for name in NETWORK_SETTINGS}
        super().__init__(dataset.n_inputs, config.hidden_sizes, dataset.n_classes, **functions)
        self.own, self.made = own, made
        if weights := own.weights(made, self.layer_sizes):
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
            setattr(self.made, name, array.reshape(np.shape(getattr(self.made, name, array))).copy())
        y = np.asarray(self.own.call("forward", self.made, np.asarray(X, self.dtype)))
        for layer, name in product(range(1, self.n_layers + 1), "ah"):
            kept = getattr(self.made, f"{name}{layer}", None)
            if kept is not None:
                setattr(self, f"{name}{layer}", np.asarray(kept))
        self.h[-1] = y
        return y

    def backward(self, X: ArrayLike, y: ArrayLike, d: ArrayLike) -> tuple[Array, ...]:
        """Run the class's own `backward` and return its gradient."""
        if not callable(getattr(self.made, "backward", None)):
            raise OwnNetworkError(f"{self.own.name} has no backward, so there is no gradient to look at")
        with self.own.told("backward"):
            found = self.made.backward(*(np.asarray(array, self.dtype) for array in (X, y, d)))
            gradients = tuple(np.asarray(gradient) for gradient in found)
        pairs = zip(gradients, self.shapes.values(), strict=False)
        return tuple(one.reshape(shape) if one.size == np.prod(shape) else one for one, shape in pairs)


def departs(network: NeuralNetwork, *, backward: bool = True) -> bool:
    """Return whether a network's passes differ from the textbook formulas with its weights and functions."""
    rng, (n_input, *_, n_output) = np.random.default_rng(0), network.layer_sizes
    X = rng.random((n_input, _N_PROBED), np.float32)
    d = np.eye(n_output, dtype=np.float32)[:, rng.integers(n_output, size=_N_PROBED)]
    textbook = deepcopy(network)
    with one_blas_thread(), np.errstate(all="ignore"):
        found, expected = [network.forward(X)], [NeuralNetwork.forward(textbook, X)]
        if backward:
            found += network.backward(X, found[0], d)
            expected += NeuralNetwork.backward(textbook, X, expected[0], d)
    pairs = zip(found, expected, strict=False)
    return not all(a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=1e-4) for a, b in pairs)


def recognized(own: OwnClass, made: Any, config: TrainingConfig, dataset: Dataset) -> TrainingConfig:
    """Return a config naming the class's functions, if its outputs identify them; else `config`."""
    sizes = dataset.n_inputs, *config.hidden_sizes, dataset.n_classes
    if isinstance(made, NeuralNetwork) or not own.weights(made, sizes):
        return config
    for hidden, output in product(ACTIVATIONS, OUTPUTS):
        loss = "cross_entropy" if output == "softmax" else "squared_error"
        named = config.replace(hidden_activation=hidden, output=output, loss=loss)
        with suppress(OwnNetworkError):  # the first mini-batch raises it again, and reports it
            if not departs(OwnNetwork(own, deepcopy(made), named, dataset), backward=False):
                return named
    return config


def new_network(config: TrainingConfig, dataset: Dataset) -> NeuralNetwork:
    """Return a network for the data set with the config's sizes and settings, freshly initialized."""
    settings = {name: getattr(config, name) for name in NETWORK_SETTINGS}
    return NeuralNetwork(dataset.n_inputs, config.hidden_sizes, dataset.n_classes, **settings)


def samples(dataset: Dataset, chosen: Any = slice(None)) -> tuple[Array, Array]:
    """Return training images and one-hot targets as writable float32 columns: (n_inputs, n) and (n_classes, n)."""
    images, labels = dataset.train_images[chosen], dataset.train_labels[chosen]
    X = np.divide(images.reshape(len(images), -1), np.float32(255), dtype=np.float32).T
    return X, np.eye(dataset.n_classes, dtype=np.float32)[labels].T


@dataclass(frozen=True, slots=True)
class ParameterStep:
    """How one parameter changes in the first step."""

    name: str
    shape: tuple[int, ...]
    gradient_shape: tuple[int, ...]
    """Shapes of the parameter and of its gradient by the network's own `backward`."""
    ratio: float
    """Length of the step along −learning rate × gradient, in units of that vector; 0 if the parameter doesn't
    move, NaN if it moves by no more than rounding."""
    is_along: bool
    """Whether the step has no other component."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """The arguments of one call of `train_iteration`."""

    X_shape: tuple[int, ...]
    d_shape: tuple[int, ...]
    pairs: tuple[tuple[bytes, int], ...]
    """Each image with the class of its target."""
    n_paired: int
    """How many of them are images of the data set paired with their own label."""
    rate: float


def first_step(own: OwnClass, config: TrainingConfig, dataset: Dataset) -> tuple[ParameterStep, ...]:
    """Measure how each parameter changes in one `train_iteration` on a mini-batch of the usual size."""
    made, (X, d) = own.make(config, dataset), samples(dataset, slice(config.batch_size))
    names = [f"{kind}{layer}" for layer in range(1, len(config.hidden_sizes) + 2) for kind in "Wb"]
    with own.told("train_iteration"), one_blas_thread(), np.errstate(all="ignore"):
        before = [np.array(getattr(made, name)) for name in names]
        gradients = made.backward(X, made.forward(X), d)
        made.train_iteration(X, d, config.learning_rate)
        after = [np.array(getattr(made, name)) for name in names]
    steps = [-config.learning_rate * np.asarray(gradient) for gradient in gradients]
    return tuple(map(_parameter_step, names, before, after, steps))


def arrivals(own: OwnClass, config: TrainingConfig, dataset: Dataset) -> tuple[Arrival, ...]:
    """Record the arguments that `fit` passes to `train_iteration` in an epoch on two and a half mini-batches."""
    data, found = dataset.head(5 * config.batch_size // 2), list[Arrival]()
    known, parameters = {*_pairs(*samples(data))}, signature(own.made_by.train_iteration)

    def train_iteration(*given: Any, **named: Any) -> Any:
        bound = parameters.bind(*given, **named)
        bound.apply_defaults()
        _, X, d, rate = [*bound.arguments.values()][:4]
        pairs = _pairs(X, d)
        found.append(
            Arrival(np.shape(X), np.shape(d), pairs, sum(pair in known for pair in pairs), float(rate))
        )
        return own.made_by.train_iteration(*given, **named)

    made = own.make(config, data)
    made.__class__ = type(own.name, (own.made_by,), {"__slots__": (), "train_iteration": train_iteration})
    with own.told("fit"), one_blas_thread(), np.errstate(all="ignore"):
        made.fit(*samples(data), config.batch_size, 1, config.learning_rate)
    return tuple(found)


def fits_as_usual(own: OwnClass, config: TrainingConfig, dataset: Dataset) -> bool:
    """Return whether `fit` makes a step on each mini-batch, and each sample, with its label, is in one of them."""
    if not (has_fit := own.has("fit")) or not own.has("train_iteration"):
        return not has_fit
    try:
        steps = arrivals(own, config, dataset)
    except OwnNetworkError:  # the first epoch raises it again, and reports it
        return False
    size, given = config.batch_size, _pairs(*samples(dataset.head(5 * config.batch_size // 2)))
    sizes = [min(size, len(given) - start) for start in range(0, len(given), size)]
    if [(len(step.pairs), step.rate) for step in steps] != [(n, config.learning_rate) for n in sizes]:
        return False
    return sorted(pair for step in steps for pair in step.pairs) == sorted(given)


def _pairs(X: ArrayLike, d: ArrayLike) -> tuple[tuple[bytes, int], ...]:
    images = np.ascontiguousarray(np.asarray(X, np.float32).T)
    classes = np.asarray(d).argmax(axis=0).tolist()
    return tuple(zip((image.tobytes() for image in images), classes, strict=False))


def _parameter_step(name: str, before: Any, after: Any, expected: Any) -> ParameterStep:
    move, shapes = after - before, (before.shape, expected.shape)
    if move.shape != expected.shape or not move.any():
        return ParameterStep(name, *shapes, 0.0, not move.any())
    length, rounding = np.linalg.norm(move), np.finfo(move.dtype).eps * np.linalg.norm(before)
    if rounding > _JUDGED * length:
        return ParameterStep(name, *shapes, np.nan, True)
    ratio = float(np.vdot(move, expected) / (np.vdot(expected, expected) or np.nan))
    aside = np.linalg.norm(move - ratio * expected)
    return ParameterStep(name, *shapes, ratio, bool(aside <= _ALONG * length + rounding))
