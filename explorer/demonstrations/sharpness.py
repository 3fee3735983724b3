"""It settles at 2/η: full-batch gradient descent makes its valley as sharp as its rate can bear."""

from functools import partial

import numpy as np

from explorer.datasets import Dataset
from explorer.demonstrations.demonstration import Array, Demonstration, Knob, Result, Steps
from explorer.demonstrations.figures import curves
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
    network: Network, X: Array, d: Array, start: Array | None = None, rounds: int = 20, eps: float = 1e-2
) -> tuple[float, Array]:
    """Return the largest eigenvalue of the Hessian of the mean loss, and its eigenvector, by power iteration.

    A product with the Hessian is a difference of two gradients, (∇L(θ + ε v) − ∇L(θ − ε v)) / 2ε. `start` is a
    vector to begin with, as long as all parameters together.
    """
    ends = np.cumsum([theta.size for theta in network.parameters])
    origin, value = [theta.copy() for theta in network.parameters], 0.0
    v = np.random.default_rng(0).standard_normal(ends[-1]) if start is None else start

    def gradient(at: float) -> Array:
        for theta, own, part in zip(network.parameters, origin, np.split(v, ends[:-1]), strict=True):
            theta[:] = own + at * part.reshape(own.shape)
        parts = network.backward(X, network.forward(X), d)
        return np.asarray(np.concatenate([part.ravel() for part in parts]) / X.shape[1])

    for _ in range(rounds):
        v = v / np.linalg.norm(v)
        product = (gradient(eps) - gradient(-eps)) / (2 * eps)
        value, v = float(v @ product), product
    for theta, own in zip(network.parameters, origin, strict=True):
        theta[:] = own
    return value, v / np.linalg.norm(v)


def _run(dataset: Dataset, seed: int, _network: NeuralNetwork | None = None, eta: float = 0.4) -> Steps:
    few, rows, v = dataset.head(_IMAGES), list[tuple[float, float, float]](), None
    X, d = few.X_train - few.X_train.mean(axis=1, keepdims=True), few.Y_train
    sizes = len(X), 32, dataset.n_classes
    network = LinearOutput(*sizes, hidden_activation="tanh", dtype=np.float32, seed=seed)
    for step in range(_STEPS + 1):
        if step % _EVERY == 0:
            loss = network.compute_loss(network.forward(X), d) / _IMAGES
            top, v = sharpness(network, X, d, v, rounds=20 if v is None else 5)
            rows.append((step, loss, top))
            yield _result(np.array(rows), 2 / eta)
        network.train_iteration(X, d, eta / _IMAGES)


def _result(rows: Array, bound: float) -> Result:
    steps, losses, tops = rows.T
    lines = {
        "": ([0, _STEPS], [bound, bound]),
        "sharpness": (steps, tops),
        "loss × 10": (steps, 10 * losses),
    }
    words = {"x": _STEPS, "y": bound, "text": f"2/η = {bound:.3g}", "xanchor": "right", "yanchor": "top"}
    figure = partial(curves, lines, "step", "largest eigenvalue of the Hessian", annotations=[words])
    return Result({"last": tops[-1], "bound": bound}, figure)


_ETA = Knob("eta", "η", (0.3, 0.4, 0.5), 0.4)
DEMONSTRATION = Demonstration("sharpness", _CONFIG, _run, _ETA)
