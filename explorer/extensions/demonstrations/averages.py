"""The mean of two networks: of strangers, of strangers whose units are matched, and of two forks."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from scipy.optimize import linear_sum_assignment

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Array, Demonstration, Result, Steps, finish, reads, training
from explorer.extensions.demonstrations.figures import curves
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.network import NeuralNetwork
from explorer.training import TrainingRun
from explorer.training.presets import START

_SHARES = np.linspace(0, 1, 11)
_CONFIG = START.replace(epochs=5)


def average(a: NeuralNetwork, b: NeuralNetwork, share: float = 0.5) -> NeuralNetwork:
    """Return a network with the weights (1 − t) A + t B, of two with the same layers."""
    mean, both = a.copy(), zip(a.parameters, b.parameters, strict=True)
    mean.set_weights([(1 - share) * one + share * other for one, other in both])
    return mean


def match_units(a: NeuralNetwork, b: NeuralNetwork) -> NeuralNetwork:
    """Return network b with its hidden units in the order that is most like a's (Ainsworth et al., 2023).

    Layer by layer, the order maximizes the sum of the inner products of incoming weights with a's: an assignment
    problem (Kuhn, 1955). The result computes what b does.
    """
    same = b.copy()
    for layer in range(b.n_layers - 1):
        alike = a.W[layer] @ same.W[layer].T + a.b[layer] @ same.b[layer].T
        alike = alike + a.W[layer + 1].T @ same.W[layer + 1]
        order = linear_sum_assignment(alike, maximize=True)[1]
        same.W[layer][:], same.b[layer][:] = same.W[layer][order], same.b[layer][order]
        same.W[layer + 1][:] = same.W[layer + 1][:, order]
    return same


def blend(a: NeuralNetwork, b: NeuralNetwork, dataset: Dataset, shares: Sequence[float] | Array) -> Array:
    """Return the test accuracy of (1 − t) A + t B for each t, shape (n,)."""
    return np.array([reads(average(a, b, float(t)), dataset) for t in shares])


def _run(dataset: Dataset, seed: int, network: NeuralNetwork | None = None) -> Steps:
    a = network or (yield from training(_CONFIG.replace(seed=seed), dataset, 0.2))
    alike = _CONFIG.replace(hidden_sizes=a.layer_sizes[1:-1], **a.functions)
    b = yield from finish(TrainingRun(alike.replace(seed=seed + 1000), dataset), 0.2, 0.4)
    root = TrainingRun(alike.replace(seed=seed, epochs=1), dataset)
    yield from finish(root, 0.4, 0.6)
    forks = list[NeuralNetwork]()
    for k in (1, 2):
        fork = TrainingRun(alike.replace(seed=seed + k), dataset, start=root.snapshot())
        forks.append((yield from finish(fork, 0.4 + 0.2 * k, 0.6 + 0.2 * k)))
    pairs = {"strangers": (a, b), "matched": (a, match_units(a, b)), "forks": (forks[0], forks[1])}
    found = {name: blend(*pair, dataset, _SHARES) for name, pair in pairs.items()}
    words = zip(("two seeds", "units matched", "two branches of one run"), found.values(), strict=True)
    lines = {name: (_SHARES, 100 * y) for name, y in words}
    numbers = {name: float(y[len(y) // 2]) for name, y in found.items()}
    ends = {name: float(y[[0, -1]].mean()) for name, y in found.items()}
    numbers |= {f"{name}_below": 100 * (ends[name] - numbers[name]) for name in found}
    numbers["closed"] = 1 - numbers["matched_below"] / max(numbers["strangers_below"], 1e-9)
    numbers["ends"] = ends["strangers"]
    yield Result(numbers, partial(curves, lines, "share of network B", "test accuracy (%)"))


DEMONSTRATION = Demonstration("averages", TEXTS["averages"], _CONFIG, _run, uses_run=True)
