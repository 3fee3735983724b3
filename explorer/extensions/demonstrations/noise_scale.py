"""The gradient noise scale: the batch size that pays now, from the lengths of gradients alone."""

from functools import partial

import numpy as np

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Array, Demonstration, Result, Steps
from explorer.extensions.demonstrations.figures import curves
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.network import NeuralNetwork
from explorer.training import TrainingRun
from explorer.training.presets import START
from explorer.training.process_settings import one_blas_thread

_IMAGES = 10_000


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


def _run(dataset: Dataset, seed: int, _network: NeuralNetwork | None = None) -> Steps:
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
                figure = partial(curves, line, "epoch", "noise scale (images)", y={"type": "log"})
                numbers = {"first": scales[0], "last": float(f"{scales[-1]:.2g}"), "cosine": cosine}
                yield Result({**numbers, "grown": scales[-1] / scales[0], "images": _IMAGES}, figure)


DEMONSTRATION = Demonstration("noise_scale", TEXTS["noise_scale"], START, _run)
