"""One epoch of the same training, written in several ways, for `engine.py` to time.

Each contestant is made from a `Case` and a data set. `epoch()` trains on every image once, in a fresh order, by
mini-batch gradient descent in float32; `rest()` does what follows an epoch and isn't timed.
"""

import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from IPython.core.interactiveshell import InteractiveShell

from explorer.datasets import Dataset
from explorer.network import NeuralNetwork
from explorer.training import BatchRecord, Snapshot, TrainingConfig, TrainingRun

LEARNING_RATE = 0.1  # of the mean gradient: small enough that every case learns and no number overflows
LOAD_ROWS = 512

Array = np.ndarray
Layers = list[tuple[Array, Array]]


@dataclass(frozen=True)
class Case:
    """A network, a mini-batch, and how many images an epoch has."""

    hidden: tuple[int, ...]
    batch: int
    images: int = 60_000
    modern: bool = False
    """Relu, softmax and cross-entropy instead of sigmoid and squared error."""
    method: str = "sgd"
    """Or "momentum", "adam" or "dropout": of half the units of each hidden layer."""

    @property
    def rate(self) -> float:
        """The learning rate for the mean gradient."""
        return {"momentum": LEARNING_RATE / 10, "adam": 0.001}.get(self.method, LEARNING_RATE)

    @property
    def sizes(self) -> tuple[int, ...]:
        return 784, *self.hidden, 10

    @property
    def network(self) -> str:
        return "-".join(map(str, self.sizes))

    def batches(self, most: int | None = None) -> list[tuple[int, int]]:
        """Bounds of an epoch's mini-batches, or of their parts of at most so many images."""
        step = self.batch if most is None else min(self.batch, most)
        return [(start, min(start + step, self.images)) for start in range(0, self.images, step)]

    def first_weights(self) -> Layers:
        """For each layer W (n_out, n_in) and b (n_out, 1), drawn with Glorot's or He's bound."""
        rng = np.random.default_rng(0)
        layers = []
        for n_in, n_out in pairwise(self.sizes):
            bound = (6 / n_in if self.modern else 6 / (n_in + n_out)) ** 0.5
            W = rng.uniform(-bound, bound, (n_out, n_in)).astype(np.float32)
            layers.append((W, np.zeros((n_out, 1), np.float32)))
        return layers


class Contestant(ABC):
    """A way of training."""

    name: str
    needs: str | None = None
    """The package that it is written with, besides NumPy."""
    blas_threads: int | None = 1

    @abstractmethod
    def __init__(self, case: Case, data: Dataset) -> None: ...

    @abstractmethod
    def epoch(self) -> None:
        """Train on every image once; this is timed."""

    def rest(self) -> None:  # noqa: B027  # most leave nothing to do
        """Do what an epoch leaves to do."""

    def weights(self) -> Layers:
        """For each layer W (n_out, n_in) and b (n_out,), of those that `accuracy` is asked of."""
        raise NotImplementedError  # those with an `accuracy` of their own need none

    def accuracy(self, data: Dataset) -> float:
        """The share of the test images that a modern network classifies correctly."""
        h = data.X_test.T
        *hidden, (W, b) = self.weights()
        for V, c in hidden:
            h = np.maximum(h @ V.T + c, 0)
        return float(np.mean((h @ W.T + b).argmax(axis=1) == data.test_labels))


class Limit(Contestant):
    """Not a training: the matrix products that an epoch can't do without, and one gather of the images.

    Each product is made whole, in the shape that its mini-batch gives it up to 512 images, with operands that
    lie ready in the cache. (That an engine can come close to 1, or below, where it cuts a product to suit BLAS is
    the engine's merit.)
    """

    name = "limit"

    def __init__(self, case: Case, data: Dataset) -> None:
        self.rng = np.random.default_rng(0)
        self.images = data.train_images.reshape(-1, 784)
        self.pixels = np.empty((LOAD_ROWS, 784), np.uint8)
        self.parts = [stop - start for start, stop in case.batches(LOAD_ROWS)]
        self.products = {rows: self._products(case, rows) for rows in set(self.parts)}

    def _products(self, case: Case, rows: int) -> list[tuple[Array, Array, Array]]:
        layers = [self.rng.standard_normal((rows, n), np.float32) for n in case.sizes]
        forward = [(h, np.empty((h.shape[1], a.shape[1]), np.float32), a) for h, a in pairwise(layers)]
        for _, V, _ in forward:
            V[:] = self.rng.standard_normal(V.shape, np.float32)
        gradients = [(h.T, delta, np.empty_like(V)) for h, V, delta in forward]
        backward = [(delta, V.T, np.empty_like(h)) for h, V, delta in forward[1:]]
        return forward + gradients + backward

    def epoch(self) -> None:
        order = self.rng.permutation(len(self.images))
        for start in range(0, len(order), LOAD_ROWS):
            indices = order[start : start + LOAD_ROWS]
            np.take(self.images, indices, 0, self.pixels[: len(indices)], "clip")
        for rows in self.parts:
            for left, right, product in self.products[rows]:
                np.dot(left, right, product)


