"""It settles at 2/η: full-batch gradient descent makes its valley as sharp as its rate can bear."""

from functools import partial

import numpy as np

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Array, Demonstration, Knob, Result, Steps
from explorer.extensions.demonstrations.figures import curves
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.network import NeuralNetwork
from explorer.network.network import Network
from explorer.training import TrainingConfig

_IMAGES, _STEPS, _EVERY = 1000, 600, 20
_CONFIG = TrainingConfig(
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

    They are those within the space of `start`, (n, number of parameters), and of products with the Hessian, `size`
    vectors in all. A product is a difference of gradients, (∇L(θ + ε v) − ∇L(θ − ε v)) / 2ε. From three vectors,
    two eigenvalues that are near each other are both found.
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


def _run(dataset: Dataset, seed: int, _network: NeuralNetwork | None = None, eta: float = 0.4) -> Steps:
    few, rows, v = dataset.head(_IMAGES), list[tuple[float, float, float]](), None
    X, d = few.X_train - few.X_train.mean(axis=1, keepdims=True), few.Y_train
    sizes = len(X), 32, dataset.n_classes
    network = LinearOutput(*sizes, hidden_activation="tanh", dtype=np.float32, seed=seed)
    for step in range(_STEPS + 1):
        if step % _EVERY == 0:
            loss = network.compute_loss(network.forward(X), d) / _IMAGES
            top, v = sharpness(network, X, d, v, size=30 if v is None else 9)
            rows.append((step, loss, top))
            yield _result(np.array(rows), 2 / eta)
        network.train_iteration(X, d, eta / _IMAGES)


def _result(rows: Array, bound: float) -> Result:
    steps, losses, tops = rows.T
    lines = {"": ([0, _STEPS], [bound, bound]), "sharpness": (steps, tops), "loss × 10": (steps, 10 * losses)}
    words = {"x": _STEPS, "y": bound, "text": f"2/η = {bound:.3g}", "xanchor": "right", "yanchor": "top"}
    figure = partial(curves, lines, "step", "largest eigenvalue of the Hessian", annotations=[words])
    half, late = losses[len(rows) // 2 :], tops[len(rows) // 2 :]
    numbers = {"last": tops[-1], "eta": 2 / bound, "bound": bound, "first": tops[0], "lowest": tops.min()}
    numbers |= {"below": tops.min() / bound, "off": np.abs(late / bound - 1).max(), "middle": half[0]}
    numbers |= {"loss": half[-1], "fell": 1 - half[-1] / half[0], "rises": (np.diff(half) > 0).sum()}
    return Result(numbers, figure)


_ETA = Knob("eta", "η", (0.3, 0.4, 0.5), 0.4)
DEMONSTRATION = Demonstration("sharpness", TEXTS["sharpness"], _CONFIG, _run, _ETA)
