"""A check of the mini-batch loop: which samples it uses, in which order, how far it steps, and what it reports."""

from __future__ import annotations

import copy
import inspect
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks.comparing import Passed, compare, expect
from explorer.network import NeuralNetwork

__all__ = ["mini_batches"]

Array = NDArray[Any]

_EXACT = 1e-12  # float64, a few operations
_RATE = 0.02


def mini_batches(network: NeuralNetwork, n_samples: int = 23, batch_size: int = 5) -> Passed:
    """Check the loop of `fit` on numbered samples: each used once an epoch, in a new order, with its target.

    Also the learning rate of each step: as it was given; by mean, where `fit` can, divided by the batch's samples.
    """
    recorded, calls = _recording(network)
    X, d = _numbered(network, n_samples)
    history = recorded.fit(X, d, batch_size, n_epochs=2, lr=_RATE)
    _expect_rates("sum", calls, [_RATE for _ in calls])
    n_batches = -(-n_samples // batch_size)
    expect(len(calls) == 2 * n_batches, f"2 epochs made {len(calls)} steps; wanted are {2 * n_batches}")
    orders = []
    for epoch in range(2):
        batches = calls[epoch * n_batches : (epoch + 1) * n_batches]
        sizes, used = (
            [len(batch.samples) for batch in batches],
            [k for batch in batches for k in batch.samples],
        )
        expect(sorted(used) == list(range(n_samples)), f"epoch {epoch + 1} used the samples {sorted(used)}")
        expect(set(sizes[:-1]) <= {batch_size}, f"epoch {epoch + 1} has batches of {sizes} samples")
        paired = all(
            k % network.layer_sizes[-1] == t
            for batch in batches
            for k, t in zip(batch.samples, batch.targets, strict=True)
        )
        expect(paired, f"epoch {epoch + 1} gives a sample the target of another")
        mean = math.fsum(batch.loss for batch in batches) / n_samples
        compare(
            "the mean loss of", {f"epoch {epoch + 1}": history[epoch]}, {f"epoch {epoch + 1}": mean}, _EXACT
        )
        orders.append(used)
    expect(orders[0] != orders[1], "both epochs took the samples in the same order")
    if "reduction" in inspect.signature(network.fit).parameters:
        averaged, calls = _recording(network)
        averaged.fit(X, d, batch_size, n_epochs=1, lr=_RATE, reduction="mean")
        _expect_rates("mean", calls, [_RATE / len(call.samples) for call in calls])
    return Passed(
        f"2 epochs of {n_samples} numbered samples in batches of {batch_size}: each used once, with its own target"
    )


def _expect_rates(reduction: str, calls: list[_Call], wanted: list[float]) -> None:
    """Raise unless each step by that reduction has the learning rate that is wanted."""
    found = {f"step {number}": call.lr for number, call in enumerate(calls, 1)}
    compare(f"by {reduction}, the learning rate of", found, dict(zip(found, wanted, strict=True)), _EXACT)


@dataclass(frozen=True, slots=True)
class _Call:
    """What one step was given, and the loss that it returned."""

    samples: list[int]
    targets: list[int]
    lr: float
    loss: float


def _recording(network: NeuralNetwork) -> tuple[NeuralNetwork, list[_Call]]:
    """Return a copy of `network` and a list to which each of its steps is added."""
    recorded, calls = copy.deepcopy(network), []
    take_step = recorded.train_iteration

    def train_iteration(X: Array, d: Array, lr: float = 1e-2) -> float:
        loss = take_step(X, d, lr)
        numbers, targets = np.asarray(X)[0], np.asarray(d)
        samples = np.rint(numbers * 1000).astype(int)
        calls.append(_Call(samples.tolist(), targets.argmax(axis=0).tolist(), lr, loss))
        return loss

    object.__setattr__(recorded, "train_iteration", train_iteration)
    return recorded, calls


def _numbered(network: NeuralNetwork, n_samples: int) -> tuple[Array, Array]:
    """Return samples that carry their number, in thousandths, and targets that follow from it."""
    X = np.tile(np.arange(n_samples) / 1000, (network.layer_sizes[0], 1))
    return X, np.eye(network.layer_sizes[-1])[:, np.arange(n_samples) % network.layer_sizes[-1]]
