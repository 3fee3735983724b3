"""A check of the mini-batch loop: which samples it uses, in which order, how far it steps, and what it reports."""

import copy
import inspect
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.checks.recognition import naming
from explorer.checks.results import CheckError, Passed, check, compare, expect
from explorer.checks.structure import attribute, sizes_found

__all__ = ["mini_batches"]

Array = NDArray[Any]

_EXACT = 1e-12  # float64, a few operations
_ROUNDED = 1e-5  # a sum in float32
_RATE = 0.02
_EPOCHS = 2


@naming("fit")
@check
def mini_batches(network: Any, n_samples: int = 23, batch_size: int = 5) -> Passed:
    """Check the loop of `fit` on numbered samples: each used once an epoch, in a new order, with its target.

    Also the learning rate of each step: as given; by mean, where `fit` has that, divided by the batch's samples.
    """
    calls, history = _fitted(network, n_samples, batch_size, _EPOCHS)
    n_batches = -(-n_samples // batch_size)
    expect(f"calls of train_iteration in {_EPOCHS} epochs", len(calls), _EPOCHS * n_batches)
    compare("learning rate of step", [call.lr for call in calls], [_RATE] * len(calls), _EXACT)
    orders, losses = [], []
    for epoch in range(_EPOCHS):
        batches = calls[epoch * n_batches : (epoch + 1) * n_batches]
        used = [k for batch in batches for k in batch.samples]
        if sorted(used) != list(range(n_samples)):
            found = f"expected each of {n_samples} samples once, got {sorted(used)}"
            raise CheckError(f"epoch {epoch + 1}: {found}")
        sizes = [len(batch.samples) for batch in batches]
        expect(f"batch sizes in epoch {epoch + 1}", sizes[:-1], [batch_size] * (n_batches - 1))
        targets = [t for batch in batches for t in batch.targets]
        expect(f"targets in epoch {epoch + 1}", targets, [k % sizes_found(network)[-1] for k in used])
        orders.append(used)
        losses.append(math.fsum(batch.loss for batch in batches) / n_samples)
    epochs = [f"mean loss of epoch {epoch + 1}" for epoch in range(_EPOCHS)]
    compare("the history that fit returns", history, losses, _ROUNDED, lambda at: epochs[at[0]])
    if orders[0] == orders[1]:
        raise CheckError("order of the samples: expected a new one in each epoch, got the same twice")
    if "reduction" in inspect.signature(network.fit).parameters:
        calls, _ = _fitted(network, n_samples, batch_size, 1, reduction="mean")
        rates = [_RATE / len(call.samples) for call in calls]
        compare("learning rate by mean of step", [call.lr for call in calls], rates, _EXACT)
    return Passed(f"{_EPOCHS} epochs of {n_samples} numbered samples: each used once, with its own target")


class _Call(NamedTuple):
    """What one step was given, and the loss that it returned."""

    samples: list[int]
    targets: list[int]
    lr: float
    loss: float


def _fitted(
    network: Any, n_samples: int, batch_size: int, n_epochs: int, **options: str
) -> tuple[list[_Call], Any]:
    """Train a copy on samples that carry their number, in thousandths; return its steps and its history."""
    recorded, calls, sizes = copy.deepcopy(network), list[_Call](), sizes_found(network)
    take_step = attribute(recorded, "train_iteration")

    def train_iteration(*args: Any, **kwargs: Any) -> Any:
        given = inspect.signature(take_step).bind(*args, **kwargs)
        given.apply_defaults()
        X, d, lr = [*given.arguments.values()][:3]
        loss = take_step(*args, **kwargs)
        samples = np.rint(np.asarray(X)[0] * 1000).astype(int).tolist()
        calls.append(_Call(samples, np.asarray(d).argmax(axis=0).tolist(), lr, loss))
        return loss

    recorded.train_iteration = train_iteration
    X = np.tile(np.arange(n_samples) / 1000, (sizes[0], 1))
    d = np.eye(sizes[-1])[:, np.arange(n_samples) % sizes[-1]]
    return calls, attribute(recorded, "fit")(X, d, batch_size, n_epochs, _RATE, **options)