class Ours(Contestant):
    """A `TrainingRun`, from an epoch's first mini-batch to its last."""

    name = "ours"
    n_threads: int | None = 1

    def __init__(self, case: Case, data: Dataset) -> None:
        config = TrainingConfig(
            hidden_sizes=case.hidden,
            batch_size=case.batch,
            learning_rate=case.rate,
            reduction="mean",
            epochs=500,
        )
        if case.modern:
            names = {"hidden_activation": "relu", "output": "softmax", "loss": "cross_entropy"}
            config = config.replace(**names, initializer="he")
        how = {"dropout": 0.5} if case.method == "dropout" else {"optimizer": case.method}
        self.run = TrainingRun(config.replace(**how), data, n_threads=self.n_threads)

    def epoch(self) -> None:
        for event in self.run:
            if type(event) is BatchRecord and event.epoch == int(event.epoch):
                return

    def rest(self) -> None:
        """Score the 10 000 test images and take the snapshot."""
        for event in self.run:
            if type(event) is Snapshot:
                return

    def weights(self) -> Layers:
        weights = self.run.network.weights()
        return [(W, b[:, 0]) for W, b in zip(weights[::2], weights[1::2], strict=True)]


class OursThreaded(Ours):
    """The same with as many threads as it takes by itself."""

    name = "ours, threads"
    n_threads = None


class Cell(Contestant):
    """The textbook's `fit` in a notebook's cell, with BLAS's own threads."""

    name, first, blas_threads = "cell", "", None

    def __init__(self, case: Case, data: Dataset) -> None:
        network, rate = NeuralNetwork(784, case.hidden, 10, seed=0), LEARNING_RATE / case.batch
        self.shell = InteractiveShell.instance()
        self.shell.push({"fit": partial(network.fit, data.X_train, data.Y_train, case.batch, 1, rate)})
        self.shell.run_cell(self.first).raise_error()

    def epoch(self) -> None:
        self.shell.run_cell("losses = fit()").raise_error()


class PreparedCell(Cell):
    """The same in a notebook that begins as the teaching ones do."""

    name, first = "prepared cell", "from explorer.notebook import prepare\nshown = prepare()"


def sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def d_sigmoid(a: Array) -> Array:
    return sigmoid(a) * (1 - sigmoid(a))


def relu(a: Array) -> Array:
    return np.maximum(a, 0)


def d_relu(a: Array) -> Array:
    return a > 0


def softmax(a: Array) -> Array:
    e = np.exp(a - np.max(a, axis=0))
    return e / np.sum(e, axis=0)


class Naive(Contestant):
    """The course's own code: samples are columns, shuffled by indexing, and each formula makes new arrays."""

    name = "naive course code"

    def __init__(self, case: Case, data: Dataset) -> None:
        self.case = case
        self.X = np.ascontiguousarray(data.X_train)
        self.D = np.ascontiguousarray(data.Y_train)
        self.rng = np.random.default_rng(0)
        self.layers = case.first_weights()
        self.activation, self.slope = (relu, d_relu) if case.modern else (sigmoid, d_sigmoid)

    def epoch(self) -> None:
        permutation = self.rng.permutation(self.case.images)
        X, D = self.X[:, permutation], self.D[:, permutation]
        self.loss = 0.0
        for start, stop in self.case.batches():
            self.loss += self.train_iteration(X[:, start:stop], D[:, start:stop])

    def train_iteration(self, x: Array, d: Array) -> float:
        a, h = self.forward(x)
        y, lr = h[-1], LEARNING_RATE / x.shape[1]
        if self.case.modern:
            loss, delta = -np.sum(d * np.log(y + np.float32(1e-30))), y - d
        else:
            loss, delta = 0.5 * np.sum((y - d) ** 2), (y - d) * d_sigmoid(a[-1])
        for layer in reversed(range(len(self.layers))):
            W, b = self.layers[layer]
            d_W = delta @ h[layer].T
            d_b = np.sum(delta, axis=1, keepdims=True)
            if layer > 0:
                delta = (W.T @ delta) * self.slope(a[layer - 1])
            self.layers[layer] = (W - lr * d_W, b - lr * d_b)
        return loss

    def forward(self, x: Array) -> tuple[list[Array], list[Array]]:
        """Each layer's weighted sums, and the inputs followed by each layer's outputs."""
        a, h = [], [x]
        for W, b in self.layers:
            a.append(W @ h[-1] + b)
            h.append(self.activation(a[-1]))
        h[-1] = softmax(a[-1]) if self.case.modern else h[-1]
        return a, h


