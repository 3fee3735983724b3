"""Settings that a network tells by itself: the learning rate, and the batch size that pays now."""

import numpy as np

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Array, Result, Steps, finish, reads
from explorer.extensions.demonstrations.figures import curves
from explorer.extensions.demonstrations.texts import demonstration
from explorer.network import NeuralNetwork
from explorer.training import TrainingRun, new_network
from explorer.training.presets import PRESETS, START
from explorer.training.process_settings import one_blas_thread

_STEPS, _LOW, _HIGH = 100, 1e-3, 30.0
_SMOOTH = 0.9
_BLOWN_UP = 4.0  # times the smallest loss
_MODERN = PRESETS["Modern"]
_IMAGES = 10_000


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


@demonstration("rate_finder", _MODERN)
def rate_finder(dataset: Dataset, seed: int, _network: object = None) -> Steps:
    """Let the rate grow over a hundred mini-batches, and train with the advised one and with twice as much."""
    network = new_network(_MODERN.replace(seed=seed), dataset)
    rates, losses = rate_test(network, dataset.X_train, dataset.Y_train, _MODERN.batch_size, seed)
    best = float(rates[int(np.nanargmin(losses))])
    advised, found = float(f"{best / 2:.0e}"), {"best": best, "blown": float(rates[-1] / best)}
    for k, name in enumerate(("half", "whole")):
        config = _MODERN.replace(seed=seed, epochs=1, learning_rate=advised * (k + 1))
        network = yield from finish(TrainingRun(config, dataset), k / 2, (k + 1) / 2)
        found[name] = reads(network, dataset)
    figure = curves({"loss": (rates, losses)}, "learning rate", "loss per sample", x={"type": "log"})
    found |= {"advised": advised, "double": 2 * advised, "gain": found["whole"] - found["half"]}
    yield Result(found, figure)


def noise_scale(network: NeuralNetwork, X: Array, d: Array) -> float:
    """Return tr Σ / |G|², about the batch size beyond which larger ones bring little (McCandlish et al., 2018).

    G is the mean gradient of samples `X`, (n_input, n), with desired outputs `d`, (n_output, n), and Σ their
    covariance. A layer's gradient for one sample is δ hᵀ, whose square length is |δ|² (|h|² + 1) with the bias: no
    gradient of a single sample is needed.
    """
    n = X.shape[1]
    gradient = network.backward(X, network.forward(X), d)
    length = sum(float(np.square(part / n).sum()) for part in gradient)
    delta, total = network.output_delta(network.h[-1], d), 0.0
    for i in reversed(range(network.n_layers)):
        total += float((np.square(delta).sum(axis=0) * (np.square(network.h[i]).sum(axis=0) + 1)).mean())
        if i > 0:
            delta = (network.W[i].T @ delta) * network.f[i - 1].d(network.a[i - 1])
    spread = (total - length) * n / (n - 1)  # tr Σ, without bias
    return float(spread / max(length - spread / n, 1e-30))


def _direction(network: NeuralNetwork, X: Array, d: Array) -> Array:
    """Return the gradient at the samples, as one vector of length 1."""
    gradient = np.concatenate([part.ravel() for part in network.backward(X, network.forward(X), d)])
    return np.asarray(gradient / np.linalg.norm(gradient))


@demonstration("noise_scale", START)
def batch_size(dataset: Dataset, seed: int, _network: object = None) -> Steps:
    """Measure the gradient noise scale as a network learns."""
    few, run = dataset.head(_IMAGES), TrainingRun(START.replace(seed=seed, epochs=5), dataset)
    X, d, rng = few.X_train, few.Y_train, np.random.default_rng(seed)
    epochs, scales = [0.0], [noise_scale(run.network, X, d)]
    chosen = (rng.integers(0, X.shape[1], max(1, round(scales[0]))) for _ in range(50))
    parts = [_direction(run.network, X[:, batch], d[:, batch]) for batch in chosen]
    cosine = float(np.mean(parts @ _direction(run.network, X, d)))
    with one_blas_thread():
        for event in run:
            if event is not None and run.epoch - epochs[-1] >= 0.25:
                epochs.append(run.epoch)
                scales.append(min(noise_scale(run.network, X, d), _IMAGES))  # beyond, it is noise itself
                line = {"noise scale": (np.array(epochs), np.array(scales))}
                figure = curves(line, "epoch", "noise scale (images)", y={"type": "log"})
                numbers = {"first": scales[0], "last": float(f"{scales[-1]:.2g}"), "cosine": cosine}
                yield Result({**numbers, "grown": scales[-1] / scales[0], "images": _IMAGES}, figure)
