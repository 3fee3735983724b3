"""A check of the mini-batch loop: its samples, their order, its learning rate, and the losses it reports."""

import copy
import inspect
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.checks.results import CheckError, Passed, check, compare, expect
from explorer.checks.structure import attribute, parameters, sizes_found, unchanged

Array = NDArray[Any]

_EXACT = 1e-12  # float64, a few operations
_ROUNDED = 1e-5  # a sum in float32
_RATE = 0.02
_EPOCHS = 2


class Step(NamedTuple):
    """The arguments of one step, and the loss that it returned."""

    X: Array
    d: Array
    lr: float
    loss: float

    @property
    def samples(self) -> list[int]:
        """The samples' numbers."""
        return [round(1000 * value) for value in np.atleast_2d(self.X)[0].tolist()]

    @property
    def targets(self) -> list[int]:
        """The targets' classes."""
        return [*map(int, np.atleast_2d(self.d).argmax(axis=0))]


def numbered(network: Any, n_samples: int) -> tuple[Array, Array]:
    """Return inputs whose first row has the samples' numbers, in thousandths, and targets."""
    sizes = sizes_found(network)
    X = np.arange(n_samples) / 1000 + np.arange(sizes[0])[:, None]
    return X, np.eye(sizes[-1])[:, np.arange(n_samples) % sizes[-1]]


def fit_noted(
    steps: list[Step], network: Any, X: Array, d: Array, batch_size: int, n_epochs: int, **options: Any
) -> Any:
    """Call a network's `fit` with its steps replaced by ones that only record their arguments.

    So the network's own step is irrelevant; each recorded step returns a predefined loss.
    """
    signature = inspect.signature(attribute(network, "train_iteration"))

    def take_note(*args: Any, **kwargs: Any) -> float:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        X, d, lr = [*given.arguments.values()][:3]
        steps.append(Step(np.array(X), np.array(d), lr, (len(steps) + 1.0) * np.atleast_2d(X).shape[1]))
        return steps[-1].loss

    network.train_iteration = take_note
    return attribute(network, "fit")(X, d, batch_size, n_epochs, options.pop("lr", _RATE), **options)


@check
def mini_batches(network: Any, n_samples: int = 23, batch_size: int = 5) -> Passed:
    """Check the loop of `fit` on numbered samples: each is used once per epoch, in a new order, with its target.

    Also check the learning rate of each step: as given, or divided by the batch size if `fit` reduces by mean.
    """
    steps, sizes, n_batches = list[Step](), sizes_found(network), -(-n_samples // batch_size)
    fitted = copy.deepcopy(network)
    history = fit_noted(steps, fitted, *numbered(network, n_samples), batch_size, _EPOCHS)
    unchanged("fit, between its steps", fitted, parameters(network))
    shape = sizes[0], min(batch_size, n_samples)
    expect("shape of the first batch", steps[0].X.shape if steps else "no batch", shape)
    expect(f"calls of train_iteration in {_EPOCHS} epochs", len(steps), _EPOCHS * n_batches)
    compare("learning rate of step", [step.lr for step in steps], [_RATE] * len(steps), _EXACT)
    orders, losses = [], []
    for epoch in range(_EPOCHS):
        batches = steps[epoch * n_batches : (epoch + 1) * n_batches]
        used = [k for batch in batches for k in batch.samples]
        if sorted(used) != list(range(n_samples)):
            found = f"expected each of {n_samples} samples once, got {sorted(used)}"
            raise CheckError(f"epoch {epoch + 1}: {found}")
        lengths = [len(batch.samples) for batch in batches]
        expect(f"batch sizes in epoch {epoch + 1}", lengths[:-1], [batch_size] * (n_batches - 1))
        targets = [t for batch in batches for t in batch.targets]
        expect(f"targets in epoch {epoch + 1}", targets, [k % sizes[-1] for k in used])
        orders.append(used)
        losses.append(math.fsum(batch.loss for batch in batches) / n_samples)
    epochs = [f"mean loss of epoch {epoch + 1}" for epoch in range(_EPOCHS)]
    compare("the history that fit returns", history, losses, _ROUNDED, lambda at: epochs[at[0]])
    if orders[0] == orders[1]:
        raise CheckError("order of the samples: expected a new one in each epoch, got the same twice")
    starts = range(0, n_samples, batch_size)
    first, second = ({frozenset(order[at : at + batch_size]) for at in starts} for order in orders)
    if first == second and n_batches > 1:
        raise CheckError("batches: expected other samples together in each epoch, got the same batches twice")
    if "reduction" in inspect.signature(network.fit).parameters:
        given = copy.deepcopy(network), *numbered(network, n_samples), batch_size
        fit_noted(by_mean := list[Step](), *given, 1, reduction="mean")
        rates = [_RATE / len(step.samples) for step in by_mean]
        compare("learning rate by mean of step", [step.lr for step in by_mean], rates, _EXACT)
    return Passed(f"{_EPOCHS} epochs of {n_samples} numbered samples: each used once, with its own target")