class Torch(Contestant):
    """What the PyTorch loops share: images as a float32 tensor, gathered 512 at a time."""

    needs = "torch"
    n_threads = 1

    def __init__(self, case: Case, data: Dataset) -> None:
        import torch

        torch.set_num_threads(self.n_threads)
        self.torch, self.case = torch, case
        self.images = torch.from_numpy(data.X_train.T.copy())
        self.labels = torch.from_numpy(data.train_labels.copy())
        self.one_hot = torch.from_numpy(data.Y_train.T.copy())
        self.generator = torch.Generator().manual_seed(0)

    def batches(self, targets: Any) -> Iterator[tuple[Any, Any]]:
        """Yield the float32 images and the targets of each mini-batch in a fresh order."""
        batch = self.case.batch
        load = max(LOAD_ROWS // batch, 1) * batch
        for indices in self.torch.randperm(self.case.images, generator=self.generator).split(load):
            x, d = self.images.index_select(0, indices), targets.index_select(0, indices)
            if load == batch:
                yield x, d
            else:
                yield from zip(x.split(batch), d.split(batch), strict=True)


class TorchEager(Torch):
    """PyTorch as it is meant to be used: modules, automatic gradients, and its fused optimizer."""

    name = "PyTorch eager"

    def __init__(self, case: Case, data: Dataset) -> None:
        super().__init__(case, data)
        torch, nn = self.torch, self.torch.nn
        modules: list[Any] = []
        for W, b in case.first_weights():
            linear = nn.Linear(*W.shape[::-1])
            linear.weight.data = torch.from_numpy(W)
            linear.bias.data = torch.from_numpy(b[:, 0])
            modules += [linear, nn.ReLU() if case.modern else nn.Sigmoid()]
            if case.method == "dropout":
                modules.append(nn.Dropout(0.5))
        if case.modern:
            modules = modules[: modules.index(linear) + 1]  # the loss below takes the weighted sums
        self.model = nn.Sequential(*modules)
        parameters, rate = self.model.parameters(), case.rate
        if case.method == "adam":
            self.optimizer = torch.optim.Adam(parameters, lr=rate, fused=True)
        else:
            rate *= 1 / case.batch * (1 if case.modern else 0.5)  # the half of the squared error
            momentum = 0.9 if case.method == "momentum" else 0.0
            self.optimizer = torch.optim.SGD(parameters, lr=rate, momentum=momentum, fused=True)

    def epoch(self) -> None:
        functional, model, optimizer = self.torch.nn.functional, self.model, self.optimizer
        loss_of = functional.cross_entropy if self.case.modern else functional.mse_loss
        for x, target in self.batches(self.labels if self.case.modern else self.one_hot):
            optimizer.zero_grad(set_to_none=True)
            loss_of(model(x), target, reduction="sum").backward()
            optimizer.step()

    def weights(self) -> Layers:
        arrays = [parameter.detach().numpy() for parameter in self.model.parameters()]
        return list(zip(arrays[::2], arrays[1::2], strict=True))


class TorchThreaded(TorchEager):
    """The same with a thread for each core."""

    name = "PyTorch eager, threads"
    n_threads = os.cpu_count() or 1


class HandWrittenTorch(Torch):
    """PyTorch's tensors alone: gradients written out, with biases and updates fused into the products."""

    name = "hand-written PyTorch"

    def __init__(self, case: Case, data: Dataset) -> None:
        super().__init__(case, data)
        from_numpy = self.torch.from_numpy
        self.layers = [(from_numpy(W.T.copy()), from_numpy(b[:, 0].copy())) for W, b in case.first_weights()]

    def epoch(self) -> None:
        with self.torch.inference_mode():
            for x, d in self.batches(self.one_hot):
                self.train_iteration(x, d)

    def train_iteration(self, x: Any, d: Any) -> None:
        torch, modern, last = self.torch, self.case.modern, len(self.layers) - 1
        h = [x]
        for layer, (V, b) in enumerate(self.layers):
            a = torch.addmm(b, h[-1], V)
            if layer < last:
                h.append(a.relu_() if modern else a.sigmoid_())
        if modern:
            delta = torch.softmax(a, 1).sub_(d)
        else:
            y = a.sigmoid_()
            delta = (y - d).mul_(y).mul_(1 - y)
        lr = LEARNING_RATE / len(x)
        for layer in range(last, -1, -1):
            V, b = self.layers[layer]
            following = delta
            if layer:
                delta = torch.mm(following, V.t())
                delta = delta.mul_(h[layer] > 0) if modern else delta.mul_(h[layer]).mul_(1 - h[layer])
            V.addmm_(h[layer].t(), following, alpha=-lr)
            b.sub_(following.sum(0), alpha=lr)


class ScikitLearn(Contestant):
    """scikit-learn's MLPClassifier, which for ten classes always ends in softmax and cross-entropy."""

    name = "scikit-learn"
    needs = "sklearn"

    def __init__(self, case: Case, data: Dataset) -> None:
        from sklearn.neural_network import MLPClassifier

        self.X, self.labels = np.ascontiguousarray(data.X_train.T), data.train_labels
        self.model = MLPClassifier(
            hidden_layer_sizes=case.hidden,
            activation="relu" if case.modern else "logistic",
            solver="adam" if case.method == "adam" else "sgd",
            alpha=0.0,
            batch_size=case.batch,
            learning_rate_init=case.rate,
            momentum=0.0,
            nesterovs_momentum=False,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a first call with one mini-batch, which tells it the classes
            self.model.partial_fit(self.X[: case.batch], self.labels[: case.batch], classes=np.arange(10))

    def epoch(self) -> None:
        self.model.partial_fit(self.X, self.labels)

    def weights(self) -> Layers:
        return [(V.T, b) for V, b in zip(self.model.coefs_, self.model.intercepts_, strict=True)]


class Jax(Contestant):
    """JAX with a whole epoch compiled, one `lax.scan` over its mini-batches; for relu and softmax."""

    name = "JAX, compiled"
    needs = "jax"

    def __init__(self, case: Case, data: Dataset) -> None:
        os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")  # one thread, as all others
        import jax

        self.jax, self.rng, self.batch, self.adam = (
            jax,
            np.random.default_rng(0),
            case.batch,
            case.method == "adam",
        )
        self.rate, self.images, self.labels = (
            case.rate,
            *map(jax.numpy.asarray, (data.X_train.T, data.train_labels)),
        )
        first = [(jax.numpy.asarray(W.T), jax.numpy.asarray(b[:, 0])) for W, b in case.first_weights()]
        means, squares = (jax.tree.map(jax.numpy.zeros_like, first) for _ in range(2))
        self.state = first, means, squares, jax.numpy.float32(0)
        self.compiled = jax.jit(self.all_steps, donate_argnums=0)

    def epoch(self) -> None:
        order = self.rng.permutation(len(self.labels))
        self.state = self.jax.block_until_ready(self.compiled(self.state, order, self.images, self.labels))

    def all_steps(self, state: Any, order: Any, images: Any, labels: Any) -> Any:
        def step(state: Any, indices: Any) -> tuple[Any, None]:
            return self.step(state, images[indices], labels[indices]), None

        whole = len(order) // self.batch * self.batch
        state, _ = self.jax.lax.scan(step, state, order[:whole].reshape(-1, self.batch))
        return step(state, order[whole:])[0] if whole < len(order) else state

    def loss(self, layers: Any, x: Any, labels: Any) -> Any:
        nn = self.jax.nn
        *hidden, (V, b) = layers
        for U, c in hidden:
            x = nn.relu(x @ U + c)
        return -self.jax.numpy.take_along_axis(nn.log_softmax(x @ V + b), labels[:, None], 1).mean()

    def step(self, state: Any, x: Any, labels: Any) -> Any:
        each, root = self.jax.tree.map, self.jax.numpy.sqrt
        layers, m, s, n = state
        g = self.jax.grad(self.loss)(layers, x, labels)
        if not self.adam:
            return each(lambda p, g: p - self.rate * g, layers, g), m, s, n
        n += 1
        m = each(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        s = each(lambda s, g: 0.999 * s + 0.001 * g * g, s, g)
        rate, root_s = self.rate / (1 - 0.9**n), (1 - 0.999**n) ** 0.5
        layers = each(lambda p, m, s: p - rate * m / (root(s) / root_s + 1e-8), layers, m, s)
        return layers, m, s, n

    def weights(self) -> Layers:
        return [(np.asarray(V).T, np.asarray(b)) for V, b in self.state[0]]
