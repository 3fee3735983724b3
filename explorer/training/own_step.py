"""How a user-defined network trains on a mini-batch: the step it makes, and the batches its `fit` passes on.

Any exception from the class is raised as an `OwnNetworkError`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.datasets import Dataset
from explorer.training.config import TrainingConfig
from explorer.training.own_network import OwnClass
from explorer.training.own_run import float_columns
from explorer.training.process_settings import one_blas_thread

_ALONG = 1e-6  # share of a step that may go in another direction
_JUDGED = 1e-3  # maximum share of a step that may be rounding


@dataclass(frozen=True, slots=True)
class ParameterStep:
    """How one parameter changes in the first step."""

    name: str
    """``"W1"``, ``"b1"``, …."""
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
    """The arguments that reached one call of `train_iteration`."""

    X_shape: tuple[int, ...]
    d_shape: tuple[int, ...]
    """Shapes of the images and of the targets."""
    n_images: int
    """Columns of the images."""
    n_paired: int
    """How many of them are images of the data set paired with their own label."""


def first_step(own: OwnClass, config: TrainingConfig, dataset: Dataset) -> tuple[ParameterStep, ...]:
    """Measure how each parameter changes in one `train_iteration` on a mini-batch of the usual size."""
    made, data = own.make(config, dataset), dataset.head(config.batch_size)
    X, d = float_columns(data), np.array(data.Y_train)
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
    X_all = float_columns(data)
    labels = {column.tobytes(): label for column, label in zip(X_all.T, data.train_labels, strict=True)}

    def train_iteration(self: Any, X: Any, d: Any, *rest: Any, **options: Any) -> Any:
        X, d = np.asarray(X), np.asarray(d)
        pairs = zip(np.ascontiguousarray(X.T), d.T, strict=False)
        paired = sum(labels.get(x.tobytes()) == target.argmax() for x, target in pairs)
        found.append(Arrival(X.shape, d.shape, len(X.T), int(paired)))
        return own.made_by.train_iteration(self, X, d, *rest, **options)

    made = own.make(config, data)
    made.__class__ = type(own.name, (own.made_by,), {"__slots__": (), "train_iteration": train_iteration})
    with own.told("fit"), one_blas_thread(), np.errstate(all="ignore"):
        made.fit(X_all, np.array(data.Y_train), config.batch_size, 1, config.learning_rate)
    return tuple(found)


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
