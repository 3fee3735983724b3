"""What training does in time: it forgets, learns by heart, settles at the edge; its best rate and batch size."""

import numpy as np

from explorer.datasets import Dataset
from explorer.experiments import Array, Knob, Result, Steps, finish, reads, training
from explorer.extensions.demonstrations.labels import of_classes
from explorer.extensions.demonstrations.presentation import PERCENT, curves, demonstration
from explorer.network import NeuralNetwork, accuracy
from explorer.network.network import Network
from explorer.training import TrainingConfig, TrainingRun, new_network
from explorer.training.presets import PRESETS, START
from explorer.training.process_settings import one_blas_thread

_OLD, _NEW = range(5), range(5, 10)
_FORGETS, _ASKED, _BATCH, _RATE = 100, 40, 128, 0.1  # steps
_COSINE = PRESETS["Modern"].replace(epochs=3, learning_rate=0.2, schedule="cosine")


@demonstration("forgetting", _COSINE)
def forgetting(dataset: Dataset, seed: int, _network: object = None) -> Steps:
    """Learn the digits 5 to 9 after 0 to 4: they wipe these out."""
    old, new = (of_classes(dataset, classes) for classes in (_OLD, _NEW))
    network = yield from training(_COSINE.replace(seed=seed), old, 0.8)
    rng, rows = np.random.default_rng(seed), list[tuple[float, ...]]()
    for step in range(_FORGETS + 1):
        if step % 10 == 0:
            rows.append((step, reads(network, old), reads(network, new)))
            at, known, learned = np.array(rows).T
            asked = known[at <= _ASKED][-1]
            ends = {"first": known[0], "lost": known[0] - asked, "left": known[-1], "learned": learned[-1]}
            lines = {"digits 0 to 4": (at, 100 * known), "digits 5 to 9": (at, 100 * learned)}
            figure = curves(lines, "mini-batches of 5 to 9", "test accuracy (%)", y=PERCENT)
            yield Result({"asked": asked, **ends, "step": step}, figure)
        batch = rng.integers(0, new.n_train, _BATCH)
        network.train_iteration(new.X_train[:, batch], new.Y_train[:, batch], _RATE / _BATCH)


_KNOWN, _GROKS, _GROK_EVERY, _TESTED = 200, 2600, 50, 2000  # images, steps, steps, images
_USUAL = 100  # steps with initial weights of the usual size
_SCALE = np.float32(16)  # of the initial weights
_DECAYED = TrainingConfig(
    hidden_sizes=(64,), hidden_activation="relu", output="softmax", loss="cross_entropy", initializer="he",
    optimizer="adamw", l2=1.0, learning_rate=0.001, n_train=_KNOWN, batch_size=_KNOWN, reduction="mean",
)  # fmt: skip


@demonstration("grokking", _DECAYED)
def grokking(dataset: Dataset, seed: int, _network: object = None) -> Steps:
    """Start from weights that are too large: by heart first, better later."""
    few, rows = dataset.head(_KNOWN), list[tuple[float, ...]]()
    network = new_network(_DECAYED.replace(seed=seed), dataset)
    usual_network = network.copy()
    for W in network.W:
        W *= _SCALE
    seen = few.X_train, few.train_labels
    unseen = dataset.X_test[:, :_TESTED], dataset.test_labels[:_TESTED]
    for _ in range(_USUAL):
        usual_network.train_iteration(few.X_train, few.Y_train, _DECAYED.learning_rate)
    usual = accuracy(unseen[1], usual_network.predict(unseen[0]))
    for step in range(_GROKS + 1):
        if step % _GROK_EVERY == 0:
            rows.append((step, *(accuracy(labels, network.predict(X)) for X, labels in (seen, unseen))))
            at, train, test = np.array(rows).T
            known = int(np.argmax(train == 1)) if (train == 1).any() else len(at) - 1
            early = test[known]
            numbers = {"last": test[-1], "known": at[known], "early": early, "gain": test[-1] - early}
            numbers |= {"step": step, "usual": usual, "below": usual - test[-1], "train": train[-1]}
            lines = {"train": (at, 100 * train), "test": (at, 100 * test)}
            yield Result(numbers, curves(lines, "step", "accuracy (%)", y=PERCENT))
        network.train_iteration(few.X_train, few.Y_train, _DECAYED.learning_rate)


_IMAGES, _STEPS, _EVERY = 1000, 600, 20
_FULL_BATCH = TrainingConfig(
    hidden_activation="tanh", n_train=_IMAGES, batch_size=_IMAGES, reduction="mean", learning_rate=0.4
)


class LinearOutput(Network):
    """A network whose outputs are its weighted sums, with the squared error, as in the paper."""

    def init_weights(self) -> None:
        """Let the outputs pass as they are."""
        super().init_weights()
        self.f[-1] = np.asarray

    def output_delta(self, y: Array, d: Array) -> Array:
        """Return the slope of ½ Σ (y − d)²."""
        return y - d


