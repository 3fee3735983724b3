"""Observe an answer's output as named pieces, arrays or words, which distinguish one mistake from another.

A student's answer, the textbook's, and each known mistake get the same inputs. Networks run at two sizes: one at
which all layers differ, and one at which all shapes are compatible.
"""

import copy
import io
import math
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from itertools import count, pairwise, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks.results import CheckError
from explorer.checks.structure import Step, fit_noted, numbered, shared, unfit

if TYPE_CHECKING:
    from explorer.datasets import Dataset

Array = NDArray[Any]
Pieces = dict[str, Any]
"""The pieces by name: arrays, or words."""

POINTS = np.array([[0.25, -0.5, 1.0, -1.5], [3.0, -4.0, 20.0, -20.0]])
"""Points at which scalar functions are checked, the least extreme first; without 0, where relu has no slope."""

KEPT = "a1", "h1", "a2"
"""The attributes that the exercise asks `forward` to keep."""

RAISED = "raised "
"""Prefix of a piece that is the type of an exception, not a value."""

SHAPES = f"{RAISED}because of shapes"

_FAR = np.array([[-1000.0, 1000.0]])
_RATE = 0.037  # unlikely in a student's code
_BATCH = 5
_EPOCHS = 4  # in random order, few samples may come together again in all of three
_CLASSES = 10
_ALMOST, _FEW = 1e-3, 6
# The members of an archive, in an order that nobody expects.
_ORDER = "test_images", "train_labels", "train_images", "test_labels"


@dataclass(frozen=True, slots=True)
class Probe:
    """The numbers and sizes for trying an answer, which the seed determines, and the time limit."""

    seed: int = 0
    seconds: float = 5.0

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Numbers of inputs, hidden units, outputs and samples, all different."""
        return 3 + self.seed, 6 + 2 * self.seed, 4 + self.seed, 9 + 3 * self.seed

    def trial(self, kind: type[Any], sizes: tuple[int, ...] = ()) -> tuple[Any, Array, Array]:
        """Return a network of a class, inputs and soft targets, of these sizes or of the usual ones."""
        n_input, n_hidden, n_output, n = sizes or self.sizes
        return self.network(kind, n_input, n_hidden, n_output), *self.samples(n_input, n_output, n, soft=True)

    def numbers(self, *shape: int) -> Array:
        """Return normally distributed numbers, always the same."""
        return np.random.default_rng(self.seed + len(shape)).normal(0, 1, shape)

    def samples(self, n_input: int, n_output: int, n: int, *, soft: bool = False) -> tuple[Array, Array]:
        """Return inputs, shape (n_input, n), and targets, shape (n_output, n): one-hot, or some soft ones."""
        d = np.eye(n_output)[:, (np.arange(n) ** 2 + self.seed) % n_output]
        d[:, ::2] -= soft * 0.3 * (d[:, ::2] - 1 / n_output)  # each column still sums to 1
        return self.numbers(n_input, n), d

    def network(self, kind: type[Any], n_input: int, n_hidden: Any, n_output: int) -> Any:
        """Return a network of a class in float64, its weights always the same."""
        made, rng = kind(n_input, n_hidden, n_output), np.random.default_rng(self.seed + 10)
        for number, (n_in, n_out) in enumerate(pairwise((n_input, *np.atleast_1d(n_hidden), n_output)), 1):
            setattr(made, f"W{number}", rng.normal(0, 1, (n_out, n_in)))
            setattr(made, f"b{number}", rng.normal(0, 1, (n_out, 1)))
        return made

    @property
    def dataset(self) -> "Dataset":
        """Random images; every class occurs."""
        from explorer.datasets import Dataset  # here, so that the checks load NumPy alone

        rng = np.random.default_rng(self.seed)
        labels = [rng.permutation(np.arange(n) % _CLASSES) for n in (29, 17)]
        images = [rng.choice([0, 1, 100, 255], (len(part), 28, 28)).astype(np.uint8) for part in labels]
        for part in images:
            part[::2] //= 3  # so that some images have no white pixel
        return Dataset("noise", images[0], labels[0], images[1], labels[1])

    @contextmanager
    def archive(self) -> Iterator[str]:
        """Write the images as an archive, next to an `mnist.tgz` with others, and make their folder current."""
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder, chdir(folder):
            for name, seed in (("mnist.tgz", self.seed + 1), ("digits.tgz", self.seed)):
                (path := Path(folder, name)).write_bytes(_packed(seed))
            yield str(path)

    @property
    def read(self) -> tuple[Any, Array, Array, Array, Array]:
        """A network, and data to evaluate it on: it predicts the value of each image's first pixel."""
        data, given = self.dataset, []
        for labels in (data.train_labels, data.test_labels):
            guesses = (labels + (np.arange(len(labels)) % 3 == self.seed % 2)) % _CLASSES
            given += [np.vstack([guesses, labels]), labels]
        network = SimpleNamespace(predict=lambda X: X[0], forward=lambda X: np.eye(_CLASSES)[:, X[0]])
        return network, given[0], given[1], given[2], given[3]


