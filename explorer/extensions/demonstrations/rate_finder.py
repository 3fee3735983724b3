"""The learning-rate finder: a hundred mini-batches with a rate that grows, and advice in words."""

from functools import partial

import numpy as np

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Array, Demonstration, Result, Steps, finish, reads
from explorer.extensions.demonstrations.figures import curves
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.network import NeuralNetwork
from explorer.training import TrainingRun, new_network
from explorer.training.presets import PRESETS

_STEPS, _LOW, _HIGH = 100, 1e-3, 30.0
_SMOOTH = 0.9
_BLOWN_UP = 4.0  # times the smallest loss
_CONFIG = PRESETS["Modern"]


@np.errstate(all="ignore")  # the loss overflows where the rate is too high
def rate_test(
    network: NeuralNetwork, X: Array, d: Array, batch_size: int, seed: int = 0
) -> tuple[Array, Array]:
    """Train a copy on 100 mini-batches with rates growing from 0.001 to 30, until the loss blows up (Smith, 2017).

    `X` are inputs (n_input, n), `d` desired outputs (n_output, n). Returns the rates, those of a mean over the
    batch, and the losses, means over the last ten or so batches.
    """
    network, rng = network.copy(), np.random.default_rng(seed)
    rates, losses, mean = np.geomspace(_LOW, _HIGH, _STEPS), list[float](), 0.0
    for step, rate in enumerate(rates, 1):
        batch = rng.integers(0, X.shape[1], batch_size)
        loss = network.train_iteration(X[:, batch], d[:, batch], float(rate) / batch_size) / batch_size
        mean = _SMOOTH * mean + (1 - _SMOOTH) * loss
        losses.append(mean / (1 - _SMOOTH**step))
        if not losses[-1] < _BLOWN_UP * min(losses):
            break
    return rates[: len(losses)], np.array(losses)


def _run(dataset: Dataset, seed: int, _network: NeuralNetwork | None = None) -> Steps:
    network = new_network(_CONFIG.replace(seed=seed), dataset)
    rates, losses = rate_test(network, dataset.X_train, dataset.Y_train, _CONFIG.batch_size, seed)
    best = float(rates[int(np.nanargmin(losses))])
    advised, found = float(f"{best / 2:.0e}"), {"best": best, "blown": float(rates[-1] / best)}
    for k, name in enumerate(("half", "whole")):
        config = _CONFIG.replace(seed=seed, epochs=1, learning_rate=advised * (k + 1))
        network = yield from finish(TrainingRun(config, dataset), k / 2, (k + 1) / 2)
        found[name] = reads(network, dataset)
    figure = partial(curves, {"loss": (rates, losses)}, "learning rate", "loss per sample", x={"type": "log"})
    found |= {"advised": advised, "double": 2 * advised, "gain": found["whole"] - found["half"]}
    yield Result(found, figure)


DEMONSTRATION = Demonstration("rate_finder", TEXTS["rate_finder"], _CONFIG, _run)