def sharpness(
    network: Network, X: Array, d: Array, start: Array | None = None, size: int = 30, eps: float = 1e-2
) -> tuple[float, Array]:
    """Return the largest eigenvalue of the Hessian of the mean loss, and three eigenvectors, by Rayleigh and Ritz.

    They are those in the space of `start`, (3, n_parameters), and products with the Hessian, `size` vectors in
    all. A product is a difference of gradients, (∇L(θ + ε v) − ∇L(θ − ε v)) / 2ε.
    """
    ends = np.cumsum([theta.size for theta in network.parameters])
    origin = [theta.copy() for theta in network.parameters]
    queue = [*(np.random.default_rng(0).standard_normal((3, ends[-1])) if start is None else start)]

    def gradient(v: Array) -> Array:
        for theta, own, part in zip(network.parameters, origin, np.split(v, ends[:-1]), strict=True):
            theta[:] = own + part.reshape(own.shape)
        parts = network.backward(X, network.forward(X), d)
        return np.asarray(np.concatenate([part.ravel() for part in parts]) / X.shape[1])

    basis, products = np.empty((2, size, ends[-1]))
    for k in range(size):
        v = queue.pop(0)
        for _ in range(2):  # the second time removes the rounding errors of the first
            v = v - basis[:k].T @ (basis[:k] @ v)
        basis[k] = v / np.linalg.norm(v)
        products[k] = (gradient(eps * basis[k]) - gradient(-eps * basis[k])) / (2 * eps)
        queue.append(products[k])
    for theta, own in zip(network.parameters, origin, strict=True):
        theta[:] = own
    values, vectors = np.linalg.eigh(basis @ products.T)
    return float(values[-1]), vectors[:, -3:].T @ basis


@demonstration("sharpness", _FULL_BATCH, Knob("eta", "η", (0.3, 0.4, 0.5), 0.4))
def edge_of_stability(dataset: Dataset, seed: int, _network: object = None, eta: float = 0.4) -> Steps:
    """Descend with the full batch: the valley gets as sharp as the rate can bear, 2/η."""
    few, rows, v = dataset.head(_IMAGES), list[tuple[float, float, float]](), None
    X, d = few.X_train - few.X_train.mean(axis=1, keepdims=True), few.Y_train
    sizes = len(X), 32, dataset.n_classes
    network = LinearOutput(*sizes, hidden_activation="tanh", dtype=np.float32, seed=seed)
    bound = 2 / eta
    words = {"x": _STEPS, "y": bound, "text": f"2/η = {bound:.3g}", "xanchor": "right", "yanchor": "top"}
    for step in range(_STEPS + 1):
        if step % _EVERY == 0:
            loss = network.compute_loss(network.forward(X), d) / _IMAGES
            top, v = sharpness(network, X, d, v, size=30 if v is None else 9)
            rows.append((step, loss, top))
            steps, losses, tops = np.array(rows).T
            sharp, lost = (steps, tops), (steps, 10 * losses)
            lines = {"": ([0, _STEPS], [bound, bound]), "sharpness": sharp, "loss × 10": lost}
            half, late = losses[len(rows) // 2 :], tops[len(rows) // 2 :]
            numbers = {"last": tops[-1], "eta": eta, "bound": bound, "first": tops[0], "lowest": tops.min()}
            numbers |= {"below": tops.min() / bound, "off": np.abs(late / bound - 1).max(), "middle": half[0]}
            numbers |= {"loss": half[-1], "fell": 1 - half[-1] / half[0], "rises": (np.diff(half) > 0).sum()}
            titles = "step", "largest eigenvalue of the Hessian"
            yield Result(numbers, curves(lines, *titles, annotations=[words]))
        network.train_iteration(X, d, eta / _IMAGES)


_RATES, _LOW, _HIGH = 100, 1e-3, 30.0
_SMOOTH = 0.9
_BLOWN_UP = 4.0  # times the smallest loss
_MODERN = PRESETS["Modern"]
_FEW = 10_000


@np.errstate(all="ignore")  # the loss overflows where the rate is too high
def rate_test(
    network: NeuralNetwork, X: Array, d: Array, batch_size: int, seed: int = 0
) -> tuple[Array, Array]:
    """Train a copy on 100 mini-batches with rates growing from 0.001 to 30, until the loss blows up (Smith, 2017).

    Returns the rates, those of a mean over the batch, and the losses, means over the last ten or so batches.
    """
    network, rng = network.copy(), np.random.default_rng(seed)
    rates, losses, mean = np.geomspace(_LOW, _HIGH, _RATES), list[float](), 0.0
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

    G is the mean gradient of the samples, and Σ their covariance. A layer's gradient for one sample is δ hᵀ, whose
    square length is |δ|² (|h|² + 1) with the bias: no gradient of a single sample is needed.
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
    few, run = dataset.head(_FEW), TrainingRun(START.replace(seed=seed, epochs=5), dataset)
    X, d, rng = few.X_train, few.Y_train, np.random.default_rng(seed)
    epochs, scales = [0.0], [noise_scale(run.network, X, d)]
    chosen = (rng.integers(0, X.shape[1], max(1, round(scales[0]))) for _ in range(50))
    parts = [_direction(run.network, X[:, batch], d[:, batch]) for batch in chosen]
    cosine = float(np.mean(parts @ _direction(run.network, X, d)))
    with one_blas_thread():
        for event in run:
            if event is not None and run.epoch - epochs[-1] >= 0.25:
                epochs.append(run.epoch)
                scales.append(min(noise_scale(run.network, X, d), _FEW))  # beyond, it is noise itself
                line = {"noise scale": (np.array(epochs), np.array(scales))}
                figure = curves(line, "epoch", "noise scale (images)", y={"type": "log"})
                numbers = {"first": scales[0], "last": float(f"{scales[-1]:.2g}"), "cosine": cosine}
                yield Result({**numbers, "grown": scales[-1] / scales[0], "images": _FEW}, figure)