@cache
def _packed(seed: int) -> bytes:
    from explorer.datasets.mnist import write_archive

    write_archive(Probe(seed).dataset, stream := io.BytesIO(), _ORDER)
    return stream.getvalue()


def attempt(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return a function's result, or the type of the exception that it raises."""
    try:
        return function(*args, **kwargs)
    except (ValueError, IndexError):  # incompatible shapes: in products, or in equivalent loops
        return SHAPES
    except Exception as error:  # noqa: BLE001  # a mistake may cause any error
        return f"{RAISED}{type(error).__name__}"


def elementwise(f: Callable[..., Any], probe: Probe) -> Pieces:
    """Observe a function of each element, also far from 0 and at 0."""
    points = {"value": POINTS + (probe.seed + 0.5) / 7, "far": _FAR, "at 0": np.zeros((1, 1))}
    pieces = {name: attempt(f, a.copy()) for name, a in points.items()}  # which an answer may change
    return dict.fromkeys(pieces, pieces["value"]) if isinstance(pieces["value"], str) else pieces


def many_outputs(*, soft: bool) -> tuple[Array, Array]:
    """Return outputs near 0.1 for 600 samples, whose product underflows, and targets: each (10, 600)."""
    y = np.random.default_rng(4).uniform(0.05, 0.15, (10, 600))
    return y, Probe().samples(1, *y.shape, soft=soft)[1]


def loss(f: Callable[..., Any], probe: Probe, *, soft: bool = True) -> Pieces:
    """Observe a loss, or its derivative: its values, and its size where the outputs are extreme."""
    _, _, k, n = probe.sizes
    y, d = 1 / (1 + np.exp(-probe.numbers(k, n))), probe.samples(1, k, n)[1]
    value, at_worst = attempt(f, y, d), (1 - d) / (k - 1)  # at the worst, the target's output is 0
    if isinstance(value, str):
        return {"value": value}
    extremes = {"at the targets": attempt(f, d.copy(), d), "at the worst": attempt(f, at_worst, d)}
    many = attempt(f, *many_outputs(soft=soft))
    return {"value": value, "many": many} | {name: _size(found, value) for name, found in extremes.items()}


def _size(loss: Any, usual: Any) -> str:
    """Return a word for the size of a loss: answers keep it finite in different ways."""
    if isinstance(loss, str):
        return loss
    if np.isnan(loss).any():
        return "not a number"
    most = np.abs(loss).max()
    return "almost 0" if most < _ALMOST else "small" if most < _FEW * np.abs(usual).max() else "large"


def softmax(f: Callable[..., Any], probe: Probe) -> Pieces:
    """Observe a softmax, also where the sums are large or far apart."""
    a = 3 * probe.numbers(*probe.sizes[2:])
    return {"value": attempt(f, a), "far": attempt(f, a + 1000), "apart": attempt(f, apart(a))}


def apart(a: Array) -> Array:
    """Return sums with one column far above the others, one far below, and one spread out."""
    a = a.copy()
    a[:, 0] += 1000
    a[:, 1] -= 1000
    a[0, 2] += 1000
    return a


def initialized(kind: type[Any], *sizes: Any) -> Any:
    """Return a network with its initial weights, which some classes don't draw in `__init__`."""
    network = kind(*sizes)
    if getattr(network, "W1", None) is None and hasattr(network, "init_weights"):
        network.init_weights()
    return network


def initial_weights(kind: type[Any], probe: Probe) -> Pieces:
    """Observe the initial weights of a class of networks."""
    network, names = initialized(kind, 784, 32, 10), ("W1", "b1", "W2", "b2")
    pieces = {name: unfit(name, np.asarray(getattr(network, name, None))) for name in names}
    if isinstance(kind, type):
        with suppress(CheckError):  # an array is missing or has another shape
            pieces["memory"] = "shared" if shared(network, initialized(kind, 784, 32, 10)) else "its own"
        small = initialized(kind, 20, 12, 8 + probe.seed)
        pieces |= {f"shape of {name}": str(np.asarray(getattr(small, name, None)).shape) for name in names}
    return pieces


def _with_networks(observe: Callable[[Any, Array, Array], Pieces]) -> Callable[[type[Any], Probe], Pieces]:
    """Return an observation of a class: what `observe` returns for networks of two sizes, or that they change."""

    def observe_class(kind: type[Any], probe: Probe) -> Pieces:
        pieces = Pieces()
        for word, sizes in (("", probe.sizes), ("square ", (4 + probe.seed,) * 4)):
            network, X, d = probe.trial(kind, sizes)
            before = _weights(network)
            attempt(network.forward, -X)  # so that the arrays it keeps belong to other inputs
            found = observe(network, X, d)
            if _changed(network, before):
                return {"weights": "changed"}  # no other piece is needed
            pieces |= {f"{word}{name}": piece for name, piece in found.items()}
        return pieces

    return observe_class


@_with_networks
def forward(network: Any, X: Array, _: Array) -> Pieces:
    """Observe the outputs, and the arrays that are kept."""
    y = attempt(network.forward, X)
    if isinstance(y, str):
        return {"y": y}
    kept = {name: array for name in KEPT if (array := getattr(network, name, None)) is not None}
    return {"y": y} | kept | dict.fromkeys(unkept(network, X), "not kept")


def unkept(network: Any, X: Array) -> list[str]:
    """Return the arrays that `forward` doesn't keep, if the same class's `backward` needs them."""
    lost = [name for name in KEPT if getattr(network, name, None) is None]
    if lost and getattr(network, "backward", None) is not None:
        y = network.forward(X)
        try:
            network.backward(X, y, np.zeros_like(y))
        except AttributeError:
            return lost
        except Exception:  # noqa: BLE001  # another mistake, or a gap
            return []
    return []


@_with_networks
def predict(network: Any, X: Array, _: Array) -> Pieces:
    """Observe the predicted classes."""
    found = attempt(network.predict, X)
    return {"y": found, "kind": "no integers"} if np.asarray(found).dtype.kind == "f" else {"y": found}


@_with_networks
def backward(network: Any, X: Array, d: Array) -> Pieces:
    """Observe the gradient."""
    found = attempt(lambda: network.backward(X, network.forward(X), d))
    return _named(tuple(f"d_{name}" for name in _weights(network)), found)


@_with_networks
def step(network: Any, X: Array, d: Array) -> Pieces:
    """Observe the loss and the weights of a step, and whether a second one is like it."""
    (moved, fresh, still), before = (copy.deepcopy(network) for _ in range(3)), _weights(network)

    def stepped(network: Any, before: Pieces, rate: float = _RATE) -> Pieces:
        for name, array in before.items():
            setattr(network, name, array.copy())
        loss = attempt(network.train_iteration, X, d, rate)
        return {"loss": loss} | ({} if isinstance(loss, str) else _weights(network))

    one, other = (stepped(still, before, 0.0) | {"loss": ""} for _ in range(2))  # of no gradient
    if not _alike(one, other):
        return {"weights": "random"}
    first, now = stepped(moved, before), _weights(moved)
    is_as_first = _alike(stepped(moved, {}), stepped(fresh, now))
    return first | {"second step": "as a first one" if is_as_first else "another"}


def _alike(one: Pieces, other: Pieces) -> bool:
    return all(is_same(piece, other.get(name)) for name, piece in one.items())


def _changed(network: Any, before: Pieces) -> bool:
    return any(not np.array_equal(before[name], array) for name, array in _weights(network).items())


def _weights(network: Any) -> Pieces:
    names = (f"{kind}{number}" for number in count(1) for kind in "Wb")
    return {name: np.array(getattr(network, name)) for name in takewhile(partial(hasattr, network), names)}


def fit(kind: type[Any], probe: Probe) -> Pieces:
    """Observe the steps that `fit` makes, and its history."""
    pieces = Pieces()
    # With a short batch, without, and with a batch of one sample.
    for word, n in (("", 23 + _BATCH * probe.seed), ("even ", 4 * _BATCH), ("one ", 4 * _BATCH + 1)):
        network, steps = probe.network(kind, 8 + probe.seed, 3, 7), list[Step]()
        X, d = numbered((8 + probe.seed, 3, 7), n)
        given, before = (X.copy(), d.copy()), _weights(network)
        history = attempt(fit_noted, steps, network, X, d, _BATCH, _EPOCHS, lr=_RATE)
        if not (np.array_equal(X, given[0]) and np.array_equal(d, given[1])):
            return {"inputs": "changed"}
        if _changed(network, before):
            return {"weights": "changed"}
        pieces |= {f"{word}{name}": piece for name, piece in _noted(steps, history, X, d).items()}
    return pieces


def _noted(steps: list[Step], history: Any, X: Array, d: Array) -> Pieces:
    """Return the arguments of the steps of a fit on `X` and `d`; only the largest shape if that isn't a batch."""
    if not steps:
        return {"history": history}
    largest = max((step.X.shape for step in steps), key=math.prod)
    pieces: Pieces = {"largest batch": str(largest)}
    if largest != (len(X), _BATCH):
        return pieces
    if not all(np.allclose(step.X - step.X[0], np.arange(len(step.X))[:, None]) for step in steps):
        return {"inputs": "others"}
    n_steps = max(len(steps) // _EPOCHS, 1)
    epochs = [steps[start:][:n_steps] for start in range(0, len(steps), n_steps)]
    orders = [[step.samples for step in epoch] for epoch in epochs]
    used = [sorted(k for batch in order for k in batch) for order in orders]
    batches = [{*map(frozenset, order)} for order in orders]
    losses = [sum(step.loss for step in epoch) / X.shape[1] for epoch in epochs]
    is_mean = np.shape(history) == np.shape(losses) and np.allclose(history, losses)
    are_targets = all(step.d.shape == (len(d), len(step.samples)) for step in steps)
    are_own = are_targets and all(step.targets == [k % 7 for k in step.samples] for step in steps)
    is_each_once = all(samples == [*range(X.shape[1])] for samples in used)
    return pieces | {
        "batch sizes": np.sort([len(step.samples) for step in steps]),
        "samples": "each once" if is_each_once else "not each once",
        "order": "new each time" if any(order != orders[0] for order in orders) else "the same again",
        "batches": "new each time" if any(batch != batches[0] for batch in batches) else "the same again",
        "within an epoch": "one batch" if all(len(epoch) == 1 for epoch in batches) else "several batches",
        "targets": "its own" if are_own else "another's" if are_targets else "no targets",
        "learning rates": np.unique([step.lr for step in steps]),
        "history": "the mean losses" if is_mean else history,
    }


def load_digits(load: Callable[..., Any], probe: Probe) -> Pieces:
    """Observe the arrays that are read from a small archive."""
    names = "X_train", "Y_train", "train_labels", "X_test", "Y_test", "test_labels"
    with probe.archive() as path:
        return _named(names, attempt(load, path))


def evaluate(f: Callable[..., Any], probe: Probe) -> Pieces:
    """Observe the accuracies and the confusion matrix of a network with known predictions."""
    return _named(("train_accuracy", "test_accuracy", "confusion"), attempt(f, *probe.read))


def _named(names: tuple[str, ...], found: Any) -> Pieces:
    """Return several results by name, or whatever was returned instead."""
    if isinstance(found, tuple | list) and len(found) == len(names):
        return dict(zip(names, found, strict=True))
    if isinstance(found, tuple | list):
        return {f"result {number} of {len(found)}": piece for number, piece in enumerate(found, 1)}
    return dict.fromkeys(names, found)


def several_layers(kind: type[Any], probe: Probe) -> Pieces:
    """Observe both passes of networks with two hidden layers."""
    pieces, (n_input, n_hidden, n_output, n) = Pieces(), probe.sizes
    square = n_output, (n_output, n_output), n_output
    for word, sizes in (("", (n_input, (n_hidden, n_hidden - 1), n_output)), ("square ", square)):
        if len(_weights(begun := initialized(kind, *sizes))) < 6:
            return {"weights": "elsewhere"}
        network = probe.network(kind, *sizes)
        X, d = probe.samples(sizes[0], n_output, n_output if word else n)
        names = tuple(f"{word}d_{name}" for name in _weights(network))
        pieces |= {f"{word}{name} at first": unfit(name, array) for name, array in _weights(begun).items()}
        attempt(network.forward, -X)  # so that the arrays it keeps belong to other inputs
        pieces[f"{word}y"] = y = attempt(network.forward, X)
        pieces |= _named(names, attempt(network.backward, X, y, d))
    return pieces


def is_same(found: Any, expected: Any) -> bool:
    """Return whether two pieces are equal, numbers up to rounding."""
    if isinstance(found, str) or isinstance(expected, str):
        return type(found) is type(expected) and bool(found == expected)
    try:
        numbers, others = np.asarray(found), np.asarray(expected, float)
        if numbers.shape != others.shape or numbers.dtype.kind not in "biuf":
            return False
    except (TypeError, ValueError):  # not an array of numbers
        return False
    precision = np.finfo(numbers.dtype).eps if numbers.dtype.kind == "f" else 0.0
    scale = np.abs(others[np.isfinite(others)]).max(initial=0)
    tolerance = scale * max(1e-5, 1000 * float(precision))
    return np.allclose(numbers, others, rtol=0, atol=tolerance, equal_nan=True)
