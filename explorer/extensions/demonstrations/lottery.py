"""A lottery ticket: nine of ten weights cut, the rest as they were at the start, and still it reads."""

from collections.abc import Sequence

import numpy as np

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Array, Knob, Result, Steps, batches, reads, training
from explorer.extensions.demonstrations.figures import pictures
from explorer.extensions.demonstrations.texts import demonstration
from explorer.network import NeuralNetwork
from explorer.training import new_network
from explorer.training.presets import PRESETS

_BATCH, _RATE, _SHOWN = 128, 0.3, 12
_CONFIG = PRESETS["Modern"]


def large_weights(network: NeuralNetwork, share: float) -> list[Array]:
    """Return by layer which weights stay if the smallest `share` of all is cut (Han et al., 2015)."""
    smallest = np.quantile(np.abs(np.concatenate([W.ravel() for W in network.W])), share)
    return [np.abs(W) >= smallest for W in network.W]


def masked(network: NeuralNetwork, masks: Sequence[Array]) -> NeuralNetwork:
    """Return a copy in which only the weights in the masks are left."""
    copy = network.copy()
    for W, mask in zip(copy.W, masks, strict=True):
        W *= mask
    return copy


def _epoch(network: NeuralNetwork, masks: Sequence[Array], dataset: Dataset, seed: int) -> float:
    """Train an epoch without the weights that are cut; return the test accuracy."""
    for batch in batches(dataset.n_train, _BATCH, np.random.default_rng(seed)):
        network.train_iteration(dataset.X_train[:, batch], dataset.Y_train[:, batch], _RATE / len(batch))
        for W, mask in zip(network.W, masks, strict=True):
            W *= mask
    return reads(network, dataset)


@demonstration("lottery", _CONFIG, Knob("share", "cut", (0.5, 0.8, 0.9, 0.95, 0.98), 0.9), uses_run=True)
def ticket(dataset: Dataset, seed: int, network: NeuralNetwork | None = None, share: float = 0.9) -> Steps:
    """Cut the smallest weights, and train the others from where they began."""
    dense = network or (yield from training(_CONFIG.replace(seed=seed), dataset, 0.5))
    config = _CONFIG.replace(seed=seed, hidden_sizes=dense.layer_sizes[1:-1], **dense.functions)
    masks, start = large_weights(dense, share), new_network(config, dataset)
    ticket, other = masked(start, masks), masked(new_network(config.replace(seed=seed + 1), dataset), masks)
    kept = dense.W[0] * masks[0]
    images = [(row / (np.abs(row).max() or 1)).reshape(28, 28) for row in kept[:_SHOWN]]
    figure = pictures(images, [f"unit {k}" for k in range(len(images))], 6)
    found = {"untrained": reads(ticket, dataset), "dense": reads(dense, dataset), "share": share}
    yield Result({**found, "trained": np.nan, "other": np.nan}, figure)
    found["trained"] = trained = _epoch(ticket, masks, dataset, seed)
    yield Result({**found, "other": np.nan}, figure)
    found |= {"other": _epoch(other, masks, dataset, seed), "below": found["dense"] - trained}
    yield Result({**found, "lead": trained - found["other"]}, figure)
